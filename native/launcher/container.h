/* The monitor of a container (docs/adr/0010). */
#ifndef MOAT_LAUNCHER_CONTAINER_H
#define MOAT_LAUNCHER_CONTAINER_H

#include "front.h"

/* Starts the sandbox, does what the CLI asks, and stays until the container's end: its exit status. */
int container_monitor(const struct program_files *files, struct monitor_ends ends);

#endif
