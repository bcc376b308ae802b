/*
 * What the CLI asks of the launcher, through a pipe: records "key=value", each ended by a NUL,
 * in any order, "config" last: its end is the request's end.
 *   tree=ro:PATH, tree=rw:PATH   a directory (or file) for the gofer, in the order of its config
 *   debug-log=PATH, strace-log=PATH   files to create
 *   config=JSON                  StartConfig of runtime/sandbox/config.ts
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

/* True when the CLI asked for a sandbox; false when it had nothing to ask (--help, a bad flag). */
int request_exists(const struct request *request);

/* Opens what the request names and sends START to init. Fails (and exits) on a bad request. */
void request_send(const struct request *request, int init_channel);

#endif
