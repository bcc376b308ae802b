#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../stub/zygote.h"
#include "broker.h"
#include "channel.h"
#include "container.h"
#include "control.h"
#include "fail.h"
#include "idmap.h"
#include "init.h"
#include "monitor.h"
#include "title.h"

static struct request request;

/* Hooks and engines look for the container's network under the monitor's pid. */
static void enter_network(const char *name)
{
	if (*name == '\0')
		return;
	if (strcmp(name, "new") == 0) {
		if (unshare(CLONE_NEWNET) == 0)
			broker_raise_loopback();
		else if (errno == EPERM)
			broker_wants_own_network();
		else
			fail("cannot make a network namespace");
		return;
	}
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail("cannot enter the network namespace %s", name);
	close(fd);
}

static _Noreturn void give_up(pid_t init)
{
	kill(init, SIGKILL);
	monitor_wait(init);
	_exit(EXIT_MOAT);
}

static void keep_exit_status(int directory, int status)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d\n", status);
	int fd = openat(directory, "exit-status", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	ssize_t written = write(fd, text, (size_t)length);
	(void)written;
	close(fd);
}

/*
 * What hooks mount is the container's, and stays off the host: its trees are opened here. An ordinary user has no right to a
 * namespace.
 */
static int has_own_mounts;

static void enter_mounts(void)
{
	if (unshare(CLONE_NEWNS) < 0)
		return;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		fail("cannot make the host's mounts slaves");
	has_own_mounts = 1;
}

/*
 * Engines enter the mount namespace of a container's process and take its root for the container's: Podman's cp would
 * write to the host. No engine does this without root.
 */
static void enter_root(const char *root)
{
	/* Another namespace: the broker, which the pivot would take along, may still be in the one of the hooks. */
	if (!root || !has_own_mounts || unshare(CLONE_NEWNS) < 0)
		return;
	if (mount(root, root, NULL, MS_BIND | MS_REC, NULL) < 0 || chdir(root) < 0)
		fail("cannot enter %s", root);
	/* pivot_root(2): the old root ends up below the new one. On the kernel's first root there is nothing to pivot from. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("cannot leave the host's root");
}

int container_monitor(const struct program_files *files, struct monitor_ends ends)
{
	static struct message message;
	int channel, fds[MSG_FDS_MAX];

	fail_over_channel(ends.cli);
	front_take_stdio();
	prctl(PR_SET_NAME, "moat-monitor", 0, 0, 0);
	idmap_prepare();
	zygote_prepare();
	pid_t init = init_start(files, &channel);
	if (init < 0)
		fail("cannot make the sandbox's namespaces");
	if (channel_receive(ends.cli, &message, 0) != 1 || message.header.kind != MSG_PREPARE)
		give_up(init);
	enter_network(message.text);
	enter_mounts();
	channel_send(ends.cli, MSG_PREPARED, getpid(), 0, NULL, 0);
	request_read_all(&request, ends.request);
	const char *directory = request_value(&request, "control");
	if (!request_exists(&request) || !directory)
		give_up(init);
	if (request_value(&request, "title"))
		title_set(request_value(&request, "title"));
	*ends.is_foreground = request_value(&request, "detach") == NULL;
	if (front_is_apart(&request))
		setsid();
	int place = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int count = front_stdio(&request, ends.console, fds, front_preserved());
	control_listen(directory);
	request_send(&request, channel, fds, count);
	front_release_stdio(*ends.is_foreground);
	for (int fd = STDERR_FILENO + 1; fd <= STDERR_FILENO + front_preserved(); fd++)
		close(fd);
	enter_root(request_value(&request, "rootfs"));
	int status = monitor_run(init, channel, (struct monitor_options){ .reply = ends.cli, .is_detached = front_is_apart(&request), .is_container = 1 });
	keep_exit_status(place, status);
	control_end();
	return status;
}
