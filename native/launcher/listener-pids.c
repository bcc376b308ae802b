#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "listener.h"

#define KNOWN 256

/* By the inner pid's low bits; looked at again before use, for pids come back. */
static struct {
	pid_t inner, outer;
} known[KNOWN];

/* A number of /proc/PID/status: the last one of the line that begins with `key`; 0 without. */
static long status_number(pid_t pid, const char *key)
{
	char path[64], line[256];
	long number = 0;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		char *last = strrchr(line, '\t');
		number = last ? strtol(last, NULL, 10) : 0;
		break;
	}
	fclose(file);
	return number;
}

/* The first child of `parent` for which `fits` is true; 0 without. */
static pid_t child_of(pid_t parent, int (*fits)(pid_t child, pid_t wanted), pid_t wanted)
{
	char path[80];
	int child, found = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (!found && fscanf(file, "%d", &child) == 1)
		if (fits(child, wanted))
			found = child;
	fclose(file);
	return found;
}

static int has_inner(pid_t child, pid_t wanted)
{
	return status_number(child, "NSpid:") == wanted;
}

/* The monitor's other child, the network broker, is in its own pid namespace. */
static int is_init(pid_t child, pid_t wanted)
{
	return has_inner(child, wanted) && child != wanted;
}

pid_t pids_outer(pid_t monitor, pid_t inner)
{
	static pid_t init;

	if (inner <= 0)
		return 0;
	if (!init)
		init = child_of(monitor, is_init, 1);
	pid_t *outer = &known[inner % KNOWN].outer;
	if (known[inner % KNOWN].inner != inner || !has_inner(*outer, inner) || status_number(*outer, "PPid:") != init)
		*outer = init ? child_of(init, has_inner, inner) : 0;
	known[inner % KNOWN].inner = inner;
	return *outer;
}

int pids_fetch_fd(pid_t thread, int fd)
{
	long process = status_number(thread, "Tgid:");
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0);

	if (pidfd < 0)
		return -EBADF;
	int got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	int error = got < 0 ? -errno : 0;
	close(pidfd);
	return got < 0 ? error : got;
}

int pids_read_word(pid_t thread, uint64_t addr, uint64_t *word)
{
	struct iovec local = { .iov_base = word, .iov_len = sizeof *word };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)addr, .iov_len = sizeof *word };

	return process_vm_readv(thread, &local, 1, &remote, 1, 0) == sizeof *word ? 0 : -EFAULT;
}
