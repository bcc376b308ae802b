#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "mounts.h"

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

int mounts_open_tree(const char *spec)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	const char *path = spec + 3;

	if (strncmp(spec, "ro:", 3) == 0)
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	else if (strncmp(spec, "rw:", 3) != 0)
		fail_plain("a tree is neither ro: nor rw:");
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		fail("cannot open %s", path);
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) < 0)
		fail("cannot restrict the mount of %s", path);
	return tree;
}

void mounts_empty_root(void)
{
	/* Any directory will do to hold the new root until it is the root. */
	const char *place = "/proc";

	if (mount_call("moat", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k,nr_inodes=2") < 0)
		fail("cannot mount an empty root");
	/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one. */
	if (chdir(place) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		fail("cannot change to an empty root");
	if (syscall(SYS_umount2, ".", MNT_DETACH) < 0)
		fail("cannot leave the host's files behind");
	if (mount_call(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fail("cannot make the empty root read-only");
}
