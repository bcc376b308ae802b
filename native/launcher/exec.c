#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "control.h"
#include "exec.h"
#include "fail.h"
#include "monitor.h"
#include "terminal.h"

/* 128 + SIGKILL: the container ended first. */
#define STATUS_CONTAINER_ENDED 137

static struct request request;
static struct message message;

static void send_exec(int container, int console)
{
	int fds[MSG_FDS_MAX];
	struct message_header header = { .kind = MSG_CONTROL_EXEC };

	fds[0] = request_config(&request);
	int count = 1 + front_stdio(&request, console, fds + 1, front_preserved());
	if (!channel_send_fds(container, &header, NULL, fds, count))
		fail("cannot ask the container");
}

static void forward_signals(int signals, int container)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo != SIGCHLD)
			channel_send(container, MSG_CONTROL_EXEC_SIGNAL, 0, (int32_t)(info.ssi_signo | (info.ssi_code == SI_KERNEL) << 8), NULL, 0);
}

/* Returns an exit status at the end, else -1. */
static int act_on_answer(int cli)
{
	if (message.header.kind == MSG_EXEC_STARTED)
		message.header.x = getpid();
	switch (message.header.kind) {
	case MSG_EXEC_STARTED:
		channel_forward(cli, &message);
		/* The CLI goes by its end of file. */
		shutdown(cli, SHUT_RDWR);
		fail_over_channel(-1);
		return -1;
	case MSG_EXEC_REFUSED:
		channel_forward(cli, &message);
		return message.header.y;
	case MSG_EXEC_EXITED:
		return monitor_exit_status(message.header.y);
	default:
		return -1;
	}
}

int exec_monitor(const struct program_files *files, struct monitor_ends ends)
{
	int status = -1;

	(void)files;
	fail_over_channel(ends.cli);
	front_take_stdio();
	prctl(PR_SET_NAME, "moat-exec", 0, 0, 0);
	request_read_all(&request, ends.request);
	const char *directory = request_value(&request, "control");
	if (!request_exists(&request) || !directory)
		return EXIT_MOAT;
	int container = control_connect(directory);
	if (container < 0)
		fail("cannot reach the container");
	*ends.is_foreground = request_value(&request, "detach") == NULL;
	if (front_is_apart(&request))
		setsid();
	int signals = monitor_open_signals();
	send_exec(container, ends.console);
	front_release_stdio(*ends.is_foreground);
	while (status < 0) {
		struct pollfd events[] = { { .fd = container, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
		if (poll(events, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		if (events[1].revents)
			forward_signals(signals, container);
		if (!events[0].revents)
			continue;
		int got = channel_receive(container, &message, MSG_DONTWAIT);
		if (got == 1)
			status = act_on_answer(ends.cli);
		else if (got == 0)
			status = STATUS_CONTAINER_ENDED;
	}
	terminal_restore();
	return status;
}
