/* Messages of protocol.h over SOCK_SEQPACKET. */
#ifndef MOAT_LAUNCHER_CHANNEL_H
#define MOAT_LAUNCHER_CHANNEL_H

#include "protocol.h"

struct message {
	struct message_header header;
	char text[MSG_TEXT_MAX + 1];
	int fds[MSG_FDS_MAX];
	int fd_count;
};

/* A connected pair, close-on-exec. Ends the process when the host refuses. */
void channel_pair(int ends[2]);

/* Sends one message; false when the peer is gone. */
int channel_send(int fd, uint32_t kind, int32_t x, int32_t y, const char *text, size_t length);
int channel_send_fds(int fd, const struct message_header *header, const char *text, const int *fds, int fd_count);

/* Passes a received message on, without its descriptors. */
/* The same, unless the receiver's queue is full: then it is lost. */
int channel_forward_now(int fd, const struct message *message);

int channel_forward(int fd, const struct message *message);

/*
 * Receives one message (text is NUL-ended). 1: received; 0: the peer is gone; -1: nothing now
 * (only with MSG_DONTWAIT in flags) or a packet that is no message.
 */
int channel_receive(int fd, struct message *message, int flags);

#endif
