#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "mounts.h"
#include "protocol.h"

/* <sys/mount.h> and <linux/mount.h> clash in glibc before 2.37. */
#ifndef MS_REC
#define MS_RDONLY 1
#define MS_NOSUID 2
#define MS_NODEV 4
#define MS_NOEXEC 8
#define MS_REMOUNT 32
#define MS_BIND 4096
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#endif
#define MNT_DETACH 2

static long mount_call(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
	return syscall(SYS_mount, source, target, type, flags, data);
}

void mounts_make_private(void)
{
	if (mount_call(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("cannot separate the sandbox's mounts (are user namespaces restricted on this machine?)");
}

/* -1: there is one namespace for all. */
static int own_namespace = -1, programs_namespace = -1;

static int open_namespace(void)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("cannot open /proc/self/ns/mnt");
	return fd;
}

static void enter(int mount_namespace)
{
	if (setns(mount_namespace, CLONE_NEWNS) < 0)
		fail("cannot change the mount namespace");
}

/* Whether every user can reach the file; access control lists aside. */
static int is_public(const char *path)
{
	char prefix[PATH_MAX];
	struct stat status;

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		if (stat(prefix, &status) < 0 || !(status.st_mode & S_IXOTH))
			return 0;
	}
	return stat(path, &status) == 0 && (status.st_mode & S_IXOTH);
}

/* The mount of `path` alone, still detached. */
static int clone_mount(const char *path)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (fd < 0)
		fail("cannot open %s", path);
	return fd;
}

static void attach(int mount, const char *path)
{
	if (syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail("cannot mount %s", path);
	close(mount);
}

void mounts_expose(struct program_files *files)
{
	static char node[PATH_MAX], bundles[PATH_MAX], exposed[PATH_MAX + 16];

	if (!realpath(files->node, node))
		fail("%s", files->node);
	if (!realpath(files->bundles, bundles))
		fail("%s", files->bundles);
	files->node = node;
	files->bundles = bundles;
	if (is_public(node) && is_public(bundles))
		return;
	own_namespace = open_namespace();
	if (unshare(CLONE_NEWNS) < 0)
		fail("cannot make a mount namespace");
	programs_namespace = open_namespace();
	int node_mount = clone_mount(node);
	/* The bundles' directory with the packages beside it. */
	char *name = strrchr(bundles, '/');
	*name++ = '\0';
	int project_mount = clone_mount(bundles);
	if (mount_call("moat", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") < 0)
		fail("cannot mount on /tmp");
	int empty = open("/tmp/node", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (empty < 0 || mkdir("/tmp/moat", 0755) < 0)
		fail("cannot write to /tmp");
	close(empty);
	attach(node_mount, "/tmp/node");
	attach(project_mount, "/tmp/moat");
	files->node = "/tmp/node";
	snprintf(exposed, sizeof exposed, "/tmp/moat/%s", name);
	files->bundles = exposed;
}

void mounts_return(void)
{
	if (own_namespace >= 0)
		enter(own_namespace);
}

/* Trees that are to hear of the host's later mounts: the host's kernel tells only mounts that have a place in a namespace. */
static int listening[MSG_FDS_MAX];
static int listening_count;

void mounts_listen(int tree)
{
	int fd = fcntl(tree, F_DUPFD_CLOEXEC, 0);

	if (fd < 0 || listening_count == MSG_FDS_MAX)
		fail("cannot keep a tree");
	listening[listening_count++] = fd;
}

/* Their places, in a directory that nobody but init may search. */
static void attach_listening(void)
{
	char place[32];

	if (listening_count > 0 && mkdir("/trees", 0700) < 0)
		fail("cannot make a place for trees");
	for (int i = 0; i < listening_count; i++) {
		snprintf(place, sizeof place, "/trees/%d", i);
		if (mkdir(place, 0) < 0)
			fail("cannot make a place for a tree");
		attach(listening[i], place);
	}
}

static void empty_root(int has_trees)
{
	/* Any directory will do to hold the new root until it is the root. */
	const char *place = "/proc";

	char options[64];

	snprintf(options, sizeof options, "mode=0555,size=4k,nr_inodes=%d", has_trees ? 3 + listening_count : 2);
	if (mount_call("moat", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		fail("cannot mount an empty root");
	/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one. */
	if (chdir(place) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		fail("cannot change to an empty root");
	if (syscall(SYS_umount2, ".", MNT_DETACH) < 0)
		fail("cannot leave the host's files behind");
	if (has_trees)
		attach_listening();
	if (mount_call(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fail("cannot make the empty root read-only");
}

void mounts_empty_root(void)
{
	if (programs_namespace >= 0) {
		enter(programs_namespace);
		empty_root(0);
		enter(own_namespace);
		close(programs_namespace);
		close(own_namespace);
	}
	empty_root(1);
}
