#include <stddef.h>
#include <string.h>

#include "title.h"

static char *area;
static size_t length;

void title_prepare(int count, char **arguments)
{
	char *end = arguments[0];

	/* The kernel lays them out one behind the other (execve(2)); /proc/PID/cmdline shows all of that. */
	for (int i = 0; i < count && arguments[i] == end; i++)
		end += strlen(end) + 1;
	area = arguments[0];
	length = (size_t)(end - area);
}

void title_set(const char *text)
{
	size_t used = strlen(text);

	if (length == 0)
		return;
	if (used > length - 1)
		used = length - 1;
	memcpy(area, text, used);
	memset(area + used, 0, length - used);
}
