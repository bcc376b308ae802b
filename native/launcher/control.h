/*
 * The container's control socket, and the connections to it. Nothing is understood here: what a
 * client sends goes to the sentry under the connection's number, and what the sentry
 * answers to a number goes to that client.
 */
#ifndef MOAT_LAUNCHER_CONTROL_H
#define MOAT_LAUNCHER_CONTROL_H

#include <poll.h>

#include "channel.h"

#define CONTROL_FDS_MAX 513

/* Listens as "control" in the directory. */
void control_listen(const char *directory);

/* Connects to the control socket in the directory; -1 with errno. */
int control_connect(const char *directory);

/* Writes what is to be polled for; returns the number, at most CONTROL_FDS_MAX. */
int control_polls(struct pollfd *events);

/* Serves what poll(2) found. */
void control_serve(const struct pollfd *events, int count, int init_channel);

/* The sentry's answer to a client. */
void control_answer(const struct message *message);

/* Lets go of all clients, and waits a moment for those that executed something to be gone. */
void control_end(void);

#endif
