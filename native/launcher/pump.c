#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "fail.h"
#include "pump.h"

/* A pipe that poll(2) calls writable takes as much at once (PIPE_BUF). */
#define CHUNK 4096

/* Bytes on their way from one descriptor to another. */
struct flow {
	int from;
	int to;
	size_t start;
	size_t length;
	char bytes[CHUNK];
};

static int host_console = -1;
static struct termios callers_modes;
static int is_raw;

/* As runc: standard error, output, input, and what the session has when all are elsewhere. */
static void find_console(void)
{
	for (int fd = STDERR_FILENO; fd >= 0 && host_console < 0; fd--)
		if (isatty(fd))
			host_console = fd;
	if (host_console < 0)
		host_console = open("/dev/tty", O_RDONLY | O_CLOEXEC);
	if (host_console >= 0 && tcgetattr(host_console, &callers_modes) < 0)
		host_console = -1;
}

/* The container's terminal does the editing; new lines are still the caller's to begin. */
static void set_raw(void)
{
	struct termios raw = callers_modes;

	if (host_console < 0 || tcgetpgrp(host_console) != getpgrp())
		return;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;
	is_raw = tcsetattr(host_console, TCSANOW, &raw) == 0;
}

static void set_size(int master)
{
	struct winsize size;

	if (host_console >= 0 && ioctl(host_console, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

/* Takes a chunk; at the end of the input nothing is read any more. */
static void fill(struct flow *flow)
{
	ssize_t got = read(flow->from, flow->bytes, sizeof flow->bytes);

	if (got > 0) {
		flow->start = 0;
		flow->length = (size_t)got;
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		flow->from = -1;
	}
}

/* Whoever does not listen any more does not end the program. */
static void drain(struct flow *flow)
{
	ssize_t put = write(flow->to, flow->bytes + flow->start, flow->length);

	if (put > 0) {
		flow->start += (size_t)put;
		flow->length -= (size_t)put;
	} else if (put < 0 && errno != EAGAIN && errno != EINTR) {
		flow->length = 0;
	}
}

static struct pollfd wanted(const struct flow *flow)
{
	if (flow->length > 0)
		return (struct pollfd){ .fd = flow->to, .events = POLLOUT };
	return (struct pollfd){ .fd = flow->from, .events = POLLIN };
}

static void advance(struct flow *flow)
{
	if (flow->length > 0)
		drain(flow);
	else
		fill(flow);
}

/* True when the monitor has ended. */
static int serve_signals(int signals, pid_t monitor, int master, int *wait_status)
{
	struct signalfd_siginfo info;
	int has_ended = 0;

	while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
		int number = (int)info.ssi_signo;
		if (number == SIGCHLD)
			has_ended = has_ended || waitpid(monitor, wait_status, WNOHANG) == monitor;
		else if (number == SIGWINCH)
			set_size(master);
		else if (number == SIGCONT)
			set_raw();
		if (number != SIGCHLD && number != SIGWINCH && number != SIGPIPE && number != SIGTTOU && number != SIGTTIN)
			kill(monitor, number);
	}
	return has_ended;
}

/* What the program wrote last is still in the pty. */
static void finish(struct flow *output)
{
	for (;;) {
		while (output->length > 0) {
			struct pollfd writable = wanted(output);
			if (poll(&writable, 1, -1) > 0)
				drain(output);
		}
		if (output->from < 0)
			return;
		fill(output);
		if (output->length == 0)
			return;
	}
}

int pump_run(pid_t monitor, int master)
{
	static struct flow input, output;
	sigset_t all;
	int wait_status = 0;

	sigfillset(&all);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || fcntl(master, F_SETFL, O_NONBLOCK) < 0)
		fail("cannot serve the terminal");
	input = (struct flow){ .from = STDIN_FILENO, .to = master };
	output = (struct flow){ .from = master, .to = STDOUT_FILENO };
	find_console();
	set_raw();
	set_size(master);
	for (int has_ended = waitpid(monitor, &wait_status, WNOHANG) == monitor; !has_ended;) {
		struct pollfd events[] = { { .fd = signals, .events = POLLIN }, wanted(&input), wanted(&output) };
		if (poll(events, 3, -1) < 0)
			continue;
		if (events[1].revents)
			advance(&input);
		if (events[2].revents)
			advance(&output);
		if (events[0].revents)
			has_ended = serve_signals(signals, monitor, master, &wait_status);
	}
	finish(&output);
	if (is_raw)
		tcsetattr(host_console, TCSADRAIN, &callers_modes);
	return wait_status;
}
