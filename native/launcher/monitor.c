#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "channel.h"
#include "control.h"
#include "fail.h"
#include "monitor.h"
#include "terminal.h"

static struct message message;
static struct monitor_options options;
/* Before, there is no program that could be signalled. */
static int is_running;

int monitor_wait(pid_t pid)
{
	int wait_status = 0;

	while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
		;
	return wait_status;
}

int monitor_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/* All that a program may get from outside, and SIGCHLD; the others are this process's own affair. */
static void forwarded_signals(sigset_t *set)
{
	static const int own[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGPIPE, SIGTTIN, SIGTTOU };

	sigfillset(set);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(set, own[i]);
}

int monitor_open_signals(void)
{
	sigset_t forwarded, blocked;

	forwarded_signals(&forwarded);
	blocked = forwarded;
	sigaddset(&blocked, SIGPIPE);
	/* So that the modes can be restored from the background as well. */
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	int fd = signalfd(-1, &forwarded, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("cannot make a signalfd");
	return fd;
}

static void send_continued(int channel)
{
	channel_send(channel, MSG_CONTINUED, terminal_is_foreground(), 0, NULL, 0);
}

static int ends_programs(int signal_number)
{
	return signal_number == SIGINT || signal_number == SIGTERM || signal_number == SIGHUP || signal_number == SIGQUIT;
}

static void reap_cli(void)
{
	if (options.cli > 0)
		waitpid(options.cli, NULL, WNOHANG);
}

static void say(const char *text);

/* Returns an exit status when a child was the sandbox's network broker and is dead before its time, else -1. */
static int reap_children(void)
{
	reap_cli();
	const char *death = broker_death();
	if (!death)
		return -1;
	terminal_restore();
	say(death);
	return EXIT_MOAT;
}

/* Returns an exit status when the signal ends the start, else -1. */
static int forward_signals(int signals, int channel)
{
	struct signalfd_siginfo info;
	int status = -1;

	while (status < 0 && read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCONT)
			send_continued(channel);
		else if (info.ssi_signo == SIGCHLD)
			status = reap_children();
		else if (!is_running && ends_programs((int)info.ssi_signo))
			return 128 + (int)info.ssi_signo;
		else
			channel_send(channel, MSG_SIGNAL, (int32_t)info.ssi_signo, info.ssi_code == SI_KERNEL, NULL, 0);
	}
	return status;
}

static void follow_stop(int signal_number, int channel)
{
	const struct timespec no_time = { 0, 0 };
	sigset_t continued;

	terminal_stop(signal_number);
	sigemptyset(&continued);
	sigaddset(&continued, SIGCONT);
	sigtimedwait(&continued, NULL, &no_time);
	send_continued(channel);
}

static int is_stop_signal(int signal_number)
{
	return signal_number == SIGSTOP || signal_number == SIGTSTP || signal_number == SIGTTIN || signal_number == SIGTTOU;
}

/* The CLI hears how the start went, once; what comes later is for standard error. */
static void report(void)
{
	if (options.reply < 0)
		return;
	channel_forward(options.reply, &message);
	close(options.reply);
	options.reply = -1;
	fail_over_channel(-1);
	fail_cleanup(terminal_restore);
}

static void say(const char *text)
{
	if (options.reply < 0)
		print_line(text);
	else
		report();
}

/* Returns the exit status once the sandbox is at its end, else -1. */
static int act_on_message(int channel)
{
	switch (message.header.kind) {
	case MSG_CONFINED:
		is_running = 1;
		return -1;
	case MSG_STOPPED:
		if (!options.is_detached)
			follow_stop(is_stop_signal(message.header.x) ? message.header.x : SIGSTOP, channel);
		return -1;
	case MSG_CREATED:
		report();
		return -1;
	case MSG_EXITED:
		return monitor_exit_status(message.header.x);
	case MSG_EXEC_FAILED:
		terminal_restore();
		say(message.text);
		return message.header.x == 126 ? 126 : 127;
	case MSG_FATAL:
		terminal_restore();
		say(message.text);
		return options.is_container && message.header.x ? message.header.x : EXIT_MOAT;
	default:
		if (message.header.kind >= MSG_ANSWER_FIRST && message.header.kind <= MSG_ANSWER_LAST)
			control_answer(&message);
		return -1;
	}
}

static int without_last_words(pid_t init)
{
	char line[128];
	int wait_status = monitor_wait(init);

	broker_end();
	terminal_restore();
	if (options.is_container && options.reply < 0 && WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL)
		return MONITOR_KILLED;
	if (WIFSIGNALED(wait_status))
		snprintf(line, sizeof line, "the init process was killed by signal %d; the sandbox has ended", WTERMSIG(wait_status));
	else
		snprintf(line, sizeof line, "the init process ended with exit status %d; the sandbox has ended", WEXITSTATUS(wait_status));
	if (options.reply >= 0)
		fail_plain("%s", line);
	print_line(line);
	return EXIT_MOAT;
}

int monitor_run(pid_t init, int channel, struct monitor_options wanted)
{
	struct pollfd events[2 + CONTROL_FDS_MAX];
	int signals = monitor_open_signals();
	int status = -1;

	options = wanted;
	send_continued(channel);
	status = reap_children();
	if (status >= 0)
		kill(init, SIGKILL);
	while (status < 0) {
		events[0] = (struct pollfd){ .fd = channel, .events = POLLIN };
		events[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
		int controls = control_polls(events + 2);
		if (poll(events, (nfds_t)(2 + controls), -1) < 0) {
			if (errno != EINTR)
				fail("poll");
			continue;
		}
		control_serve(events + 2, controls, channel);
		if (events[1].revents)
			status = forward_signals(signals, channel);
		if (status >= 0)
			kill(init, SIGKILL);
		if (status >= 0 || !events[0].revents)
			continue;
		int got = channel_receive(channel, &message, MSG_DONTWAIT);
		if (got == 1)
			status = act_on_message(channel);
		else if (got == 0)
			return without_last_words(init);
	}
	/* Init is ending, and with it the pid namespace: when it is gone, so is every process. */
	monitor_wait(init);
	broker_end();
	terminal_restore();
	return status;
}
