/*
 * moat-launcher NODE BUNDLES [ARG...]: what `moat` runs. It starts the CLI (NODE
 * BUNDLES/cli.cjs ARG...), which reads the flags, and for `do` the sandbox at the same time, so
 * that they come up side by side. The CLI hands over a request and is gone; this process
 * stays as the sandbox's monitor.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "idmap.h"
#include "init.h"
#include "monitor.h"
#include "request.h"
#include "terminal.h"
#include "../stub/zygote.h"

/* cli/request.ts writes to it. */
#define REQUEST_FD 3

/*
 * A closed standard descriptor would be taken by the next file that is opened. What stands in
 * for it fails with EBADF as it would.
 */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(125);
	}
}

static pid_t start_cli(const struct program_files *files, int count, char **arguments, int request_end)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("cannot fork");
	if (pid > 0)
		return pid;
	char path[4096];
	char **vector = calloc((size_t)count + 5, sizeof *vector);
	if (!vector)
		fail("no memory");
	vector[0] = (char *)files->node;
	vector[1] = "--no-warnings";
	vector[2] = path;
	memcpy(vector + 3, arguments, (size_t)count * sizeof *vector);
	snprintf(path, sizeof path, "%s/cli.cjs", files->bundles);
	/* Both cost time or change the CLI's behaviour; neither is meant for Moat. */
	unsetenv("NODE_OPTIONS");
	unsetenv("NODE_EXTRA_CA_CERTS");
	if (request_end == REQUEST_FD)
		fcntl(REQUEST_FD, F_SETFD, 0);
	else if (dup2(request_end, REQUEST_FD) < 0)
		fail("cannot arrange descriptors");
	execve(files->node, vector, environ);
	fail("cannot run %s", files->node);
}

/* Reads all that the CLI asks; it closes its end when it is done or dies. */
static void read_request(struct request *request, int fd)
{
	while (request_read(request, fd))
		;
	close(fd);
}

int main(int argc, char **argv)
{
	static struct request request;
	int request_pipe[2], channel = -1;
	pid_t init = 0;
	int refusal = 0;

	fill_standard_descriptors();
	if (argc < 3)
		fail_plain("usage: moat-launcher NODE BUNDLES [ARG...]");
	const struct program_files files = { .node = argv[1], .bundles = argv[2] };
	/* The caller's other descriptors are no business of the sandbox. */
	syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	terminal_save();
	if (pipe2(request_pipe, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	pid_t cli = start_cli(&files, argc - 3, argv + 3, request_pipe[1]);
	close(request_pipe[1]);
	if (argc > 3 && strcmp(argv[3], "do") == 0) {
		idmap_prepare();
		zygote_prepare();
		init = init_start(&files, &channel);
		refusal = errno;
	}
	read_request(&request, request_pipe[0]);
	if (!init || !request_exists(&request)) {
		if (init > 0) {
			kill(init, SIGKILL);
			monitor_wait(init);
		}
		return monitor_exit_status(monitor_wait(cli));
	}
	if (init < 0) {
		errno = refusal;
		fail("cannot make the sandbox's namespaces");
	}
	fail_cleanup(terminal_restore);
	request_send(&request, channel);
	return monitor_run(init, channel, cli);
}
