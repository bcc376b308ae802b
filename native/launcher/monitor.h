/* The launcher proper: between the caller's shell and the sandbox. */
#ifndef MOAT_LAUNCHER_MONITOR_H
#define MOAT_LAUNCHER_MONITOR_H

#include <sys/types.h>

struct monitor_options {
	/* The CLI, when it is this process's child, else 0. */
	pid_t cli;
	/* The channel to the CLI, which is told how the start went, or -1. */
	int reply;
	/* The shell knows nothing of this process: its stops are the container's own affair. */
	int is_detached;
	/*
	 * An engine reads the exit status: a part of the sandbox that was killed by SIGKILL was the container's memory running
	 * out, and init was killed on behalf of `kill`.
	 */
	int is_container;
};

/* 128 + SIGKILL */
#define MONITOR_KILLED 137

/* Tells the sandbox of signals, follows its stops, reaps the CLI, and returns the exit status for the shell. */
int monitor_run(pid_t init, int channel, struct monitor_options options);

/* A signalfd for all that a program may get from outside, and SIGCHLD; they are blocked from now on. */
int monitor_open_signals(void);

/* Waits until `pid` is gone and returns its wait status. */
int monitor_wait(pid_t pid);

/* The exit status that a shell shows for a wait status. */
int monitor_exit_status(int wait_status);

#endif
