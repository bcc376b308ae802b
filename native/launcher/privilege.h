/* What a process of the sandbox keeps of its authority. */
#ifndef MOAT_LAUNCHER_PRIVILEGE_H
#define MOAT_LAUNCHER_PRIVILEGE_H

#include <stdint.h>

/* Only the capabilities in `keep` (bits) survive, through exec too; nothing can be gained again (no_new_privs). */
void privilege_limit(uint64_t keep);

/* No core dumps: they would put the sandbox's memory on the host's disk. */
void privilege_no_core(void);

#endif
