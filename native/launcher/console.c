#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "console.h"
#include "fail.h"
#include "terminal.h"

/* The receiver is a program like containerd's shim: one message with the pty's name, the master beside it. */
static void send_master(const char *socket_path, int master, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct iovec text = { .iov_base = (void *)name, .iov_len = strlen(name) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr packet = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(socket_path) >= sizeof address.sun_path)
		fail_plain("the console socket's path is too long: %s", socket_path);
	strcpy(address.sun_path, socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		fail("cannot connect to the console socket %s", socket_path);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &master, sizeof master);
	if (sendmsg(fd, &packet, MSG_NOSIGNAL) < 0)
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

int console_make(const char *socket_path, const char *size, int *fds)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || unlockpt(master) < 0)
		fail("cannot make a pty");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];
	if (slave < 0 || ptsname_r(master, name, sizeof name) != 0)
		fail("cannot open the pty");
	set_size(slave, size);
	send_master(socket_path, master, name);
	close(master);
	/* Only what is detached has a console socket, and that leads a session of its own already. */
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		fail("cannot take the pty as terminal");
	terminal_adopt(slave);
	for (int i = 0; i < 3; i++)
		fds[i] = slave;
	return 3;
}
