/* The trees that the gofer serves: detached mounts, attached nowhere, reached through their descriptors only. */
#ifndef MOAT_LAUNCHER_TREES_H
#define MOAT_LAUNCHER_TREES_H

/*
 * Opens the tree that `spec` asks for, "WORD,WORD…:PATH", without device files or set-uid:
 *   rw, ro, rro       writable; read-only; read-only with all that is mounted below
 *   rec               with what is mounted below PATH
 *   slave             hears of what the host mounts below PATH later
 *   noatime, strictatime, nodiratime
 *   overlay           PATH is an overlay's mount data: "lowerdir=…,upperdir=…,workdir=…"
 * Returns an O_PATH descriptor; -1 when this process may not mount at all, which another may.
 * Fails with the reason in all other cases.
 */
int trees_open(const char *spec);

/* Whether it asks for "slave". */
int trees_listens(const char *spec);

#endif
