/* A name on which only another mount namespace has mounted something can be removed (detach_mounts of fs/namespace.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *what, int result)
{
	printf("%s: %s\n", what, result >= 0 ? "ok" : strerrorname_np(errno));
	fflush(stdout);
}

static void touch(const char *name)
{
	close(open(name, O_WRONLY | O_CREAT, 0600));
}

static int to_child[2], to_parent[2];

static void await(int fd)
{
	char byte;
	if (read(fd, &byte, 1) != 1)
		exit(1);
}

static void tell(int fd)
{
	if (write(fd, "", 1) != 1)
		exit(1);
}

static void other_namespace(void)
{
	show("unshare", unshare(CLONE_NEWNS));
	show("tmpfs", mount("t", "dir", "tmpfs", 0, NULL));
	touch("dir/inside");
	show("bind over a file", mount("other", "file", NULL, MS_BIND, NULL));
	show("bind over a target", mount("other", "target", NULL, MS_BIND, NULL));
	show("bind over a source", mount("other", "source", NULL, MS_BIND, NULL));
	int fd = open("dir", O_RDONLY | O_DIRECTORY);
	tell(to_parent[1]);
	await(to_child[0]);
	show("dir here", access("dir", F_OK));
	show("file here", access("file", F_OK));
	show("by its descriptor", faccessat(fd, "inside", F_OK, 0));
	show("umount of what was taken off", umount2("dir", 0));
	struct stat other, moved;
	stat("other", &other);
	stat("moved", &moved);
	printf("what is on a renamed name moved along: %d\n", other.st_ino == moved.st_ino);
	fflush(stdout);
	exit(0);
}

static int map(const char *name, int inside, int outside)
{
	char text[32];
	int fd = open(name, O_WRONLY);
	int length = snprintf(text, sizeof text, "%d %d 1", inside, outside);
	int result = write(fd, text, length);
	close(fd);
	return result;
}

int main(void)
{
	int uid = geteuid(), gid = getegid();
	show("own namespaces", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	/* The file system's user namespace has no name for who is not mapped yet. */
	mkdir("early", 0700);
	show("early tmpfs", mount("t", "early", "tmpfs", 0, NULL));
	show("early file", open("early/file", O_WRONLY | O_CREAT, 0600));
	show("early directory", mkdir("early/dir", 0700));
	int fd = open("/proc/self/setgroups", O_WRONLY);
	show("setgroups", write(fd, "deny", 4));
	close(fd);
	show("uid map", map("/proc/self/uid_map", 0, uid));
	show("gid map", map("/proc/self/gid_map", 0, gid));
	show("late file", open("early/file", O_WRONLY | O_CREAT, 0600));
	mkdir("dir", 0700);
	mkdir("local", 0700);
	touch("file");
	touch("target");
	touch("source");
	touch("other");
	touch("replacement");
	if (pipe(to_child) != 0 || pipe(to_parent) != 0)
		return 1;
	if (fork() == 0)
		other_namespace();
	await(to_parent[0]);
	show("rmdir", rmdir("dir"));
	show("unlink", unlink("file"));
	show("rename onto it", rename("replacement", "target"));
	show("rename of it", rename("source", "moved"));
	show("mount", mount("t", "local", "tmpfs", 0, NULL));
	show("rmdir of a mount point", rmdir("local"));
	show("rename of a mount point", rename("local", "elsewhere"));
	tell(to_child[1]);
	wait(NULL);
	/* A namespace that has ended holds nothing back. */
	for (int i = 0; i < 3; i++) {
		mkdir("short", 0700);
		if (fork() == 0)
			exit(unshare(CLONE_NEWNS) != 0 || mount("t", "short", "tmpfs", 0, NULL) != 0);
		int status;
		wait(&status);
		printf("%d ", status);
		show("after its end", rmdir("short"));
	}
	/* One that a file stands for lives on. */
	mkdir("kept", 0700);
	pid_t pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) != 0 || mount("t", "kept", "tmpfs", 0, NULL) != 0)
			exit(1);
		touch("kept/inside");
		tell(to_parent[1]);
		await(to_child[0]);
		exit(0);
	}
	await(to_parent[0]);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
	fd = open(path, O_RDONLY);
	tell(to_child[1]);
	waitpid(pid, NULL, 0);
	char *here = get_current_dir_name();
	show("setns", setns(fd, CLONE_NEWNS));
	show("chdir", chdir(here));
	show("still there", access("kept/inside", F_OK));
	free(here);
	return 0;
}
