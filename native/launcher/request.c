#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "broker.h"
#include "channel.h"
#include "control.h"
#include "fail.h"
#include "request.h"
#include "trees.h"

int request_read(struct request *request, int fd)
{
	if (request->length == request->capacity) {
		request->capacity = request->capacity ? request->capacity * 2 : 16384;
		request->bytes = realloc(request->bytes, request->capacity);
		if (!request->bytes)
			fail("no memory for the request");
	}
	ssize_t got = read(fd, request->bytes + request->length, request->capacity - request->length);
	if (got < 0 && errno != EINTR && errno != EAGAIN)
		fail("cannot read the request");
	if (got > 0)
		request->length += (size_t)got;
	return got != 0;
}

void request_read_all(struct request *request, int fd)
{
	while (request_read(request, fd))
		;
	close(fd);
}

int request_exists(const struct request *request)
{
	return request->length > 0;
}

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
	if (fd < 0)
		fail("cannot write the log %s", path);
	return fd;
}

static int config_memfd(const char *json, size_t length)
{
	int fd = memfd_create("moat-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		fail("cannot make a memfd");
	for (size_t done = 0; done < length;) {
		ssize_t written = write(fd, json + done, length - done);
		if (written < 0)
			fail("cannot write the config");
		done += (size_t)written;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		fail("cannot seal the config");
	return fd;
}

/* The value of a record that starts with "key=", else NULL. */
static const char *value_of(const char *record, const char *key)
{
	size_t length = strlen(key);
	return strncmp(record, key, length) == 0 && record[length] == '=' ? record + length + 1 : NULL;
}

/* The end of the records; a CLI that died while it wrote has left none. */
static const char *records_end(const struct request *request)
{
	const char *end = request->bytes + request->length;

	if (end[-1] != '\0')
		fail_plain("the CLI died while asking for a sandbox");
	return end;
}

const char *request_value(const struct request *request, const char *key)
{
	if (!request_exists(request))
		return NULL;
	const char *end = records_end(request);
	for (const char *record = request->bytes; record < end; record += strlen(record) + 1) {
		const char *value = value_of(record, key);
		if (value)
			return value;
	}
	return NULL;
}

int request_config(const struct request *request)
{
	const char *json = request_value(request, "config");

	if (!json)
		fail_plain("the CLI's request has no config");
	return config_memfd(json, strlen(json));
}

/* Records that are not about the sandbox but about its monitor. */
static int is_monitors(const char *record)
{
	static const char *const keys[] = { "network", "sysctl", "control", "rootfs", "title", "console-socket", "console-size", "terminal", "detach", "join" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (value_of(record, keys[i]))
			return 1;
	return 0;
}

/* The trees of a START message: opened here, or, where this process may not mount, named for init. */
struct trees {
	int fds[MSG_FDS_MAX];
	int count;
	int are_named;
	char text[MSG_TEXT_MAX];
	size_t text_length;
	char listens[MSG_FDS_MAX];
};

static void add_tree(struct trees *trees, const char *spec)
{
	size_t length = strlen(spec) + 1;

	if (trees->count >= MSG_FDS_MAX)
		fail_plain("too many mounts (at most %d)", MSG_FDS_MAX);
	if (trees->count == 0 && (trees->fds[0] = trees_open(spec)) < 0)
		trees->are_named = 1;
	if (!trees->are_named) {
		if (trees->count > 0 && (trees->fds[trees->count] = trees_open(spec)) < 0)
			fail("cannot open the tree %s", spec);
	} else {
		if (trees->text_length + length > sizeof trees->text)
			fail_plain("too many mounts (at most %d bytes of paths)", MSG_TEXT_MAX);
		memcpy(trees->text + trees->text_length, spec, length);
		trees->text_length += length;
	}
	trees->listens[trees->count++] = trees_listens(spec);
}

void request_send(const struct request *request, int init_channel, const int *stdio, int stdio_count)
{
	static struct trees trees;
	struct message_header header = { .kind = MSG_START };
	int config = -1, debug_log = -1, strace_log = -1;
	const char *end = records_end(request);

	for (const char *record = request->bytes; record < end; record += strlen(record) + 1) {
		const char *value;
		if ((value = value_of(record, "tree"))) {
			add_tree(&trees, value);
		} else if ((value = value_of(record, "debug-log"))) {
			debug_log = open_log(value);
		} else if ((value = value_of(record, "strace-log"))) {
			strace_log = open_log(value);
		} else if ((value = value_of(record, "config"))) {
			config = config_memfd(value, strlen(value));
		} else if (!is_monitors(record)) {
			fail_plain("the CLI asked for something unknown");
		}
	}
	if (config < 0 || trees.count == 0)
		fail_plain("the CLI's request has no config or no tree");
	int tree_fds = trees.are_named ? 0 : trees.count;
	if (3 + stdio_count + tree_fds > MSG_FDS_MAX)
		fail_plain("too many mounts and files (at most %d)", MSG_FDS_MAX - 3);

	int fds[MSG_FDS_MAX] = { config };
	int count = 1;
	if (debug_log >= 0) {
		header.x |= START_DEBUG_LOG;
		fds[count++] = debug_log;
	}
	if (strace_log >= 0) {
		header.x |= START_STRACE_LOG;
		fds[count++] = strace_log;
	}
	const char *network = request_value(request, "network");
	if (network) {
		for (const char *record = request->bytes; record < end; record += strlen(record) + 1)
			if (value_of(record, "sysctl"))
				broker_add_sysctl(value_of(record, "sysctl"));
		header.x |= START_BROKER;
		fds[count++] = broker_start(strtoull(network, NULL, 16));
	}
	const char *join = request_value(request, "join");
	if (join) {
		header.x |= START_JOIN;
		fds[count] = control_connect(join);
		if (fds[count++] < 0)
			fail("cannot reach the container whose pid namespace is joined");
	}
	int opened = count;
	header.x |= stdio_count << START_STDIO_SHIFT;
	for (int i = 0; i < stdio_count; i++)
		fds[count++] = stdio[i];
	if (tree_fds)
		header.x |= START_TREES;
	for (int i = 0; i < tree_fds; i++)
		fds[count++] = trees.fds[i];
	header.y = trees.count;
	header.text_length = (uint32_t)(tree_fds ? trees.count : (int)trees.text_length);
	/* A peer that is gone shows in the monitor, with its reason. */
	channel_send_fds(init_channel, &header, tree_fds ? trees.listens : trees.text, fds, count);
	for (int i = 0; i < count; i++)
		if (i < opened || i >= opened + stdio_count)
			close(fds[i]);
}
