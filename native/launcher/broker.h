/*
 * The network broker: a small process of the launcher's that lives in the network namespace a
 * sandbox is to use, and hands the sentry sockets of it (SCM_RIGHTS). The sentry itself has no
 * right to make one. Requests and answers are messages of channel.h, one answer to each request;
 * sentry/net/host/broker.ts is the other side.
 */
#ifndef MOAT_LAUNCHER_BROKER_H
#define MOAT_LAUNCHER_BROKER_H

#include <stdint.h>

enum broker_request {
	/* A socket of domain x, type y and the protocol in the text (int32_t). Answer: the socket. */
	BROKER_SOCKET = 1,
	/* bind(2) of the socket that comes along to the address in the text, with CAP_NET_BIND_SERVICE. */
	BROKER_BIND = 2,
	/* setsockopt(2), level x, name y, of what needs a capability. */
	BROKER_OPTION = 3,
	/* Opens the text's path below /proc/self/net for reading. */
	BROKER_OPEN = 4,
	/* The names in a directory below /proc/sys/net, each ended by a NUL, those of directories with a slash. */
	BROKER_LIST = 5,
	/* Writes to a file below /proc/sys/net: the path, NUL, the value. */
	BROKER_WRITE = 6,
	/* Sends the text to the kernel over the netlink socket that comes along, with CAP_NET_ADMIN. */
	BROKER_NETLINK = 7,
	/* ioctl(2) x on the socket that comes along: a change of an interface (struct ifreq in the text). */
	BROKER_IOCTL = 8,
	/* The value of a file below /proc/sys/net: some depend on who reads. */
	BROKER_READ = 9,
	/* The answer: x is 0 or a negative errno. */
	BROKER_ANSWER = 16,
};

/*
 * Starts it in the caller's network namespace; of `capabilities`, bits, it keeps what the caller has. Returns the sentry's
 * end of its channel.
 */
int broker_start(uint64_t capabilities);

/* Call it first where an ordinary user's container is to have a namespace of its own: the broker makes it, in a user namespace. */
void broker_wants_own_network(void);

/* "PATH=VALUE", of a file below /proc/sys that the broker writes before anything else; the text stays the caller's. */
void broker_add_sysctl(const char *assignment);

/* Raises lo of the caller's new network namespace, as runc does. */
void broker_raise_loopback(void);

/* After SIGCHLD: ends the caller's wait for the sandbox with a reason when the broker is dead before its time, else NULL. */
const char *broker_death(void);

/* Ends it, if there is one. */
void broker_end(void);

#endif
