/* How Node programs are run: from the snapshot that the build took for this Node on this machine, else from the bundle. */
#ifndef MOAT_LAUNCHER_NODE_H
#define MOAT_LAUNCHER_NODE_H

#include "programs.h"

/* The flags after Node's name for sentry and gofer, or for the CLI; NULL-terminated. The build asks for them (main.c). */
extern const char *const confined_flags[];
extern const char *const cli_flags[];

/*
 * Writes the key of the snapshots that fit `node` and this machine. Node ends at once when it is given one that
 * another Node or another kind of CPU has made, so the file's name says what it is for.
 */
void snapshot_key(const char *node, char key[SNAPSHOT_KEY_SIZE]);

/* Replaces this process by NODE FLAGS... PROGRAM ARGUMENTS...; `arguments` has `count` entries. */
_Noreturn void node_run(const struct program_files *files, const char *program, const char *const *flags, char **arguments, int count,
                        char **environment);

#endif
