/* Pid 1 of the sandbox. */
#ifndef MOAT_LAUNCHER_INIT_H
#define MOAT_LAUNCHER_INIT_H

#include <sys/types.h>

#include "programs.h"

/* Starts init in new namespaces; `channel` becomes the launcher's end of its supervisor channel. -1 with errno when the host refuses. */
pid_t init_start(const struct program_files *files, int *channel);

#endif
