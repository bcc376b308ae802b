/* The monitor of a program that is added to a running container. */
#ifndef MOAT_LAUNCHER_EXEC_H
#define MOAT_LAUNCHER_EXEC_H

#include "front.h"

/* Hands the request's process and standard files to the container and waits for the end: its exit status. */
int exec_monitor(const struct program_files *files, struct monitor_ends ends);

#endif
