/* The launcher proper: between the caller's shell and the sandbox. */
#ifndef MOAT_LAUNCHER_MONITOR_H
#define MOAT_LAUNCHER_MONITOR_H

#include <sys/types.h>

/* Tells the sandbox of signals, follows its stops, reaps the CLI, and returns the exit status for the shell. */
int monitor_run(pid_t init, int channel, pid_t cli);

/* Waits until `pid` is gone and returns its wait status. */
int monitor_wait(pid_t pid);

/* The exit status that a shell shows for a wait status. */
int monitor_exit_status(int wait_status);

#endif
