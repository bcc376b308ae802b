#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../stub/zygote.h"
#include "channel.h"
#include "fail.h"
#include "idmap.h"
#include "node.h"
#include "privilege.h"
#include "programs.h"

/* runtime/sandbox/config.ts has the same numbers. */
enum { CONFIG_FD = 3, PEER_FD = 4, ZYGOTE_FD = 5, SUPERVISOR_FD = 6, DEBUG_LOG_FD = 7, STRACE_LOG_FD = 8, FIRST_FREE_FD = 9 };

/* The shortest that the scheduler allows (__setparam_fair, which makes less into this). */
#define SHORT_TURN_NS 100000

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* Files of other users, their owners and modes: what the caller itself could do to the trees. */
#define GOFER_CAPABILITIES \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(FSETID) | CAP(MKNOD) | CAP(SETFCAP))
/* process_vm_readv(2) and tgkill(2) on guest processes, also where Yama restricts ptrace. */
#define SENTRY_CAPABILITIES CAP(SYS_PTRACE)

static pid_t clone_process(unsigned long flags)
{
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

/* Asks init for this process's id maps. Its pid in the mounted /proc is not the one it knows itself by. */
static void await_maps(int channel)
{
	char target[32];
	struct message *answer = malloc(sizeof *answer);
	ssize_t length = readlink("/proc/self", target, sizeof target - 1);

	if (length <= 0 || !answer)
		fail("cannot read /proc/self");
	target[length] = '\0';
	channel_send(channel, MSG_UNMAPPED, atoi(target), 0, NULL, 0);
	if (channel_receive(channel, answer, 0) != 1 || answer->header.kind != MSG_MAPPED)
		_exit(EXIT_MOAT);
	free(answer);
}

static void become(uid_t id)
{
	/* Refused where setgroups(2) was given up, which an ordinary caller cannot help. */
	if (idmap_is_privileged() && setgroups(0, NULL) < 0)
		fail("cannot drop supplementary groups");
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		fail("cannot change to user %u", id);
}

/* Descriptors below FIRST_FREE_FD are targets of arrange_fds. */
static int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 64);
	if (moved < 0)
		fail("cannot duplicate a descriptor");
	close(fd);
	return moved;
}

/* Moves descriptors to their numbers and closes all others; -1 leaves /dev/null. Sources are above FIRST_FREE_FD. */
static void arrange_fds(int supervisor, int peer, int zygote)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		fail("cannot open /dev/null");
	int empty = move_up(null);
	int sources[FIRST_FREE_FD] = {
		[CONFIG_FD] = -1, [PEER_FD] = peer, [ZYGOTE_FD] = zygote, [SUPERVISOR_FD] = supervisor, [DEBUG_LOG_FD] = -1, [STRACE_LOG_FD] = -1,
	};

	for (int fd = CONFIG_FD; fd < FIRST_FREE_FD; fd++)
		if (dup2(sources[fd] < 0 ? empty : sources[fd], fd) < 0)
			fail("cannot arrange descriptors");
	fail_over_channel(SUPERVISOR_FD);
	syscall(SYS_close_range, FIRST_FREE_FD, ~0u, 0);
}

/*
 * The kernel makes a table of descriptors larger in steps, and in a process with threads waits for all CPUs each time
 * (expand_fdtable of fs/file.c: synchronize_rcu, 10 ms and more). So it is made large before there are any.
 */
#define FD_TABLE_SLOTS 4096

static void enlarge_fd_table(void)
{
	int last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, FD_TABLE_SLOTS - 1);
	if (last >= 0)
		close(last);
}

static void raise_fd_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static _Noreturn void run_node(const struct program_files *files, const char *program)
{
	/*
	 * Nothing of the caller's environment: NODE_OPTIONS would be code, and NODE_EXTRA_CA_CERTS
	 * costs 35 ms. No io_uring, which would go round the filter.
	 */
	char *environment[] = { "PATH=", "LANG=C", "UV_USE_IO_URING=0", "GLIBC_TUNABLES=glibc.malloc.hugetlb=1", NULL };

	raise_fd_limit();
	enlarge_fd_table();
	node_run(files, program, confined_flags, NULL, 0, environment);
}

/*
 * Whoever calls the sentry waits for it, and its work is short: so it asks the scheduler for short turns (sched_setattr(2), since
 * Linux 6.12; ignored before). A woken thread with a shorter turn than the running one's is put in its place at once.
 * So a call on the guest's own CPU needs no sleep of the guest, and on a busy CPU nobody else's turn has to end first.
 */
static void take_short_turns(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attributes = { .size = sizeof attributes };

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) < 0)
		return;
	if (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH)
		return;
	attributes.runtime = SHORT_TURN_NS;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static _Noreturn void run_zygote(int control)
{
	/* Guest processes are copies of this one: nothing but the control channel may be in it. */
	if (control != ZYGOTE_FD && dup2(control, ZYGOTE_FD) < 0)
		fail("cannot arrange descriptors");
	syscall(SYS_close_range, 0, ZYGOTE_FD - 1, 0);
	syscall(SYS_close_range, ZYGOTE_FD + 1, ~0u, 0);
	privilege_limit(0);
	prctl(PR_SET_NAME, "moat-zygote", 0, 0, 0);
	/* The change of user cleared it; the sentry reads guest memory with process_vm_readv(2). */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	zygote_main(ZYGOTE_FD);
}

static _Noreturn void run_sentry(const struct program_files *files, int supervisor, int gofer_channel)
{
	int zygote_channel[2];

	fail_over_channel(supervisor);
	await_maps(supervisor);
	become(NOBODY);
	channel_pair(zygote_channel);
	zygote_channel[0] = move_up(zygote_channel[0]);
	zygote_channel[1] = move_up(zygote_channel[1]);
	/* A sibling in the same user namespace, and init's child as all guest processes will be. */
	pid_t zygote = clone_process(CLONE_PARENT);
	if (zygote < 0)
		fail("cannot fork");
	if (zygote == 0) {
		close(supervisor);
		run_zygote(zygote_channel[0]);
	}
	channel_send(supervisor, MSG_ZYGOTE, zygote, 0, NULL, 0);
	privilege_limit(SENTRY_CAPABILITIES);
	arrange_fds(supervisor, gofer_channel, zygote_channel[1]);
	take_short_turns();
	run_node(files, "sentry");
}

static _Noreturn void run_gofer(const struct program_files *files, int supervisor, int sentry_channel)
{
	fail_over_channel(supervisor);
	/* It is the caller there, whose files' owners it so sees right. */
	await_maps(supervisor);
	privilege_limit(GOFER_CAPABILITIES);
	arrange_fds(supervisor, sentry_channel, -1);
	dup2(CONFIG_FD, STDIN_FILENO);
	dup2(CONFIG_FD, STDOUT_FILENO);
	take_short_turns();
	run_node(files, "gofer");
}

void programs_start(const struct program_files *files, struct program *sentry, struct program *gofer)
{
	int pairs[3][2];

	for (int i = 0; i < 3; i++) {
		channel_pair(pairs[i]);
		pairs[i][0] = move_up(pairs[i][0]);
		pairs[i][1] = move_up(pairs[i][1]);
	}
	*sentry = (struct program){ .name = "sentry", .channel = pairs[0][0] };
	*gofer = (struct program){ .name = "gofer", .channel = pairs[1][0] };
	sentry->pid = clone_process(CLONE_NEWUSER);
	if (sentry->pid == 0)
		run_sentry(files, pairs[0][1], pairs[2][0]);
	gofer->pid = sentry->pid < 0 ? -1 : clone_process(CLONE_NEWUSER);
	if (gofer->pid == 0)
		run_gofer(files, pairs[1][1], pairs[2][1]);
	if (gofer->pid < 0)
		fail("cannot make a user namespace for the sentry or the gofer");
	close(pairs[0][1]);
	close(pairs[1][1]);
	close(pairs[2][0]);
	close(pairs[2][1]);
}
