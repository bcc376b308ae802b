/* How the launcher's processes give up: one line, then exit status 125. */
#ifndef MOAT_LAUNCHER_FAIL_H
#define MOAT_LAUNCHER_FAIL_H

#define EXIT_MOAT 125

/*
 * Reports "text: strerror(errno)" (or the text alone, for fail_plain) and ends the process.
 * In init and its children the line goes to the launcher, which knows whether it matters;
 * in the launcher it goes to standard error.
 */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on fail() reports over this channel. */
void fail_over_channel(int fd);

/* Runs before the launcher's own fail() ends it (restores the terminal). */
void fail_cleanup(void (*cleanup)(void));

/* "moat: TEXT" on standard error, control characters made harmless. */
void print_line(const char *text);

#endif
