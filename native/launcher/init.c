#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "fail.h"
#include "idmap.h"
#include "init.h"
#include "mounts.h"
#include "privilege.h"
#include "trees.h"

static int launcher_channel;
static struct program sentry, gofer;
static pid_t zygote;
static int is_started;
static struct message message;

/* Init's end is the sandbox's: the host kernel kills all that is left in the pid namespace. */
static _Noreturn void end_sandbox(void)
{
	_exit(0);
}

static _Noreturn void report_death(const char *name, int wait_status)
{
	if (WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == SIGKILL) {
		char text[128];
		int length = snprintf(text, sizeof text, "the %s was killed by signal 9; the sandbox has ended", name);

		channel_send(launcher_channel, MSG_FATAL, 128 + SIGKILL, 0, text, (size_t)length);
		end_sandbox();
	}
	if (WIFSIGNALED(wait_status))
		fail_plain("the %s was killed by signal %d; the sandbox has ended", name, WTERMSIG(wait_status));
	fail_plain("the %s ended with exit status %d; the sandbox has ended", name, WEXITSTATUS(wait_status));
}

static void drain(struct program *program);

/* Gofer and zygote leave when the sentry closes their channels, perhaps before it is a zombie itself. */
static void blame_sentry(void)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	int wait_status;

	for (int tries = 0; tries < 100; tries++) {
		if (waitpid(sentry.pid, &wait_status, WNOHANG) == sentry.pid) {
			drain(&sentry);
			report_death("sentry", wait_status);
		}
		nanosleep(&pause, NULL);
	}
}

static void reap_children(void)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG | __WALL)) > 0) {
		if ((pid == gofer.pid || pid == zygote) && WIFEXITED(wait_status))
			blame_sentry();
		if (pid == sentry.pid || pid == gofer.pid) {
			/* Its last words may say why. */
			drain(pid == sentry.pid ? &sentry : &gofer);
			report_death(pid == sentry.pid ? "sentry" : "gofer", wait_status);
		}
		if (pid == zygote)
			report_death("zygote", wait_status);
		channel_send(sentry.channel, MSG_CHILD_DIED, pid, wait_status, NULL, 0);
	}
}

static void start(void)
{
	struct message_header to_gofer = { .kind = MSG_START, .y = message.header.y };
	struct message_header to_sentry = { .kind = MSG_START, .x = message.header.x & ~START_TREES };
	int fds[MSG_FDS_MAX];
	int count = 0, trees = message.header.y, came = message.header.x & START_TREES ? trees : 0;

	if (is_started || message.fd_count < 1 + came || (came && (int)message.header.text_length != trees) || trees > MSG_FDS_MAX - 2)
		fail_plain("a bad START");
	is_started = 1;
	channel_send_fds(sentry.channel, &to_sentry, NULL, message.fds, message.fd_count - came);
	fds[count++] = message.fds[0];
	if (message.header.x & START_DEBUG_LOG) {
		to_gofer.x = START_DEBUG_LOG;
		fds[count++] = message.fds[1];
	}
	const char *spec = message.text;
	for (int i = 0; i < trees; i++) {
		int tree = came ? message.fds[message.fd_count - came + i] : trees_open(spec);
		if (tree < 0)
			fail_plain("cannot open the tree %s: Operation not permitted", spec);
		fds[count++] = tree;
		if (came && message.text[i])
			mounts_listen(tree);
		spec += came ? 0 : strlen(spec) + 1;
	}
	channel_send_fds(gofer.channel, &to_gofer, NULL, fds, count);
	for (int i = count - trees; !came && i < count; i++)
		close(fds[i]);
	for (int i = 0; i < message.fd_count; i++)
		close(message.fds[i]);
}

static void hear_launcher(void)
{
	int got = channel_receive(launcher_channel, &message, 0);

	if (got == 0)
		end_sandbox();
	if (got < 0)
		return;
	if (message.header.kind >= MSG_CONTROL_FIRST && message.header.kind < MSG_ANSWER_FIRST) {
		channel_send_fds(sentry.channel, &message.header, message.text, message.fds, message.fd_count);
		for (int i = 0; i < message.fd_count; i++)
			close(message.fds[i]);
	} else if (message.header.kind == MSG_START)
		start();
	else if (message.header.kind == MSG_SIGNAL || message.header.kind == MSG_CONTINUED)
		channel_forward(sentry.channel, &message);
}

static void program_loaded(struct program *program)
{
	program->is_loaded = is_started;
	if (!sentry.is_loaded || !gofer.is_loaded)
		return;
	mounts_empty_root();
	privilege_limit(0);
	channel_send(sentry.channel, MSG_CONFINED, 0, 0, NULL, 0);
	channel_send(gofer.channel, MSG_CONFINED, 0, 0, NULL, 0);
	channel_send(launcher_channel, MSG_CONFINED, 0, 0, NULL, 0);
}

/* Messages of a program may be an attacker's: each is taken at most once, where it makes sense. */
static void act_on(struct program *program)
{
	if (message.header.kind >= MSG_ANSWER_FIRST && message.header.kind <= MSG_ANSWER_LAST && program == &sentry)
		channel_forward(launcher_channel, &message);
	switch (message.header.kind) {
	case MSG_UNMAPPED:
		if (program->is_mapped)
			return;
		program->is_mapped = 1;
		if (program == &sentry)
			idmap_write_sentry(message.header.x);
		else
			idmap_write_gofer(message.header.x);
		channel_send(program->channel, MSG_MAPPED, 0, 0, NULL, 0);
		return;
	case MSG_ZYGOTE:
		if (program == &sentry && !zygote)
			zygote = message.header.x;
		return;
	case MSG_LOADED:
		if (!program->is_loaded)
			program_loaded(program);
		return;
	case MSG_STOPPED:
	case MSG_CREATED:
		if (program == &sentry)
			channel_forward(launcher_channel, &message);
		return;
	case MSG_EXITED:
	case MSG_EXEC_FAILED:
		if (program != &sentry)
			return;
		channel_forward(launcher_channel, &message);
		end_sandbox();
	case MSG_FATAL:
		channel_forward(launcher_channel, &message);
		end_sandbox();
	}
}

static void drain(struct program *program)
{
	int got;

	while ((got = channel_receive(program->channel, &message, MSG_DONTWAIT)) == 1) {
		for (int i = 0; i < message.fd_count; i++)
			close(message.fds[i]);
		act_on(program);
	}
	/* It closed its end: it is about to die, and waitpid(2) will say how. */
	if (got == 0)
		program->is_closed = 1;
}

static _Noreturn void serve(int child_signals)
{
	for (;;) {
		/* A program that waits for its id maps expects no other message: START can come first when the machine is busy. */
		int is_heard = sentry.is_mapped && gofer.is_mapped;
		struct pollfd events[] = {
			{ .fd = is_heard ? launcher_channel : -1, .events = POLLIN },
			{ .fd = sentry.is_closed ? -1 : sentry.channel, .events = POLLIN },
			{ .fd = gofer.is_closed ? -1 : gofer.channel, .events = POLLIN },
			{ .fd = child_signals, .events = POLLIN },
		};
		if (poll(events, 4, -1) < 0 && errno != EINTR)
			fail("poll");
		if (events[1].revents)
			drain(&sentry);
		if (events[2].revents)
			drain(&gofer);
		if (events[3].revents) {
			struct signalfd_siginfo info;
			ssize_t got = read(child_signals, &info, sizeof info);
			(void)got;
			reap_children();
		}
		if (events[0].revents)
			hear_launcher();
	}
}

/* The caller's files would stay open as long as the sandbox lives. */
static void close_others(void)
{
	if (launcher_channel != STDERR_FILENO + 1) {
		if (dup2(launcher_channel, STDERR_FILENO + 1) < 0)
			_exit(EXIT_MOAT);
		launcher_channel = STDERR_FILENO + 1;
	}
	fcntl(launcher_channel, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, launcher_channel + 1, ~0u, 0);
}

static _Noreturn void run_init(struct program_files files)
{
	sigset_t all, children;

	close_others();
	fail_over_channel(launcher_channel);
	prctl(PR_SET_NAME, "moat-init", 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* A launcher that died before the prctl has left the channel closed: the first receive shows it. */
	if (channel_receive(launcher_channel, &message, 0) != 1 || message.header.kind != MSG_MAPPED)
		_exit(EXIT_MOAT);
	/* Away from the caller's job: its terminal signals go to the launcher alone. */
	setsid();
	/* Guest processes are forks: the caller's ignored signals must not be theirs. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	if (chdir("/") < 0)
		fail("cannot go to /");
	privilege_no_core();
	mounts_make_private();
	if (idmap_is_privileged())
		mounts_expose(&files);
	programs_start(&files, &sentry, &gofer);
	mounts_return();
	sigprocmask(SIG_BLOCK, &children, NULL);
	int child_signals = signalfd(-1, &children, SFD_CLOEXEC);
	if (child_signals < 0)
		fail("cannot make a signalfd");
	reap_children();
	serve(child_signals);
}

pid_t init_start(const struct program_files *files, int *channel)
{
	int ends[2];

	channel_pair(ends);
	pid_t pid = (pid_t)syscall(SYS_clone,
	                           CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		launcher_channel = ends[1];
		close(ends[0]);
		run_init(*files);
	}
	close(ends[1]);
	if (pid > 0) {
		idmap_write_outer(pid);
		channel_send(ends[0], MSG_MAPPED, 0, 0, NULL, 0);
	}
	*channel = ends[0];
	return pid;
}
