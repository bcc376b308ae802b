/* The sandbox's mount namespace, shared by init, sentry, gofer and guest processes; two, where mounts_expose has something to do. */
#ifndef MOAT_LAUNCHER_MOUNTS_H
#define MOAT_LAUNCHER_MOUNTS_H

#include "programs.h"

/* The namespace no longer hears of the host's mounts, nor the host of ours. */
void mounts_make_private(void);

/*
 * As root the sentry runs as nobody, who may not be able to reach Node or the bundles (below
 * /root, say). Shows them at a place where everybody can, and changes `files` to it: in a namespace of its own, where the
 * programs are started, for the guest's files are those that this place hides.
 */
void mounts_expose(struct program_files *files);

/* Back to the namespace that mounts_expose left, when the programs have been started. */
void mounts_return(void);

/* The tree is one of a slave of the host's mounts: it hears of what is mounted there later, as of the next call. */
void mounts_listen(int tree);

/*
 * Replaces the root of every process in the sandbox's namespaces by an empty read-only directory: the
 * host's files stay reachable only through descriptors that are already open.
 */
void mounts_empty_root(void);

#endif
