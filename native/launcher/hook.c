#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "hook.h"

#define ARGUMENTS_MIN 4

/* An ordinary user's monitor is where its caller is, and nobody needs a right to stay. */
static void enter(const char *pid, const char *kind, int type)
{
	char theirs[64], own[64];
	struct stat there, here;

	snprintf(theirs, sizeof theirs, "/proc/%s/ns/%s", pid, kind);
	snprintf(own, sizeof own, "/proc/self/ns/%s", kind);
	int fd = open(theirs, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &there) < 0 || stat(own, &here) < 0)
		fail("cannot find the container's namespaces");
	if (there.st_ino != here.st_ino && setns(fd, type) < 0)
		fail("cannot enter the container's namespaces");
	close(fd);
}

_Noreturn void hook_run(int count, char **arguments)
{
	if (count < ARGUMENTS_MIN)
		fail_plain("a hook without a program");
	const char *pid = arguments[0], *directory = arguments[1], *program = arguments[2];

	enter(pid, "net", CLONE_NEWNET);
	enter(pid, "mnt", CLONE_NEWNS);
	if (chdir(directory) < 0)
		fail("cannot enter %s", directory);
	execv(program, arguments + 3);
	fail("cannot execute %s", program);
}
