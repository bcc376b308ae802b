#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"
#include "fail.h"
#include "terminal.h"

/* The receiver is a program like containerd's shim: one message with the pty's name, the master beside it. */
static int send_master(int to, int master, const char *name)
{
	struct iovec text = { .iov_base = (void *)name, .iov_len = strlen(name) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr packet = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &master, sizeof master);
	return sendmsg(to, &packet, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void send_to_path(const char *socket_path, int master, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(socket_path) >= sizeof address.sun_path)
		fail_plain("the console socket's path is too long: %s", socket_path);
	strcpy(address.sun_path, socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail("cannot connect to the console socket %s", socket_path);
	if (send_master(fd, master, name) < 0)
		fail("cannot send to the console socket %s", socket_path);
	close(fd);
}

static void set_size(int terminal, const char *size)
{
	unsigned rows, columns;

	if (!size || sscanf(size, "%ux%u", &rows, &columns) != 2)
		return;
	struct winsize window = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };
	ioctl(terminal, TIOCSWINSZ, &window);
}

int console_receive(int from)
{
	char name[64];
	struct iovec text = { .iov_base = name, .iov_len = sizeof name };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr packet = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	int master = -1;

	ssize_t got = recvmsg(from, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *rights = got > 0 ? CMSG_FIRSTHDR(&packet) : NULL;
	if (rights && rights->cmsg_type == SCM_RIGHTS)
		memcpy(&master, CMSG_DATA(rights), sizeof master);
	return master;
}

/* As runc: where the output goes, new lines are the caller's terminal's affair, or nobody's. */
static void keep_new_lines(int terminal)
{
	struct termios modes;

	if (tcgetattr(terminal, &modes) == 0) {
		modes.c_oflag &= ~(tcflag_t)ONLCR;
		tcsetattr(terminal, TCSANOW, &modes);
	}
}

int console_make(const char *socket_path, int front, const char *size, int *fds)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || unlockpt(master) < 0)
		fail("cannot make a pty");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];
	if (slave < 0 || ptsname_r(master, name, sizeof name) != 0)
		fail("cannot open the pty");
	set_size(slave, size);
	if (socket_path)
		send_to_path(socket_path, master, name);
	else
		keep_new_lines(slave);
	if (!socket_path && send_master(front, master, name) < 0)
		fail("cannot pass on the pty");
	close(master);
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		fail("cannot take the pty as terminal");
	terminal_adopt(slave);
	for (int i = 0; i < 3; i++)
		fds[i] = slave;
	return 3;
}
