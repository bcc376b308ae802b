/*
 * What needs no Node: start, state, kill and delete of containers in the ordinary case. An engine waits for each of them, and a
 * start of Node is 30 ms of CPU time. Whatever is not ordinary (hooks, a frozen or unknown container, a flag
 * that is not listed here, an error to be reported) is left to the CLI, before anything was changed.
 */
#ifndef MOAT_LAUNCHER_QUICK_H
#define MOAT_LAUNCHER_QUICK_H

/* The exit status, or -1: let the CLI do it. `arguments` begin with global flags; `command` is one of them. */
int quick_command(int count, char **arguments, const char *command);

/* What `after-run` does, for the arguments of `run`. */
int quick_after_run(int count, char **arguments, const char *run);

#endif
