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

#include "container.h"
#include "exec.h"
#include "fail.h"
#include "front.h"
#include "hook.h"
#include "idmap.h"
#include "init.h"
#include "listener.h"
#include "monitor.h"
#include "node.h"
#include "plain.h"
#include "quick.h"
#include "request.h"
#include "sources.h"
#include "terminal.h"
#include "title.h"
#include "../stub/zygote.h"

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

/* Global flags with a value of their own word. */
static int takes_value(const char *flag)
{
	static const char *const flags[] = { "--root", "--log", "--log-format", "--rootless", "--network", "--overlay" };

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strcmp(flag, flags[i]) == 0)
			return 1;
	return 0;
}

/* The command's name, behind global flags; "" without one. */
static const char *command_of(int count, char **arguments)
{
	for (int i = 0; i < count; i++) {
		if (arguments[i][0] != '-')
			return arguments[i];
		if (takes_value(arguments[i]))
			i++;
	}
	return "";
}

/* For the build, a line each: the snapshots' key and the two lists of flags. */
static int print_start(const struct program_files *files)
{
	const char *const *const lists[] = { confined_flags, cli_flags };

	puts(files->snapshot_key);
	for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
		for (const char *const *flag = lists[list]; *flag; flag++)
			printf("%s ", *flag);
		putchar('\n');
	}
	return 0;
}

/* For the tests: what a command without flags asks for. */
static int print_plain(const struct program_files *files, int count, char **arguments)
{
	static struct request request;
	int command, fd = plain_open(files->bundles, count, arguments, &command);

	if (fd < 0)
		return 1;
	plain_fill(&request, fd, arguments + command);
	return fwrite(request.bytes, 1, request.length, stdout) == request.length ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct request request;
	int request_pipe[2] = { -1, -1 }, channel = -1, plain_command = 0;
	pid_t init = 0, cli = 0;
	int refusal = 0;

	fill_standard_descriptors();
	title_prepare(argc, argv);
	if (argc < 3)
		fail_plain("usage: moat-launcher NODE BUNDLES [ARG...]");
	struct program_files files = { .node = argv[1], .bundles = argv[2] };
	snapshot_key(files.node, files.snapshot_key);
	if (argc == 4 && strcmp(argv[3], "--start-of-node") == 0)
		return print_start(&files);
	if (argc > 4 && strcmp(argv[3], "--plain-request") == 0)
		return print_plain(&files, argc - 4, argv + 4);
	if (argc > 4 && strcmp(argv[3], "--hook") == 0)
		hook_run(argc - 4, argv + 4);
	if (argc > 4 && strcmp(argv[3], "--listener") == 0)
		listener_run(argc - 4, argv + 4);
	/* The script sees its own arguments, behind a name. */
	sources_check(files.bundles, argv + 2);
	const char *command = command_of(argc - 3, argv + 3);
	int status = quick_command(argc - 3, argv + 3, command);
	if (status >= 0)
		return status;
	int is_container = strcmp(command, "create") == 0 || strcmp(command, "run") == 0;
	if (is_container || strcmp(command, "exec") == 0) {
		int first = 3;
		while (argv[first] != command)
			first++;
		front_keep_preserved(argc - first - 1, argv + first + 1, is_container);
		terminal_save();
		return front_run(&files, argc - 3, argv + 3, strcmp(command, "run") == 0 ? command : NULL, is_container ? container_monitor : exec_monitor);
	}
	/* The caller's other descriptors are no business of the sandbox. */
	syscall(SYS_close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC);
	terminal_save();
	int plain = plain_open(files.bundles, argc - 3, argv + 3, &plain_command);
	if (plain < 0) {
		if (pipe2(request_pipe, O_CLOEXEC) < 0)
			fail("cannot make a pipe");
		cli = cli_start(&files, argc - 3, argv + 3, request_pipe[1], -1);
		close(request_pipe[1]);
	}
	if (argc > 3 && strcmp(argv[3], "do") == 0) {
		idmap_prepare();
		zygote_prepare();
		init = init_start(&files, &channel);
		refusal = errno;
	}
	if (plain < 0)
		request_read_all(&request, request_pipe[0]);
	else
		plain_fill(&request, plain, argv + 3 + plain_command);
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
	request_send(&request, channel, NULL, 0);
	return monitor_run(init, channel, (struct monitor_options){ .cli = cli, .reply = -1 });
}
