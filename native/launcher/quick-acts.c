#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "channel.h"
#include "control.h"
#include "quick-acts.h"

/* runtime/sandbox/control-protocol.ts */
#define SIGNAL_ALL 0x100
/* So long the quick way waits for the ends of those in the cgroup; the CLI then waits longer. */
#define END_TRIES 100
#define END_PAUSE_US 1000

static struct message answer;

/* Asks the container's sentry, and waits until it is done. Without an answer it has ended meanwhile, which is as good. */
static int ask(const struct job *job, uint32_t kind, int32_t argument)
{
	int container = control_connect(job->path);

	if (container < 0)
		return 0;
	int is_done = channel_send(container, kind, 0, argument, NULL, 0) &&
		(channel_receive(container, &answer, 0) != 1 || answer.header.kind != MSG_ANSWER_DONE || answer.header.y == 0);
	close(container);
	return is_done;
}

int quick_start(const struct job *job, int directory, const struct stored *stored)
{
	if (!stored->is_alive || stored->is_frozen || stored->has_start_hooks || !piece_is(stored->status, "\"created\""))
		return LEAVE_IT;
	if (!ask(job, MSG_CONTROL_START, 0) || !stored_write_status(directory, stored, "running"))
		return LEAVE_IT;
	return 0;
}

static int is_empty_cgroup(const char *path)
{
	char file[PATH_MAX], byte;

	snprintf(file, sizeof file, "%s/cgroup.procs", path);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT;
	ssize_t length = read(fd, &byte, 1);
	close(fd);
	return length == 0;
}

static int remove_cgroups(const struct stored *stored)
{
	for (int i = 0; i < stored->cgroup_count; i++)
		if (!is_empty_cgroup(stored->cgroups[i]))
			return 0;
	for (int i = 0; i < stored->cgroup_count; i++)
		if (rmdir(stored->cgroups[i]) < 0 && errno != ENOENT)
			return 0;
	return 1;
}

static int has_only_files(DIR *stream)
{
	struct dirent *entry;

	rewinddir(stream);
	while ((entry = readdir(stream)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return 0;
	return 1;
}

/* The state last: until then the CLI can go on where this has stopped. */
static int remove_files(int directory, DIR *stream)
{
	struct dirent *entry;

	rewinddir(stream);
	while ((entry = readdir(stream)))
		if (entry->d_type != DT_DIR && strcmp(entry->d_name, "state.json") != 0 && unlinkat(directory, entry->d_name, 0) < 0)
			return 0;
	return unlinkat(directory, "state.json", 0) == 0;
}

int quick_delete(const struct job *job, int directory, const struct stored *stored)
{
	DIR *stream;

	if (stored->is_alive || stored->is_frozen || stored->has_poststop_hooks || stored->has_systemd)
		return LEAVE_IT;
	/* Those who were killed with their init may not be gone yet. */
	for (int tries = 0; !remove_cgroups(stored); tries++) {
		if (tries == END_TRIES)
			return LEAVE_IT;
		usleep(END_PAUSE_US);
	}
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy < 0 || !(stream = fdopendir(copy)) || !has_only_files(stream) || !remove_files(directory, stream))
		return LEAVE_IT;
	return rmdir(job->path) == 0 ? 0 : LEAVE_IT;
}

/* "9", "KILL", "SIGKILL"; 0: something else. */
static int signal_number(const char *text)
{
	char *end;

	if (!text)
		return SIGTERM;
	if (isdigit(*text)) {
		long number = strtol(text, &end, 10);
		return *end == '\0' && number > 0 && number <= 64 ? (int)number : 0;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (int number = 1; number < 32; number++)
		if (sigabbrev_np(number) && strcasecmp(sigabbrev_np(number), text) == 0)
			return number;
	return 0;
}

/* Init is the monitor's first child. */
static int kill_init(const struct stored *stored)
{
	char path[64];
	int init = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", stored->pid, stored->pid);
	FILE *children = fopen(path, "re");
	if (!children)
		return LEAVE_IT;
	if (fscanf(children, "%d", &init) != 1)
		init = 0;
	fclose(children);
	return init > 0 && kill(init, SIGKILL) == 0 ? 0 : LEAVE_IT;
}

int quick_kill(const struct job *job, int directory, const struct stored *stored)
{
	int number = signal_number(job->signal);

	(void)directory;
	if (number == 0 || !stored->is_alive || stored->is_frozen)
		return LEAVE_IT;
	if (number == SIGKILL)
		return kill_init(stored);
	return ask(job, MSG_CONTROL_SIGNAL, number | (job->flag ? SIGNAL_ALL : 0)) ? 0 : LEAVE_IT;
}

/* JSON.stringify(state, null, 2), as cli/container/show.ts prints it. */
int quick_state(const struct job *job, int directory, const struct stored *stored)
{
	struct piece key, value, status = stored->status;
	const char *at = stored->annotations.at;
	int count = 0;

	(void)job;
	(void)directory;
	while (piece_next_string(&at, &key, &value))
		;
	if (*at != '}' && !piece_is(stored->annotations, "{}"))
		return LEAVE_IT;
	if (!stored->is_alive)
		status = (struct piece){ "\"stopped\"", 9 };
	else if (stored->is_frozen && !piece_is(status, "\"creating\""))
		status = (struct piece){ "\"paused\"", 8 };
#define MEMBER(name, piece) printf("  \"%s\": %.*s,\n", name, (int)(piece).length, (piece).at)
	puts("{");
	MEMBER("ociVersion", stored->version);
	MEMBER("id", stored->id);
	printf("  \"pid\": %d,\n", stored->is_alive ? stored->pid : 0);
	MEMBER("status", status);
	MEMBER("bundle", stored->bundle);
	MEMBER("rootfs", stored->rootfs);
	MEMBER("created", stored->created);
	for (at = stored->annotations.at; piece_next_string(&at, &key, &value); count++)
		printf("%s    %.*s: %.*s", count ? ",\n" : "  \"annotations\": {\n", (int)key.length, key.at, (int)value.length, value.at);
	printf("%s  \"owner\": \"\"\n}", count ? "\n  },\n" : "");
	return fflush(stdout) == 0 ? 0 : 1;
}
