/* The message queue filesystem: queues are files in it, files made in it are queues. */
#include "../check.h"
#include <mqueue.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

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
	T(mount("none", "/mnt", "mqueue", 0, NULL));
	T(chdir("/mnt"));
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
	T(mkdir("d", 0700));
	T(symlink("x", "s"));
	T(link("one", "l"));
	T(rename("one", "l"));
	T(mkfifo("f", 0600));
	T(open("two", O_CREAT | O_RDWR, 0600));
	T(mq_open("/two", O_RDWR));
	T(unlink("one"));
	T(mq_open("/one", O_RDWR));
	T(mq_unlink("/two"));
	T(access("two", F_OK));
	return 0;
}
