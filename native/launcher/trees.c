#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "trees.h"

#ifndef MS_PRIVATE
#define MS_PRIVATE (1 << 18)
#define MS_SLAVE (1 << 19)
#endif
#define WORDS_MAX 8192

struct wishes {
	int is_read_only, is_all_read_only, is_recursive, is_slave, is_overlay;
	uint64_t atime, clear_atime, other;
};

static void read_word(struct wishes *wishes, const char *word)
{
	if (strcmp(word, "ro") == 0)
		wishes->is_read_only = 1;
	else if (strcmp(word, "rro") == 0)
		wishes->is_read_only = wishes->is_all_read_only = 1;
	else if (strcmp(word, "rec") == 0)
		wishes->is_recursive = 1;
	else if (strcmp(word, "slave") == 0)
		wishes->is_slave = 1;
	else if (strcmp(word, "overlay") == 0)
		wishes->is_overlay = 1;
	else if (strcmp(word, "noatime") == 0)
		wishes->atime = MOUNT_ATTR_NOATIME, wishes->clear_atime = MOUNT_ATTR__ATIME;
	else if (strcmp(word, "strictatime") == 0)
		wishes->atime = MOUNT_ATTR_STRICTATIME, wishes->clear_atime = MOUNT_ATTR__ATIME;
	else if (strcmp(word, "nodiratime") == 0)
		wishes->other = MOUNT_ATTR_NODIRATIME;
	else if (strcmp(word, "rw") != 0)
		fail_plain("a tree asks for \"%s\"", word);
}

/* Returns the path behind the words. */
static const char *read_spec(struct wishes *wishes, const char *spec)
{
	char words[WORDS_MAX], *rest = words, *word;
	const char *path = strchr(spec, ':');

	if (!path || (size_t)(path - spec) >= sizeof words)
		fail_plain("a bad tree");
	memcpy(words, spec, (size_t)(path - spec));
	words[path - spec] = '\0';
	while ((word = strsep(&rest, ",")))
		read_word(wishes, word);
	return path + 1;
}

static void set_attributes(int tree, unsigned flags, struct mount_attr *attributes, const char *path)
{
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | flags, attributes, sizeof *attributes) < 0)
		fail("cannot restrict the mount of %s", path);
}

static void restrict_tree(int tree, const struct wishes *wishes, const char *path)
{
	struct mount_attr all = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (wishes->is_all_read_only ? MOUNT_ATTR_RDONLY : 0),
		.propagation = wishes->is_slave ? MS_SLAVE : MS_PRIVATE,
	};
	struct mount_attr own = {
		.attr_set = wishes->atime | wishes->other | (wishes->is_read_only ? MOUNT_ATTR_RDONLY : 0),
		.attr_clr = wishes->clear_atime,
	};

	set_attributes(tree, AT_RECURSIVE, &all, path);
	if (own.attr_set | own.attr_clr)
		set_attributes(tree, 0, &own, path);
}

/* Of fsconfig(2), with the NUL. */
#define FSCONFIG_STRING_MAX 256
/* Any directory will do: nobody else is in the mount namespace. */
#define MOUNT_PLACE "/proc"

/*
 * mount(2) takes longer options than fsconfig(2), but needs a place: that of a child in a mount namespace of its own, which
 * shares the descriptors.
 */
static int mount_overlay(const char *data)
{
	int result[2], tree = -1;

	if (pipe(result) < 0)
		return -1;
	pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		if (unshare(CLONE_NEWNS) == 0 && syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		    syscall(SYS_mount, "overlay", MOUNT_PLACE, "overlay", 0, data) == 0)
			tree = (int)syscall(SYS_open_tree, AT_FDCWD, MOUNT_PLACE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		int answer[] = { tree, errno };
		ssize_t written = write(result[1], answer, sizeof answer);
		_exit(written != sizeof answer);
	}
	int answer[] = { -1, EAGAIN };
	ssize_t got = child < 0 ? 0 : read(result[0], answer, sizeof answer);
	if (child > 0)
		waitpid(child, NULL, 0);
	close(result[0]);
	close(result[1]);
	errno = got == sizeof answer ? answer[1] : EAGAIN;
	return answer[0];
}

static int has_long_option(const char *data)
{
	for (const char *option = data; option; option = *option ? option + 1 : NULL) {
		const char *end = strchrnul(option, ',');
		if (end - option >= FSCONFIG_STRING_MAX)
			return 1;
		option = end;
	}
	return 0;
}

/* An overlay that is mounted nowhere. */
static int open_overlay(const char *data)
{
	char options[WORDS_MAX], *rest = options, *option;

	if (has_long_option(data)) {
		int tree = mount_overlay(data);
		if (tree < 0)
			fail("cannot make an overlay of %s", data);
		return tree;
	}
	int context = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	if (snprintf(options, sizeof options, "%s", data) >= (int)sizeof options)
		fail_plain("the options of an overlay are too long");
	while ((option = strsep(&rest, ","))) {
		char *value = strchr(option, '=');
		long done;
		if (!*option)
			continue;
		if (value)
			*value++ = '\0';
		done = syscall(SYS_fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0);
		if (done < 0)
			fail("an overlay does not take %s", option);
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fail("cannot make an overlay of %s", data);
	int tree = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (tree < 0)
		fail("cannot mount an overlay of %s", data);
	close(context);
	return tree;
}

int trees_open(const char *spec)
{
	struct wishes wishes = { 0 };
	const char *path = read_spec(&wishes, spec);
	unsigned recursive = wishes.is_recursive ? AT_RECURSIVE : 0;
	int tree;

	if (wishes.is_overlay)
		tree = open_overlay(path);
	else
		tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
	if (tree < 0 && errno == EPERM)
		return -1;
	if (tree < 0)
		fail("cannot open %s", path);
	restrict_tree(tree, &wishes, path);
	return tree;
}

int trees_listens(const char *spec)
{
	struct wishes wishes = { 0 };

	read_spec(&wishes, spec);
	return wishes.is_slave;
}
