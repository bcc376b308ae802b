/* The two Node programs of a sandbox and the zygote, and how init starts them. */
#ifndef MOAT_LAUNCHER_PROGRAMS_H
#define MOAT_LAUNCHER_PROGRAMS_H

#include <sys/types.h>

#define SNAPSHOT_KEY_SIZE 17

/* Where Node and the bundles are. */
struct program_files {
	const char *node;
	/* The directory with sentry.cjs, gofer.cjs and cli.cjs. */
	const char *bundles;
	/* Part of the names of the snapshots beside them (node.h). */
	char snapshot_key[SNAPSHOT_KEY_SIZE];
};

/* A program that init has started: its process and init's end of its supervisor channel. */
struct program {
	const char *name;
	pid_t pid;
	int channel;
	int is_mapped;
	int is_loaded;
	int is_closed;
};

/* Both run in init; `files` must stay valid. */
void programs_start(const struct program_files *files, struct program *sentry, struct program *gofer);

#endif
