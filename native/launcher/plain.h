/* `moat do CMD` without flags: the request without the CLI. */
#ifndef MOAT_LAUNCHER_PLAIN_H
#define MOAT_LAUNCHER_PLAIN_H

#include "request.h"

/*
 * Opens what the build has prepared (cli/plain-do.ts) when `arguments` are such a command; -1 when the CLI must
 * read them. CMD is then arguments[*command].
 */
int plain_open(const char *bundles, int count, char **arguments, int *command);

/* The request in place of the CLI's; closes the descriptor. */
void plain_fill(struct request *request, int fd, char **command);

#endif
