#ifndef MOAT_ZYGOTE_H
#define MOAT_ZYGOTE_H
/* Finds out where the vDSO is. To be called early, while /proc is mounted; forked children keep the answer. */
void zygote_prepare(void);

/*
 * Turns the calling process into the template of all guest processes. It gets the doorbell,
 * the global page and the first slot region from the sentry over `control_fd`, and leaves
 * this program's text for the stub's. Never returns; exits non-zero when set-up fails.
 */
__attribute__((noreturn)) void zygote_main(int control_fd);
#endif
