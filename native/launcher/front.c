#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "console.h"
#include "fail.h"
#include "front.h"
#include "monitor.h"
#include "node.h"
#include "pump.h"
#include "quick.h"
#include "terminal.h"

/* cli/request.ts writes to the first and reads from the second. */
#define REQUEST_FD 3
#define REPLY_FD 4
/* Beyond the numbers that --preserve-fds names. */
#define FIRST_OWN_FD 128
#define PRESERVED_MAX 48

static int preserved;

int front_preserved(void)
{
	return preserved;
}

int front_takes_value(const char *flag)
{
	static const char *const flags[] = {
		"-b", "--bundle", "--console-socket", "--pid-file", "--preserve-fds", "--cwd", "-e", "--env", "-u", "--user", "-g",
		"--additional-gids", "-p", "--process", "-c", "--cap", "--process-label", "--apparmor", "--cgroup",
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strcmp(flag, flags[i]) == 0)
			return 1;
	return 0;
}

/* sd_listen_fds(3): sockets that were passed to this very process; the CLI tells the container of them. */
static int listen_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	return pid && count && atoi(pid) == getpid() && atoi(count) > 0 ? atoi(count) : 0;
}

/* `arguments` are what follows the command's name. The CLI hears of what is missing, and says so. */
void front_keep_preserved(int count, char **arguments, int is_listening)
{
	static const char flag[] = "--preserve-fds";
	size_t length = sizeof flag - 1;
	char number[16];
	int wanted = 0, passed = is_listening ? listen_fds() : 0;

	for (int i = 0; i < count && arguments[i][0] == '-' && strcmp(arguments[i], "--") != 0; i++) {
		const char *value = NULL;
		if (strncmp(arguments[i], flag, length) == 0 && arguments[i][length] == '=')
			value = arguments[i] + length + 1;
		else if (strcmp(arguments[i], flag) == 0 && i + 1 < count)
			value = arguments[i + 1];
		if (value)
			wanted = atoi(value) > 0 ? atoi(value) : 0;
		if (front_takes_value(arguments[i]))
			i++;
	}
	while (preserved < wanted + passed && preserved < PRESERVED_MAX && fcntl(STDERR_FILENO + 1 + preserved, F_GETFD) >= 0)
		preserved++;
	unsetenv("MOAT_PRESERVED");
	if (preserved < wanted + passed) {
		snprintf(number, sizeof number, "%d", preserved);
		setenv("MOAT_PRESERVED", number, 1);
	}
	snprintf(number, sizeof number, "%d", passed);
	if (passed)
		setenv("MOAT_LISTEN_FDS", number, 1);
	else
		unsetenv("MOAT_LISTEN_FDS");
	syscall(SYS_close_range, STDERR_FILENO + 1 + preserved, ~0u, 0);
}

/* An own descriptor's number must not be one that arranging others would overwrite. */
static int high(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD);
	if (moved < 0)
		fail("cannot duplicate a descriptor");
	close(fd);
	return moved;
}

/* Of the caller; those that come while the CLI works are for the program, later. */
static sigset_t callers_mask;
static int is_holding;

static void hold_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &callers_mask);
	is_holding = 1;
}

pid_t cli_start(const struct program_files *files, int count, char **arguments, int request_end, int reply_end)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork");
	if (pid > 0)
		return pid;
	if (is_holding)
		sigprocmask(SIG_SETMASK, &callers_mask, NULL);
	/* Both cost time or change the CLI's behaviour; neither is meant for Moat. */
	unsetenv("NODE_OPTIONS");
	unsetenv("NODE_EXTRA_CA_CERTS");
	request_end = high(request_end);
	if (reply_end >= 0)
		reply_end = high(reply_end);
	if (dup2(request_end, REQUEST_FD) < 0 || (reply_end >= 0 && dup2(reply_end, REPLY_FD) < 0))
		fail("cannot arrange descriptors");
	node_run(files, "cli", cli_flags, arguments, count, environ);
}

static void stop_as(int signal_number)
{
	sigset_t only;

	signal(signal_number, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, signal_number);
	kill(getpid(), signal_number);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	sigprocmask(SIG_BLOCK, &only, NULL);
}

/* The wait status of the monitor; meanwhile its stops are this process's, and this one's signals are the monitor's. */
static int follow(pid_t monitor)
{
	siginfo_t info;
	sigset_t all;
	int wait_status;

	sigfillset(&all);
	for (;;) {
		while (waitpid(monitor, &wait_status, WNOHANG | WUNTRACED) == monitor) {
			if (!WIFSTOPPED(wait_status))
				return wait_status;
			stop_as(WSTOPSIG(wait_status));
			kill(monitor, SIGCONT);
		}
		int number = sigwaitinfo(&all, &info);
		/* The kernel's, from the terminal, reach the whole job. */
		if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
			kill(monitor, number);
	}
}

/* `after-run` takes away what `run` with the same flags left. */
static void clean_up(const struct program_files *files, int count, char **arguments, const char *run)
{
	if (quick_after_run(count, arguments, run) == 0)
		return;
	char **vector = calloc((size_t)count + 1, sizeof *vector);
	int empty = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!vector || empty < 0)
		fail("cannot clean up");
	for (int i = 0; i < count; i++)
		vector[i] = arguments[i] == run ? "after-run" : arguments[i];
	monitor_wait(cli_start(files, count, vector, empty, -1));
}

int front_run(const struct program_files *files, int count, char **arguments, const char *run,
              int (*monitor)(const struct program_files *files, struct monitor_ends ends))
{
	int request[2], reply[2], console[2];
	volatile int *is_foreground = mmap(NULL, sizeof *is_foreground, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (is_foreground == MAP_FAILED || pipe2(request, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	channel_pair(reply);
	channel_pair(console);
	hold_signals();
	pid_t child = fork();
	if (child < 0)
		fail("cannot fork");
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &callers_mask, NULL);
		close(request[1]);
		close(reply[1]);
		close(console[1]);
		_exit(monitor(files, (struct monitor_ends){
			.request = high(request[0]), .cli = high(reply[0]), .console = high(console[0]), .is_foreground = is_foreground }));
	}
	close(request[0]);
	close(reply[0]);
	close(console[0]);
	pid_t cli = cli_start(files, count, arguments, request[1], reply[1]);
	close(request[1]);
	close(reply[1]);
	int status = monitor_exit_status(monitor_wait(cli));
	if (status != 0 || !*is_foreground)
		return status;
	int master = console_receive(console[1]);
	status = monitor_exit_status(master < 0 ? follow(child) : pump_run(child, master));
	if (run)
		clean_up(files, count, arguments, run);
	return status;
}

static int taken[STDERR_FILENO + 1];

void front_take_stdio(void)
{
	int empty = open("/dev/null", O_RDWR | O_CLOEXEC);
	int terminal = terminal_fd();

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		taken[fd] = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OWN_FD);
		if (taken[fd] < 0 || dup2(empty, fd) < 0)
			fail("cannot arrange descriptors");
	}
	close(empty);
	if (terminal >= 0)
		terminal_adopt(taken[terminal]);
}

void front_release_stdio(int is_foreground)
{
	if (is_foreground)
		dup2(taken[STDERR_FILENO], STDERR_FILENO);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (taken[fd] != terminal_fd())
			close(taken[fd]);
}

int front_is_apart(const struct request *request)
{
	return request_value(request, "detach") != NULL || request_value(request, "terminal") != NULL;
}

int front_stdio(const struct request *request, int console, int *fds, int preserved_count)
{
	const char *socket_path = request_value(request, "console-socket");
	int count = 0;

	if (socket_path || request_value(request, "terminal"))
		count = console_make(socket_path, console, request_value(request, "console-size"), fds);
	else
		while (count <= STDERR_FILENO) {
			fds[count] = taken[count];
			count++;
		}
	for (int i = 0; i < preserved_count; i++)
		fds[count++] = STDERR_FILENO + 1 + i;
	return count;
}
