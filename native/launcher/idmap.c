#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "idmap.h"

#define MAP_MAX 4096

struct maps {
	char uid[MAP_MAX];
	char gid[MAP_MAX];
};

static struct maps outer, sentry, gofer;
static int is_privileged;

static int has_id_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	unsigned needed = 1u << CAP_SETUID | 1u << CAP_SETGID;

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & needed) == needed;
}

/* Every id that the caller's own namespace has, as itself. Returns whether NOBODY is among them. */
static int identity_map(const char *path, char *map)
{
	FILE *file = fopen(path, "re");
	unsigned long inside, outside, count;
	size_t length = 0;
	int has_nobody = 0;

	if (!file)
		fail("cannot read %s", path);
	while (fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3 && length < MAP_MAX - 64) {
		length += (size_t)snprintf(map + length, MAP_MAX - length, "%lu %lu %lu\n", inside, inside, count);
		has_nobody |= inside <= NOBODY && NOBODY - inside < count;
	}
	fclose(file);
	return has_nobody;
}

void idmap_prepare(void)
{
	is_privileged = has_id_capabilities();
	if (is_privileged) {
		int has_nobody = identity_map("/proc/self/uid_map", outer.uid) & identity_map("/proc/self/gid_map", outer.gid);
		gofer = outer;
		snprintf(sentry.uid, MAP_MAX, "%d %d 1\n", NOBODY, has_nobody ? NOBODY : 0);
	} else {
		snprintf(outer.uid, MAP_MAX, "0 %u 1\n", geteuid());
		snprintf(outer.gid, MAP_MAX, "0 %u 1\n", getegid());
		snprintf(gofer.uid, MAP_MAX, "%u 0 1\n", geteuid());
		snprintf(gofer.gid, MAP_MAX, "%u 0 1\n", getegid());
		snprintf(sentry.uid, MAP_MAX, "%d 0 1\n", NOBODY);
	}
	memcpy(sentry.gid, sentry.uid, MAP_MAX);
}

int idmap_is_privileged(void)
{
	return is_privileged;
}

static void write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("cannot write %s of the sandbox", name);
	close(fd);
}

static void write_maps(pid_t pid, const struct maps *maps)
{
	write_file(pid, "uid_map", maps->uid);
	write_file(pid, "gid_map", maps->gid);
}

void idmap_write_outer(pid_t pid)
{
	/* user_namespaces(7): an unprivileged writer of gid_map must have given up setgroups(2). */
	if (!is_privileged)
		write_file(pid, "setgroups", "deny");
	write_maps(pid, &outer);
}

void idmap_write_sentry(pid_t pid)
{
	write_maps(pid, &sentry);
}

void idmap_write_gofer(pid_t pid)
{
	write_maps(pid, &gofer);
}
