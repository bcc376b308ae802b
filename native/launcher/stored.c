#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stored.h"

#define STATE_MAX (1 << 20)

int piece_is(struct piece piece, const char *text)
{
	return piece.length == strlen(text) && memcmp(piece.at, text, piece.length) == 0;
}

/* Behind the string that begins at `at`; NULL when there is none. */
static const char *string_end(const char *at)
{
	if (*at != '"')
		return NULL;
	for (at++; *at != '"'; at++) {
		if (*at == '\\')
			at++;
		if (*at == '\0')
			return NULL;
	}
	return at + 1;
}

/* Behind the value: JSON.stringify(), which is trusted to have written it, leaves no space anywhere. */
static const char *value_end(const char *at)
{
	int depth = 0;

	if (*at == '"')
		return string_end(at);
	do {
		if (*at == '"') {
			at = string_end(at);
			if (!at)
				return NULL;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	} while (*at && (depth > 0 || (*at != ',' && *at != '}' && *at != ']')));
	return *at ? at : NULL;
}

/* `at` stands at the object's brace, or behind one of its members. */
static int next_member(const char **at, struct piece *key, struct piece *value)
{
	const char *begin = *at + 1, *end;

	if (**at != '{' && **at != ',')
		return 0;
	end = string_end(begin);
	if (!end || *end != ':')
		return 0;
	*key = (struct piece){ begin, (size_t)(end - begin) };
	begin = end + 1;
	end = value_end(begin);
	if (!end)
		return 0;
	*value = (struct piece){ begin, (size_t)(end - begin) };
	*at = end;
	return 1;
}

int piece_next_string(const char **at, struct piece *key, struct piece *value)
{
	return next_member(at, key, value) && value->at[0] == '"';
}

/* A string without escapes. */
static char *plain_text(struct piece piece)
{
	if (piece.length < 2 || piece.at[0] != '"' || memchr(piece.at, '\\', piece.length))
		return NULL;
	return strndup(piece.at + 1, piece.length - 2);
}

static int is_frozen(const char *directory, const char *file, const char *first, const char *second)
{
	char path[PATH_MAX], word[16] = "";

	snprintf(path, sizeof path, "%s/%s", directory, file);
	FILE *stream = fopen(path, "re");
	if (!stream)
		return 0;
	int count = fscanf(stream, "%15s", word);
	fclose(stream);
	return count == 1 && (strcmp(word, first) == 0 || strcmp(word, second) == 0);
}

static int read_cgroup(struct stored *stored, struct piece cgroup)
{
	struct piece key, value, paths = { NULL, 0 }, controller, path;
	int is_v2 = 0, known = 0;

	for (const char *at = cgroup.at; next_member(&at, &key, &value);) {
		if (piece_is(key, "\"paths\""))
			paths = value;
		else if (piece_is(key, "\"isV2\""))
			is_v2 = piece_is(value, "true");
		else if (piece_is(key, "\"systemd\""))
			known = 1, stored->has_systemd = !piece_is(value, "null");
	}
	if (!paths.at || !known)
		return 0;
	for (const char *at = paths.at; piece_next_string(&at, &controller, &path);) {
		char *text = plain_text(path);
		if (!text || *text != '/' || stored->cgroup_count == STORED_CGROUPS_MAX)
			return 0;
		stored->cgroups[stored->cgroup_count++] = text;
		if (is_v2)
			stored->is_frozen |= is_frozen(text, "cgroup.freeze", "1", "1");
		else if (piece_is(controller, "\"freezer\""))
			stored->is_frozen |= is_frozen(text, "freezer.state", "FROZEN", "FREEZING");
	}
	return 1;
}

/* proc_pid_stat(5): a process of that number and start time which is not dead. */
static int is_alive(int pid, struct piece start)
{
	char path[32], text[1024], state;
	unsigned long long started;
	char quoted[32];

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	const char *fields = strrchr(text, ')');
	if (!fields || sscanf(fields + 1, " %c", &state) != 1 || state == 'Z' || state == 'X')
		return 0;
	if (sscanf(fields + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &started) != 1)
		return 0;
	snprintf(quoted, sizeof quoted, "\"%llu\"", started);
	return piece_is(start, quoted);
}

static int read_all(int directory, struct stored *stored)
{
	struct stat status;
	int fd = openat(directory, "state.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && status.st_size > 0 && status.st_size < STATE_MAX)
		stored->text = calloc(1, (size_t)status.st_size + 1);
	ssize_t length = stored->text ? read(fd, stored->text, (size_t)status.st_size) : -1;
	close(fd);
	if (length != status.st_size || strlen(stored->text) != (size_t)length)
		return 0;
	stored->length = (size_t)length;
	return 1;
}

int stored_read(int directory, struct stored *stored)
{
	struct piece key, value, pid = { "", 0 }, start = { "", 0 }, cgroup = { "", 0 };
	struct piece start_hooks = { "", 0 }, poststart = { "", 0 }, poststop = { "", 0 };
	const struct { const char *name; struct piece *piece; } members[] = {
		{ "\"ociVersion\"", &stored->version }, { "\"id\"", &stored->id }, { "\"pid\"", &pid }, { "\"pidStart\"", &start },
		{ "\"status\"", &stored->status }, { "\"bundle\"", &stored->bundle }, { "\"rootfs\"", &stored->rootfs },
		{ "\"created\"", &stored->created }, { "\"annotations\"", &stored->annotations }, { "\"startContainer\"", &start_hooks },
		{ "\"poststart\"", &poststart }, { "\"poststop\"", &poststop }, { "\"cgroup\"", &cgroup },
	};
	const size_t count = sizeof members / sizeof *members;
	const char *at;

	memset(stored, 0, sizeof *stored);
	if (!read_all(directory, stored))
		return 0;
	for (at = stored->text; next_member(&at, &key, &value);)
		for (size_t i = 0; i < count; i++)
			if (piece_is(key, members[i].name))
				*members[i].piece = value;
	if (strcmp(at, "}") != 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (members[i].piece->length == 0)
			return 0;
	stored->pid = atoi(pid.at);
	stored->has_start_hooks = !piece_is(start_hooks, "[]") || !piece_is(poststart, "[]");
	stored->has_poststop_hooks = !piece_is(poststop, "[]");
	stored->is_alive = stored->pid > 0 && is_alive(stored->pid, start);
	return read_cgroup(stored, cgroup);
}

int stored_write_status(int directory, const struct stored *stored, const char *status)
{
	const char *behind = stored->status.at + stored->status.length;
	int fd = openat(directory, "state.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return 0;
	int length = dprintf(fd, "%.*s\"%s\"%s", (int)(stored->status.at - stored->text), stored->text, status, behind);
	int is_written = length == (int)(stored->length - stored->status.length + strlen(status) + 2);
	close(fd);
	return is_written && renameat(directory, "state.json.new", directory, "state.json") == 0;
}
