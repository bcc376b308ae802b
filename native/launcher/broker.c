#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker.h"
#include "broker-serve.h"
#include "channel.h"
#include "fail.h"
#include "idmap.h"
#include "mounts.h"
#include "privilege.h"

static pid_t broker;
static int has_own_network;
static const char *sysctls[256];
static int sysctl_count;

void broker_wants_own_network(void)
{
	has_own_network = 1;
}

void broker_add_sysctl(const char *assignment)
{
	if (sysctl_count == sizeof sysctls / sizeof *sysctls)
		fail_plain("more than %d sysctls of the network", sysctl_count);
	sysctls[sysctl_count++] = assignment;
}

static void write_sysctls(void)
{
	char path[512];

	for (int i = 0; i < sysctl_count; i++) {
		const char *value = strchr(sysctls[i], '=');
		if (!value || snprintf(path, sizeof path, "/proc/sys/%.*s", (int)(value - sysctls[i]), sysctls[i]) >= (int)sizeof path)
			fail_plain("a bad sysctl: %s", sysctls[i]);
		value++;
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			fail("open %s", path);
		if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
			fail("write %s", path);
		close(fd);
	}
}

/* What of `wanted` this process has: root in a container may lack some. */
static uint64_t permitted_of(uint64_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return wanted & (data[0].permitted | (uint64_t)data[1].permitted << 32);
}

/* No file but those below the two directories can be named any more, and no mount of the host is held. */
static void leave_root(void)
{
	if (unshare(CLONE_NEWNS) == 0) {
		mounts_make_private();
		mounts_empty_root();
	} else if (errno != EPERM) {
		/* Without the right to it the filter and openat2(2) have to do. */
		fail("cannot confine the network broker");
	}
}

static _Noreturn void run(int channel, uint64_t capabilities, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_NAME, "moat-network", 0, 0, 0);
	/* Away from the terminal's signals and the caller's directory: it lives as long as the sentry. */
	setsid();
	if (chdir("/") < 0)
		fail("cannot go to /");
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	privilege_no_core();
	if (has_own_network) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			fail("cannot make a network namespace");
		broker_raise_loopback();
	}
	write_sysctls();
	const struct broker_directories directories = {
		.net = open("/proc/self/net", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.sysctl = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (idmap_is_privileged() || has_own_network) {
		leave_root();
		privilege_limit(permitted_of(capabilities));
	} else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		fail("cannot set no_new_privs");
	}
	/* A change of capabilities would have cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(EXIT_MOAT);
	broker_serve(channel, directories, (permitted_of(capabilities) & UINT64_C(1) << CAP_NET_ADMIN) != 0);
}

void broker_raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail("cannot raise the loopback interface");
	close(fd);
}

int broker_start(uint64_t capabilities)
{
	int ends[2];
	pid_t parent = getpid();

	channel_pair(ends);
	broker = fork();
	if (broker < 0)
		fail("cannot fork");
	if (broker == 0) {
		close(ends[0]);
		run(ends[1], capabilities, parent);
	}
	close(ends[1]);
	return ends[0];
}

const char *broker_death(void)
{
	static char text[96];
	int wait_status;

	if (broker <= 0 || waitpid(broker, &wait_status, WNOHANG) != broker)
		return NULL;
	broker = 0;
	/* Its channel is closed: the sentry is at its end, and init says why. */
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return NULL;
	if (WIFSIGNALED(wait_status))
		snprintf(text, sizeof text, "the network broker was killed by signal %d; the sandbox has ended", WTERMSIG(wait_status));
	else
		snprintf(text, sizeof text, "the network broker ended with exit status %d; the sandbox has ended", WEXITSTATUS(wait_status));
	return text;
}

void broker_end(void)
{
	if (broker <= 0)
		return;
	kill(broker, SIGKILL);
	waitpid(broker, NULL, 0);
	broker = 0;
}
