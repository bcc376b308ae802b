#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "fail.h"

#define CONNECTIONS_MAX (CONTROL_FDS_MAX - 1)
/* So long the container's end waits for the end of what was executed in it. */
#define END_MS 1000

static int listener = -1;
static struct {
	int fd;
	int32_t number;
	int has_executed;
} connections[CONNECTIONS_MAX];
static int connection_count;
static int32_t last_number;

/* A directory's name may be longer than a socket's address: it is named by descriptor. Returns the descriptor. */
static int address_in(const char *directory, struct sockaddr_un *address)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/control", fd);
	return fd;
}

void control_listen(const char *directory)
{
	struct sockaddr_un address;
	int place = address_in(directory, &address);

	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (place < 0 || listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 128) < 0)
		fail("cannot make the control socket in %s", directory);
	close(place);
}

int control_connect(const char *directory)
{
	struct sockaddr_un address;
	int place = address_in(directory, &address);
	int fd = place < 0 ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	if (place >= 0)
		close(place);
	return fd;
}

int control_polls(struct pollfd *events)
{
	if (listener < 0)
		return 0;
	/* A full table leaves newcomers in the backlog. */
	events[0] = (struct pollfd){ .fd = connection_count < CONNECTIONS_MAX ? listener : -1, .events = POLLIN };
	for (int i = 0; i < connection_count; i++)
		events[i + 1] = (struct pollfd){ .fd = connections[i].fd, .events = POLLIN };
	return connection_count + 1;
}

static void forget(int index, int init_channel)
{
	channel_send(init_channel, MSG_CONTROL_GONE, connections[index].number, 0, NULL, 0);
	close(connections[index].fd);
	connections[index] = connections[--connection_count];
}

static void relay(int index, int init_channel)
{
	static struct message message;
	int got = channel_receive(connections[index].fd, &message, MSG_DONTWAIT);

	if (got == 0) {
		forget(index, init_channel);
		return;
	}
	if (got < 0)
		return;
	if (message.header.kind == MSG_CONTROL_EXEC)
		connections[index].has_executed = 1;
	if (message.header.kind >= MSG_CONTROL_FIRST && message.header.kind < MSG_CONTROL_GONE) {
		message.header.x = connections[index].number;
		channel_send_fds(init_channel, &message.header, message.text, message.fds, message.fd_count);
	}
	for (int i = 0; i < message.fd_count; i++)
		close(message.fds[i]);
}

void control_serve(const struct pollfd *events, int count, int init_channel)
{
	/* From the last to the first: the one that takes a leaver's place has been served. */
	for (int i = count - 1; i > 0; i--)
		if (events[i].revents)
			relay(i - 1, init_channel);
	if (count == 0 || !events[0].revents)
		return;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (++last_number <= 0)
		last_number = 1;
	connections[connection_count].fd = fd;
	connections[connection_count].has_executed = 0;
	connections[connection_count++].number = last_number;
}

void control_answer(const struct message *message)
{
	for (int i = 0; i < connection_count; i++) {
		if (connections[i].number != message->header.x)
			continue;
		/* A client that does not read must not hold up the container. */
		channel_forward_now(connections[i].fd, message);
		return;
	}
}

static int milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)(now.tv_sec % 1000000 * 1000 + now.tv_nsec / 1000000);
}

/* A pidfd of the process that connected, or -1. */
static int open_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

/*
 * The first process of a pid namespace of the kernel's ends only when all others have been waited for
 * (zap_pid_ns_processes), and engines rely on it: when they have seen a container's end they forget it, and the
 * caller of an exec whose end they see later waits for ever.
 */
void control_end(void)
{
	int end = milliseconds() + END_MS;

	for (int i = 0; i < connection_count; i++) {
		int peer = connections[i].has_executed ? open_peer(connections[i].fd) : -1;
		close(connections[i].fd);
		connections[i].fd = peer;
	}
	for (; connection_count > 0; connection_count--) {
		int peer = connections[connection_count - 1].fd;
		if (peer < 0)
			continue;
		while (syscall(SYS_pidfd_send_signal, peer, 0, NULL, 0) == 0 && milliseconds() < end)
			usleep(1000);
		close(peer);
	}
}
