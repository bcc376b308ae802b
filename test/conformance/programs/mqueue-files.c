/* The message queue filesystem: queues are files in it, files made in it are queues. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../check.h"

static const char *name_of(int error)
{
	return error == 0 ? "0" : strerrorname_np(error);
}

#define SHOW(call) printf("%s: %s\n", #call, (call) < 0 ? name_of(errno) : "0")

int main(void)
{
	char text[128];
	struct stat status;
	struct statfs figures;

	if (unshare(CLONE_NEWNS | CLONE_NEWIPC) < 0) {
		printf("needs root\n");
		return 0;
	}
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	SHOW(mount("none", "/mnt", "mqueue", 0, NULL));
	SHOW(chdir("/mnt"));
	statfs(".", &figures);
	stat(".", &status);
	printf("type %lx mode %o\n", (unsigned long)figures.f_type, status.st_mode);
	mqd_t queue = mq_open("/one", O_CREAT | O_RDWR, 0640, NULL);
	mq_send(queue, "hello", 5, 3);
	stat("one", &status);
	printf("mode %o size %ld\n", status.st_mode, (long)status.st_size);
	int fd = open("one", O_RDONLY);
	ssize_t got = read(fd, text, sizeof text);
	printf("%.*s", (int)got, text);
	SHOW(mkdir("d", 0700));
	SHOW(symlink("x", "s"));
	SHOW(link("one", "l"));
	SHOW(rename("one", "l"));
	SHOW(mkfifo("f", 0600));
	SHOW(open("two", O_CREAT | O_RDWR, 0600));
	SHOW(mq_open("/two", O_RDWR));
	SHOW(unlink("one"));
	SHOW(mq_open("/one", O_RDWR));
	SHOW(mq_unlink("/two"));
	SHOW(access("two", F_OK));
	return 0;
}
