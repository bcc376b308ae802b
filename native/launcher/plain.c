#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fail.h"
#include "plain.h"

int plain_open(const char *bundles, int count, char **arguments, int *command)
{
	char path[PATH_MAX];
	int at = 1;

	if (count < 2 || strcmp(arguments[0], "do") != 0)
		return -1;
	if (strcmp(arguments[at], "--") == 0)
		at++;
	if (at == count || arguments[at][0] == '-' || arguments[at][0] == '\0')
		return -1;
	errno = 0;
	if (getpriority(PRIO_PROCESS, 0) != 0 || errno != 0)
		return -1;
	*command = at;
	snprintf(path, sizeof path, "%s/do.request", bundles);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A byte is the character of its number, as in runtime/sandbox/request-records.ts. */
static void put_text(FILE *out, const char *text, size_t length)
{
	putc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			fprintf(out, "\\u%04x", byte);
		else
			putc(byte, out);
	}
	putc('"', out);
}

static void put_string(FILE *out, const char *text)
{
	put_text(out, text, strlen(text));
}

/* The file's first bytes, ended by a NUL; "" when it cannot be read. */
static const char *head_of(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[length < 0 ? 0 : length] = '\0';
	return buffer;
}

static void put_arguments(FILE *out, char **arguments)
{
	for (int i = 0; arguments[i]; i++) {
		putc(i ? ',' : '[', out);
		put_string(out, arguments[i]);
	}
	putc(']', out);
}

static void put_environment(FILE *out)
{
	static const char *const names[] = { "PATH", "HOME", "TERM", "LANG" };
	char separator = '[';

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *variable, *value = getenv(names[i]);
		if (!value)
			continue;
		if (asprintf(&variable, "%s=%s", names[i], value) < 0)
			fail("no memory for the request");
		putc(separator, out);
		put_string(out, variable);
		free(variable);
		separator = ',';
	}
	fputs(separator == '[' ? "[]" : "]", out);
}

/* The effective group is among them, as in Node's process.getgroups(). */
static void put_groups(FILE *out)
{
	static gid_t groups[65536];
	int count = getgroups(65536, groups);
	gid_t own = getegid();
	int has_own = 0;

	putc('[', out);
	for (int i = 0; i < count; i++) {
		fprintf(out, i ? ",%u" : "%u", groups[i]);
		has_own |= groups[i] == own;
	}
	if (!has_own)
		fprintf(out, count > 0 ? ",%u" : "%u", own);
	putc(']', out);
}

static void put_cpus(FILE *out)
{
	cpu_set_t *set = CPU_ALLOC(CPU_SETSIZE * 8);
	size_t size = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
	char separator = '[';

	if (!set || sched_getaffinity(0, size, set) < 0)
		fail("cannot see which CPUs there are");
	for (int cpu = 0; cpu < CPU_SETSIZE * 8; cpu++) {
		if (!CPU_ISSET_S(cpu, size, set))
			continue;
		fprintf(out, "%c%d", separator, cpu);
		separator = ',';
	}
	putc(']', out);
	CPU_FREE(set);
}

/* The first processor's block of /proc/cpuinfo, as cli/host-facts.ts reads it. */
static void put_cpuinfo(FILE *out)
{
	char buffer[8193];
	const char *text = head_of("/proc/cpuinfo", buffer, sizeof buffer);
	const char *end = strstr(text, "\n\n");

	put_text(out, text, end ? (size_t)(end - text) : strlen(text));
}

static unsigned long long memory_bytes(void)
{
	char buffer[1024];
	const char *total = strstr(head_of("/proc/meminfo", buffer, sizeof buffer), "MemTotal:");

	return total ? strtoull(total + strlen("MemTotal:"), NULL, 10) * 1024 : 0;
}

static void put_directory(FILE *out)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/cwd", path, sizeof path);

	if (length < 0)
		fail("cannot see the current directory");
	put_text(out, path, (size_t)length);
}

static void put_umask(FILE *out)
{
	mode_t mask = umask(0);

	umask(mask);
	fprintf(out, "%u", mask);
}

struct facts {
	char **command;
	const char *owner_map;
	struct utsname names;
};

/* What stands in the gap "@name". */
static void fill_gap(FILE *out, const char *name, size_t length, const struct facts *facts)
{
#define IS(text) (length == sizeof text - 1 && memcmp(name, text, sizeof text - 1) == 0)
	if (IS("argv"))
		put_arguments(out, facts->command);
	else if (IS("env"))
		put_environment(out);
	else if (IS("cwd"))
		put_directory(out);
	else if (IS("uid"))
		fprintf(out, "%u", getuid());
	else if (IS("gid"))
		fprintf(out, "%u", getgid());
	else if (IS("groups"))
		put_groups(out);
	else if (IS("hostname"))
		put_string(out, facts->names.nodename);
	else if (IS("umask"))
		put_umask(out);
	else if (IS("terminal"))
		fputs(isatty(STDIN_FILENO) ? "true" : "false", out);
	else if (IS("cpuinfo"))
		put_cpuinfo(out);
	else if (IS("cpus"))
		put_cpus(out);
	else if (IS("memTotalBytes"))
		fprintf(out, "%llu", memory_bytes());
	else if (IS("kernelRelease"))
		put_string(out, facts->names.release);
	else if (IS("kernelVersion"))
		put_string(out, facts->names.version);
	else if (IS("ownerMap"))
		fputs(geteuid() == 0 ? "null" : facts->owner_map, out);
	else
		fail_plain("the prepared request has a gap that nobody fills: %.*s", (int)length, name);
#undef IS
}

void plain_fill(struct request *request, int fd, char **command)
{
	static const char owner_map[] = "owner-map=", gap[] = "\"@";
	struct stat file;
	struct facts facts = { .command = command };
	FILE *out = open_memstream(&request->bytes, &request->length);
	char *prepared = fstat(fd, &file) == 0 ? malloc((size_t)file.st_size + 1) : NULL;

	if (!out || !prepared || read(fd, prepared, (size_t)file.st_size) != file.st_size || uname(&facts.names) < 0)
		fail("cannot read the prepared request");
	close(fd);
	const char *end = prepared + file.st_size;
	prepared[file.st_size] = '\0';
	facts.owner_map = prepared + strlen(owner_map);
	const char *at = prepared + strlen(prepared) + 1;
	while (at < end) {
		const char *found = memmem(at, (size_t)(end - at), gap, strlen(gap));
		const char *stop = found ? found : end;
		fwrite(at, 1, (size_t)(stop - at), out);
		if (!found)
			break;
		const char *name = found + strlen(gap);
		const char *quote = strchr(name, '"');
		if (!quote)
			fail_plain("the prepared request is damaged");
		fill_gap(out, name, (size_t)(quote - name), &facts);
		at = quote + 1;
	}
	if (fclose(out) != 0)
		fail("no memory for the request");
	free(prepared);
}
