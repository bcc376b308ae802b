/* The caller's terminal: its modes are the sandbox's while it runs, and the caller's again afterwards. */
#ifndef MOAT_LAUNCHER_TERMINAL_H
#define MOAT_LAUNCHER_TERMINAL_H

/* Finds the controlling terminal among 0, 1, 2 and saves its modes. */
void terminal_save(void);

/* This process's session has this terminal now: a pty of the container's own. */
void terminal_adopt(int fd);

/* The terminal, -1 without one. */
int terminal_fd(void);

/* Puts the saved modes back; at exit and on failure. */
void terminal_restore(void);

/* True when there is a terminal and this job is in its foreground. */
int terminal_is_foreground(void);

/* True when there is a terminal. */
int terminal_exists(void);

/*
 * Stops the launcher's job as the shell expects of one whose program stopped by `signal`,
 * with the caller's modes; returns when it continues, with the program's modes again.
 */
void terminal_stop(int signal);

#endif
