#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "fail.h"

void channel_pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail("cannot make a socket pair");
}

static int send_packet(int fd, const struct message_header *header, const char *text, const int *fds, int fd_count, int flags)
{
	struct iovec parts[2] = {
		{ .iov_base = (void *)header, .iov_len = sizeof *header },
		{ .iov_base = (void *)text, .iov_len = header->text_length },
	};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)] = { 0 };
	struct msghdr packet = { .msg_iov = parts, .msg_iovlen = header->text_length ? 2 : 1 };

	if (fd_count > 0) {
		packet.msg_control = control;
		packet.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		memcpy(CMSG_DATA(rights), fds, sizeof(int) * (size_t)fd_count);
	}
	ssize_t sent;
	do
		sent = sendmsg(fd, &packet, MSG_NOSIGNAL | flags);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

int channel_send_fds(int fd, const struct message_header *header, const char *text, const int *fds, int fd_count)
{
	return send_packet(fd, header, text, fds, fd_count, 0);
}

int channel_send(int fd, uint32_t kind, int32_t x, int32_t y, const char *text, size_t length)
{
	if (length > MSG_TEXT_MAX)
		length = MSG_TEXT_MAX;
	struct message_header header = { .kind = kind, .x = x, .y = y, .text_length = (uint32_t)length };
	return channel_send_fds(fd, &header, text, NULL, 0);
}

int channel_forward(int fd, const struct message *message)
{
	return channel_send_fds(fd, &message->header, message->text, NULL, 0);
}

int channel_forward_now(int fd, const struct message *message)
{
	return send_packet(fd, &message->header, message->text, NULL, 0, MSG_DONTWAIT);
}

/* Descriptors of a packet that is thrown away must not stay open. */
static void drop_fds(struct message *message)
{
	for (int i = 0; i < message->fd_count; i++)
		close(message->fds[i]);
	message->fd_count = 0;
}

int channel_receive(int fd, struct message *message, int flags)
{
	struct iovec parts[2] = {
		{ .iov_base = &message->header, .iov_len = sizeof message->header },
		{ .iov_base = message->text, .iov_len = MSG_TEXT_MAX },
	};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	struct msghdr packet = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control,
	};
	ssize_t got;

	message->fd_count = 0;
	/* An end that was closed before it read everything is told of once; its own last words are still there. */
	do
		got = recvmsg(fd, &packet, flags | MSG_CMSG_CLOEXEC);
	while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0)
		return errno == EAGAIN ? -1 : 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&packet); part; part = CMSG_NXTHDR(&packet, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		message->fd_count = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(message->fds, CMSG_DATA(part), sizeof(int) * (size_t)message->fd_count);
	}
	if (got == 0) {
		drop_fds(message);
		return 0;
	}
	if ((size_t)got < sizeof message->header || message->header.text_length != (size_t)got - sizeof message->header) {
		drop_fds(message);
		return -1;
	}
	message->text[message->header.text_length] = '\0';
	return 1;
}
