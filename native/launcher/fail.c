#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "fail.h"

static int report_fd = -1;
static void (*before_exit)(void);

void fail_over_channel(int fd)
{
	report_fd = fd;
	before_exit = NULL;
}

void fail_cleanup(void (*cleanup)(void))
{
	before_exit = cleanup;
}

void print_line(const char *text)
{
	char line[1024];
	size_t length = (size_t)snprintf(line, sizeof line, "moat: %s\n", text);

	if (length >= sizeof line)
		length = sizeof line - 1;
	for (size_t i = 0; i < length - 1; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[length - 1] = '\n';
	ssize_t written = write(STDERR_FILENO, line, length);
	(void)written;
}

static _Noreturn void give_up(const char *format, va_list arguments, int error)
{
	char text[768];
	size_t length = (size_t)vsnprintf(text, sizeof text, format, arguments);

	if (error && length + 2 < sizeof text) {
		snprintf(text + length, sizeof text - length, ": %s", strerror(error));
		/* Engines look for these words as Go writes them: "no such file or directory". */
		if (report_fd >= 0)
			text[length + 2] = (char)tolower((unsigned char)text[length + 2]);
	}
	if (before_exit)
		before_exit();
	if (report_fd < 0)
		print_line(text);
	else
		channel_send(report_fd, MSG_FATAL, 0, 0, text, strlen(text));
	_exit(EXIT_MOAT);
}

void fail(const char *format, ...)
{
	int error = errno;
	va_list arguments;
	va_start(arguments, format);
	give_up(format, arguments, error);
}

void fail_plain(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	give_up(format, arguments, 0);
}
