#define _GNU_SOURCE
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

static int tty = -1;
static struct termios saved;

void terminal_save(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (isatty(fd) && tcgetsid(fd) == getsid(0) && tcgetattr(fd, &saved) == 0) {
			tty = fd;
			return;
		}
	}
}

void terminal_adopt(int fd)
{
	tty = fd;
	tcgetattr(tty, &saved);
}

int terminal_fd(void)
{
	return tty;
}

int terminal_exists(void)
{
	return tty >= 0;
}

int terminal_is_foreground(void)
{
	return tty >= 0 && tcgetpgrp(tty) == getpgrp();
}

/* A job in the background would be stopped for this; SIGTTOU is blocked in the launcher, which lets it pass. */
static void set_modes(const struct termios *modes)
{
	tcsetattr(tty, TCSADRAIN, modes);
}

void terminal_restore(void)
{
	if (terminal_is_foreground())
		set_modes(&saved);
}

void terminal_stop(int signal_number)
{
	struct termios program;
	int has_modes = terminal_is_foreground() && tcgetattr(tty, &program) == 0;
	sigset_t only, before;

	terminal_restore();
	/*
	 * The signal itself with its default action, not SIGSTOP: the shell shows the right word,
	 * and the kernel ignores it in an orphaned process group, which nobody could continue.
	 */
	signal(signal_number, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, signal_number);
	kill(getpid(), signal_number);
	sigprocmask(SIG_UNBLOCK, &only, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (tty >= 0)
		tcgetattr(tty, &saved);
	if (has_modes && terminal_is_foreground())
		set_modes(&program);
}
