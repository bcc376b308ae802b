/*
 * What the CLI asks of the launcher, through a pipe: records "key=value", each ended by a NUL,
 * in any order, "config" last: its end is the request's end.
 *   tree=WORDS:PATH              a directory (or file) for the gofer, in the order of its config: trees.h
 *   debug-log=PATH, strace-log=PATH   files to create
 *   control=DIRECTORY            where the control socket is, or shall be (containers, exec)
 *   network=BITS                 start a network broker with these capabilities (hexadecimal, broker.h)
 *   sysctl=PATH=VALUE            what the broker writes below /proc/sys first
 *   console-socket=PATH, console-size=ROWSxCOLUMNS   make a pty and send its master there
 *   title=TEXT                   what the host's process list shows of the container's monitor
 *   detach=1                     the front does not wait
 *   config=JSON                  StartConfig of runtime/sandbox/config.ts; for exec a ProcessConfig
 */
#ifndef MOAT_LAUNCHER_REQUEST_H
#define MOAT_LAUNCHER_REQUEST_H

#include <stddef.h>

struct request {
	char *bytes;
	size_t length;
	size_t capacity;
};

/* Reads what is there; 1: more may come; 0: the CLI closed its end. */
int request_read(struct request *request, int fd);

/* Reads to the end and closes the descriptor. */
void request_read_all(struct request *request, int fd);

/* The value of the first record of that key, NULL without one. */
const char *request_value(const struct request *request, const char *key);

/* The config in a sealed memfd. */
int request_config(const struct request *request);

/* True when the CLI asked for a sandbox; false when it had nothing to ask (--help, a bad flag). */
int request_exists(const struct request *request);

/*
 * Opens what the request names and sends START to init, with the guest's standard files (none: those init has). Fails
 * (and exits) on a bad request.
 */
void request_send(const struct request *request, int init_channel, const int *stdio, int stdio_count);

#endif
