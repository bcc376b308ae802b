/*
 * A seccomp agent: seccomp-agent SOCKET COUNT. Takes COUNT listeners, one after the other, and decides of mkdir(2) by the name that
 * it reads from the caller's memory; tells of what it sees on standard output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int receive_listener(int connection)
{
	char state[4096] = "", control[256];
	struct iovec text = { state, sizeof state - 1 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int fd = -1;

	if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	if (rights)
		memcpy(&fd, CMSG_DATA(rights), sizeof fd);
	printf("state %s\n", state);
	return fd;
}

/* What is at the address in the caller's memory, as far as it can be read. */
static void read_name(pid_t pid, unsigned long long addr, char *name, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int mem = open(path, O_RDONLY | O_CLOEXEC);
	memset(name, 0, size);
	if (mem < 0 || pread(mem, name, size - 1, (off_t)addr) < 0)
		snprintf(name, size, "unreadable");
	close(mem);
}

/* A file with a text, given to the caller as its answer. */
static int add_file(int listener, unsigned long long id, int flags, unsigned newfd)
{
	int file = memfd_create("given", 0);

	if (write(file, "given\n", 6) != 6 || lseek(file, 0, SEEK_SET) != 0)
		return -1;
	struct seccomp_notif_addfd addition = { .id = id, .srcfd = (unsigned)file, .flags = (unsigned)flags, .newfd = newfd };
	int result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
	close(file);
	return result < 0 ? -errno : result;
}

static void decide(int listener)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp response = { 0 }, unknown = { .id = 123456789 };
	char name[64];

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0) {
		printf("receive %d\n", errno);
		return;
	}
	response.id = call.id;
	read_name((pid_t)call.pid, call.data.args[0], name, sizeof name);
	printf("call %d %s %o valid %d\n", call.data.nr, name, (unsigned)call.data.args[1], ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call.id));
	if (strcmp(name, "errno") == 0)
		response.error = -ENOMEDIUM;
	else if (strcmp(name, "value") == 0)
		response.val = 77;
	else if (strcmp(name, "file") == 0)
		response.val = add_file(listener, call.id, 0, 0);
	else if (strcmp(name, "place") == 0) {
		printf("place %d\n", add_file(listener, call.id, SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND, 9));
		return;
	} else if (strcmp(name, "bad") == 0) {
		response.flags = 8;
		printf("bad %d", ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 ? errno : 0);
		printf(" %d\n", ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &unknown) < 0 ? errno : 0);
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	} else if (strcmp(name, "late") == 0) {
		struct pollfd gone = { .fd = listener, .events = POLLOUT };
		while (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call.id) == 0)
			usleep(10000);
		printf("withdrawn %d\n", errno);
		poll(&gone, 1, 0);
	} else
		response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0)
		printf("send %d\n", errno);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int count = argc == 3 ? atoi(argv[2]) : 0, socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	if (count == 0)
		return 2;
	snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
	if (bind(socket_fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(socket_fd, 8) < 0)
		return 1;
	struct pollfd events[9] = { { .fd = socket_fd, .events = POLLIN } };
	int open_count = 0, taken = 0;
	for (;;) {
		if (poll(events, (nfds_t)(1 + open_count), -1) < 0)
			return 1;
		for (int i = open_count; i > 0; i--) {
			if (events[i].revents & POLLIN)
				decide(events[i].fd);
			else if (events[i].revents & (POLLHUP | POLLERR)) {
				printf("end\n");
				close(events[i].fd);
				events[i] = events[open_count--];
				if (taken == count && open_count == 0)
					return 0;
			}
		}
		if (!(events[0].revents & POLLIN))
			continue;
		int connection = accept(socket_fd, NULL, NULL);
		events[++open_count] = (struct pollfd){ .fd = receive_listener(connection), .events = POLLIN };
		close(connection);
		if (++taken == count)
			events[0].fd = -1;
	}
}
