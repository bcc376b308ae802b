/*
 * A container's state.json, as runtime/container/store.ts writes it: what the quick commands (quick.h) need of it. Text that is
 * not exactly of that kind is not understood, and left to the CLI.
 */
#ifndef MOAT_LAUNCHER_STORED_H
#define MOAT_LAUNCHER_STORED_H

#include <stddef.h>

#define STORED_CGROUPS_MAX 24

/* A value as it stands in the text, quotes and brackets included. */
struct piece {
	const char *at;
	size_t length;
};

struct stored {
	char *text;
	size_t length;
	struct piece version, id, status, bundle, rootfs, created, annotations;
	int pid;
	/* The monitor lives. */
	int is_alive;
	int is_frozen;
	int has_start_hooks, has_poststop_hooks, has_systemd;
	/* Directories. */
	char *cgroups[STORED_CGROUPS_MAX];
	int cgroup_count;
};

/* False: not there, or not understood. */
int stored_read(int directory, struct stored *stored);

/* Replaces the file by one with another status. */
int stored_write_status(int directory, const struct stored *stored, const char *status);

int piece_is(struct piece piece, const char *text);

/* Steps to the next member of an object that only has strings as values; false at its end, or where it is not such an object. */
int piece_next_string(const char **at, struct piece *key, struct piece *value);

#endif
