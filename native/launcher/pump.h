/* A terminal of the container's own whose other side is the caller: what `run -t` and `exec -t` have in the foreground. */
#ifndef MOAT_LAUNCHER_PUMP_H
#define MOAT_LAUNCHER_PUMP_H

#include <sys/types.h>

/*
 * Carries bytes between `master` and the standard files, sizes and signals to the container, until `monitor` has ended, and
 * returns its wait status. The caller's terminal, if any, is raw meanwhile. All signals are blocked already.
 */
int pump_run(pid_t monitor, int master);

#endif
