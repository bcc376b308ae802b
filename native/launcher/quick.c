#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "front.h"
#include "quick.h"
#include "quick-acts.h"
#include "stored.h"

/* Global flags that these commands do not look at, or in a way that is known here. */
static int read_globals(int count, char **arguments, const char *command, struct job *job)
{
	for (int i = 0; i < count && arguments[i] != command; i++) {
		const char *flag = arguments[i];
		if (strcmp(flag, "--systemd-cgroup") == 0)
			continue;
		const char *value = strchr(flag, '=');
		size_t length = value ? (size_t)(value - flag) : strlen(flag);
		value = value ? value + 1 : arguments[++i];
		if (value == command)
			return 0;
		if (length == 6 && strncmp(flag, "--root", 6) == 0)
			job->root = value;
		else if (length == 12 && strncmp(flag, "--log-format", 12) == 0) {
			if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
				return 0;
		} else if (length != 5 || strncmp(flag, "--log", 5) != 0)
			return 0;
	}
	return 1;
}

/* store.ts defaultRoot() for root of the machine, or of a namespace without one's own mapping. */
static const char *default_root(void)
{
	unsigned first = 1, outside = 1, length = 0;
	FILE *map = geteuid() == 0 ? fopen("/proc/self/uid_map", "re") : NULL;

	if (!map)
		return NULL;
	int count = fscanf(map, "%u %u %u", &first, &outside, &length);
	fclose(map);
	return count == 3 && first == 0 && outside == 0 && length == UINT_MAX ? "/run/moat" : NULL;
}

static int find_directory(struct job *job)
{
	const char *id = job->id;

	if (!job->root)
		job->root = default_root();
	if (!id || !job->root || !*job->root || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
		return 0;
	for (const char *at = id; *at; at++)
		if (!isascii(*at) || (!isalnum(*at) && !strchr("_+.-", *at)))
			return 0;
	return *id && snprintf(job->path, sizeof job->path, "%s/%s", job->root, id) < (int)sizeof job->path;
}

static int lock_directory(const struct job *job)
{
	struct stat locked, named;
	int fd = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return -1;
	/* Deleted while this waited: what is there now is another one. */
	if (fstat(fd, &locked) < 0 || stat(job->path, &named) < 0 || locked.st_ino != named.st_ino) {
		close(fd);
		return -1;
	}
	return fd;
}

static const struct command {
	const char *name;
	int (*act)(const struct job *job, int directory, const struct stored *stored);
	int is_changing;
} commands[] = { { "start", quick_start, 1 }, { "delete", quick_delete, 1 }, { "kill", quick_kill, 0 }, { "state", quick_state, 0 } };

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int carry_out(struct job *job, const struct command *command)
{
	struct stored stored;
	struct stat status;

	if (!find_directory(job))
		return LEAVE_IT;
	int directory = command->is_changing ? lock_directory(job) : open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return command->act == quick_delete && job->flag && lstat(job->path, &status) < 0 && errno == ENOENT ? 0 : LEAVE_IT;
	int result = stored_read(directory, &stored) ? command->act(job, directory, &stored) : LEAVE_IT;
	/* The lock, too: the CLI takes it again. */
	close(directory);
	return result;
}

int quick_command(int count, char **arguments, const char *command)
{
	const struct command *found = find_command(command);
	struct job job = { 0 };
	int first = 0;

	if (!found || !read_globals(count, arguments, command, &job))
		return LEAVE_IT;
	int is_kill = found->act == quick_kill, is_delete = found->act == quick_delete;
	while (arguments[first] != command)
		first++;
	for (int i = first + 1; i < count; i++) {
		const char *argument = arguments[i];
		if (is_delete && (strcmp(argument, "--force") == 0 || strcmp(argument, "-f") == 0))
			job.flag = 1;
		else if (is_kill && (strcmp(argument, "--all") == 0 || strcmp(argument, "-a") == 0))
			job.flag = 1;
		else if (argument[0] == '-' || argument[0] == '\0')
			return LEAVE_IT;
		else if (!job.id)
			job.id = argument;
		else if (is_kill && !job.signal)
			job.signal = argument;
		else
			return LEAVE_IT;
	}
	return carry_out(&job, found);
}

int quick_after_run(int count, char **arguments, const char *run)
{
	struct job job = { .flag = 1 };
	int at = 0;

	if (!read_globals(count, arguments, run, &job))
		return LEAVE_IT;
	while (arguments[at] != run)
		at++;
	for (at++; at < count && arguments[at][0] == '-'; at++) {
		if (strcmp(arguments[at], "--keep") == 0)
			return LEAVE_IT;
		if (front_takes_value(arguments[at]))
			at++;
	}
	if (at != count - 1)
		return LEAVE_IT;
	job.id = arguments[at];
	return carry_out(&job, find_command("delete"));
}
