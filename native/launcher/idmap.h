/*
 * User namespaces of one sandbox. Init's own (A) is a child of the caller's; the sentry with
 * the guest processes, and the gofer, each get a child of A, so that neither may trace the other.
 *
 *                 caller is root             ordinary caller
 *   A             every id as itself         0 → the caller's
 *   sentry's      65534 → 65534 (nobody)     65534 → 0 (of A)
 *   gofer's       every id as itself         the caller's → 0 (of A)
 */
#ifndef MOAT_LAUNCHER_IDMAP_H
#define MOAT_LAUNCHER_IDMAP_H

#include <sys/types.h>

/* The sentry's and the guest processes' id inside their namespace. */
#define NOBODY 65534

/* Decides between the two columns above; in the launcher, before init exists. */
void idmap_prepare(void);

/* True when the caller may map other ids than its own. */
int idmap_is_privileged(void);

/* The launcher writes the maps of A for process `pid` of its /proc. */
void idmap_write_outer(pid_t pid);

/* Init writes a child namespace's maps; `pid` counts as in the mounted /proc, which is the caller's. */
void idmap_write_sentry(pid_t pid);
void idmap_write_gofer(pid_t pid);

#endif
