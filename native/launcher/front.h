/*
 * `create`, `run` and `exec`: the front process, which the caller waits for, and the monitor behind it,
 * which may outlive it. The CLI is the front's child and talks to the monitor.
 */
#ifndef MOAT_LAUNCHER_FRONT_H
#define MOAT_LAUNCHER_FRONT_H

#include "programs.h"
#include "request.h"

/* What the monitor is born with. */
struct monitor_ends {
	/* The CLI's request comes here. */
	int request;
	/* SOCK_SEQPACKET to the CLI (REPLY_FD there). */
	int cli;
	/* To the front, which serves the terminal that a program in the foreground gets. */
	int console;
	/* Set when the front waits for the monitor's end: without --detach. */
	volatile int *is_foreground;
};

/* Starts the CLI with its end of the request's pipe and, or -1, of the monitor's channel. */
pid_t cli_start(const struct program_files *files, int count, char **arguments, int request_end, int reply_end);

/* `run`: the one of `arguments` that becomes `after-run` for a CLI that takes away what a foreground run left, or NULL. Returns the exit status for the caller. */
int front_run(const struct program_files *files, int count, char **arguments, const char *run,
              int (*monitor)(const struct program_files *files, struct monitor_ends ends));

/*
 * Keeps the caller's standard files aside and puts /dev/null in their place: only the guest shall hold them, so that
 * whoever reads from the other end sees the end. For a monitor, before it starts anything.
 */
void front_take_stdio(void);

/* The guest has them now. A monitor in the foreground gets its standard error back, for last words. */
void front_release_stdio(int is_foreground);

/*
 * The guest's standard files as the request wants them: with console-socket=PATH a new pty, whose master
 * goes there, with `terminal` one whose master goes to the front over `console`, else the caller's. `preserved` more follow,
 * from 3 on. Returns their number.
 */
int front_stdio(const struct request *request, int console, int *fds, int preserved);

/* Whether the monitor leads a session of its own: nobody waits for it, or it has a terminal of its own. */
int front_is_apart(const struct request *request);

/*
 * --preserve-fds among `arguments`, which follow the command's name, and with `is_listening` what $LISTEN_FDS says. Everything
 * else that the caller has open from 3 on is closed.
 */
void front_keep_preserved(int count, char **arguments, int is_listening);
int front_preserved(void);

/* A flag of create, run or exec with a value of its own word. */
int front_takes_value(const char *flag);

#endif
