#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "fail.h"
#include "listener.h"
#include "privilege.h"

#define ARGUMENTS 4
/* So long an agent has to see that the container is gone. */
#define END_MS 2000

static int fuse = -1, control = -1;
static pid_t monitor;
static struct message message;

void listener_say(uint32_t kind, const char *text, int fd)
{
	struct message_header header = { .kind = kind, .text_length = (uint32_t)strlen(text) };

	if (control >= 0)
		channel_send_fds(control, &header, text, &fd, fd >= 0);
}

int listener_is_attached(void)
{
	return control >= 0;
}

/* The sentry says: ID PID and struct seccomp_data in hexadecimal. */
static void hear_call(const char *text)
{
	struct seccomp_data data;
	unsigned char *bytes = (unsigned char *)&data;
	uint64_t id;
	int pid, at;

	if (sscanf(text, "%" SCNu64 " %d %n", &id, &pid, &at) != 2 || strlen(text + at) != 2 * sizeof data)
		return;
	for (size_t i = 0; i < sizeof data; i++)
		if (sscanf(text + at + 2 * i, "%2hhx", bytes + i) != 1)
			return;
	calls_add(id, pids_outer(monitor, pid), &data);
}

static void hear_sentry(void)
{
	switch (message.header.kind) {
	case MSG_ANSWER_DONE:
		if (message.header.y != 0)
			fail_plain("the sandbox does not know the seccomp filter");
		if (write(STDOUT_FILENO, "attached\n", 9) < 0)
			_exit(EXIT_MOAT);
		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
		return;
	case MSG_ANSWER_NOTIFICATION:
		hear_call(message.text);
		break;
	case MSG_ANSWER_WITHDRAWN:
		calls_remove(strtoull(message.text, NULL, 10));
		break;
	case MSG_ANSWER_UNUSED:
		agent_unused();
		break;
	case MSG_ANSWER_ADDED:
		agent_added(strtoul(message.text, NULL, 10), message.header.y);
		break;
	}
	agent_deliver();
}

static char *read_state(void)
{
	size_t length = 0, capacity = 0;
	char *text = NULL;

	for (;;) {
		if (length + 2 > capacity && !(text = realloc(text, capacity += 65536)))
			fail_plain("no memory");
		ssize_t got = read(STDIN_FILENO, text + length, 1);
		if (got <= 0)
			fail_plain("no container process state");
		if (text[length] == 0)
			return text;
		length++;
	}
}

static _Noreturn void serve(const char *directory, const char *token)
{
	for (;;) {
		struct pollfd events[] = {
			{ .fd = fuse, .events = POLLIN },
			{ .fd = control, .events = POLLIN },
			{ .fd = token ? STDIN_FILENO : -1, .events = POLLIN },
		};
		int count = poll(events, 3, control < 0 && !token ? END_MS : -1);
		if (count == 0)
			_exit(0);
		if (events[0].revents && !agent_serve(fuse))
			_exit(0);
		int got = events[1].revents ? channel_receive(control, &message, MSG_DONTWAIT) : -1;
		if (got == 1)
			hear_sentry();
		else if (got == 0) {
			close(control);
			control = -1;
			agent_lost();
		}
		if (events[2].revents) {
			control = control_connect(directory);
			if (control < 0)
				fail("cannot reach the container");
			listener_say(MSG_CONTROL_LISTENER, token, -1);
			token = NULL;
		}
	}
}

_Noreturn void listener_run(int count, char **arguments)
{
	int sender_pipe, wait_status;

	if (count != ARGUMENTS)
		fail_plain("a listener needs an agent, a directory, a token and a monitor");
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	monitor = atoi(arguments[3]);
	char *state = read_state();
	prctl(PR_SET_NAME, "moat-seccomp", 0, 0, 0);
	setsid();
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	privilege_no_core();
	pid_t sender = listener_file_send(arguments[0], state, &fuse, &sender_pipe);
	/* A file that could not be sent is closed, too: why, the child's end says. */
	for (int is_open = 1; is_open;) {
		struct pollfd events[] = { { .fd = fuse, .events = POLLIN }, { .fd = sender_pipe, .events = POLLIN } };
		poll(events, 2, -1);
		is_open = !(events[0].revents && !agent_serve(fuse)) && !events[1].revents;
	}
	if (waitpid(sender, &wait_status, 0) != sender || wait_status != 0)
		_exit(1);
	close(sender_pipe);
	if (geteuid() == 0)
		privilege_limit(UINT64_C(1) << CAP_SYS_PTRACE);
	if (write(STDOUT_FILENO, "ready\n", 6) < 0)
		_exit(EXIT_MOAT);
	serve(arguments[1], arguments[2]);
}
