/* What the quick commands do once container and state are known. Each returns an exit status, or LEAVE_IT. */
#ifndef MOAT_LAUNCHER_QUICK_ACTS_H
#define MOAT_LAUNCHER_QUICK_ACTS_H

#include <limits.h>

#include "stored.h"

#define LEAVE_IT (-1)

struct job {
	const char *root;
	const char *id;
	const char *signal;
	/* --force of delete, --all of kill */
	int flag;
	char path[PATH_MAX];
};

int quick_start(const struct job *job, int directory, const struct stored *stored);
int quick_delete(const struct job *job, int directory, const struct stored *stored);
int quick_kill(const struct job *job, int directory, const struct stored *stored);
int quick_state(const struct job *job, int directory, const struct stored *stored);

#endif
