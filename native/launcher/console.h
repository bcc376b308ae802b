/* A terminal of the container's own. */
#ifndef MOAT_LAUNCHER_CONSOLE_H
#define MOAT_LAUNCHER_CONSOLE_H

/*
 * Makes a pty of the given size ("ROWSxCOLUMNS" or NULL), sends its master to the socket at `socket_path` or, when that is
 * NULL, over `front`, makes it the terminal of this process's session, which it leads, and writes its slave into fds[0..2].
 * Returns 3.
 */
int console_make(const char *socket_path, int front, const char *size, int *fds);

/* The master that has been sent over the other end of `from`, or -1. */
int console_receive(int from);

#endif
