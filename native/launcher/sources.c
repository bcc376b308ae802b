#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "sources.h"

/* Between this process and the script, which says by its answer that there is nothing more to build. */
#define IS_STALE "MOAT_IS_STALE"
#define IS_BUILT "MOAT_IS_BUILT"

static int is_newer(const struct timespec *time, const struct timespec *than)
{
	return time->tv_sec != than->tv_sec ? time->tv_sec > than->tv_sec : time->tv_nsec > than->tv_nsec;
}

/* The stamp is a list of files, a line each, by their paths from the project's directory. */
static int is_stale(int bundles, int project)
{
	struct stat stamp, source;
	int fd = openat(bundles, ".stamp", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &stamp) < 0)
		return 0;
	char *list = malloc((size_t)stamp.st_size + 1);
	ssize_t length = list ? read(fd, list, (size_t)stamp.st_size) : 0;
	close(fd);
	if (length <= 0)
		return 0;
	list[length] = '\0';
	for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n"))
		if (fstatat(project, line, &source, 0) == 0 && is_newer(&source.st_mtim, &stamp.st_mtim))
			return 1;
	free(list);
	return 0;
}

void sources_check(const char *bundles, char **arguments)
{
	char script[PATH_MAX];

	if (getenv(IS_BUILT)) {
		unsetenv(IS_BUILT);
		return;
	}
	int directory = open(bundles, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int project = openat(directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (project >= 0 && faccessat(directory, ".", W_OK, AT_EACCESS) == 0 && is_stale(directory, project)) {
		snprintf(script, sizeof script, "%s/../moat", bundles);
		setenv(IS_STALE, "1", 1);
		arguments[0] = script;
		execv(script, arguments);
		fail("cannot run %s", script);
	}
	close(project);
	close(directory);
}
