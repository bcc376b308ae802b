/* A terminal of the container's own. */
#ifndef MOAT_LAUNCHER_CONSOLE_H
#define MOAT_LAUNCHER_CONSOLE_H

/*
 * Makes a pty of the given size ("ROWSxCOLUMNS" or NULL), sends its master to the socket, makes it
 * the terminal of this process's session, and writes its slave into fds[0..2]. Returns 3.
 */
int console_make(const char *socket_path, const char *size, int *fds);

#endif
