/* What debuggers decide by whether an area's contents can be had from its file: Anonymous and VmFlags of /proc/self/smaps. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static int has_flag(const char *line, const char *flag)
{
	char padded[700];
	snprintf(padded, sizeof padded, "%s ", line);
	char word[8];
	snprintf(word, sizeof word, " %s ", flag);
	return strstr(padded, word) != NULL;
}

/* Prints of the area at `addr`, or of the one named `name`: anonymous pages, and some of its flags. */
static void show(const char *what, const void *addr, const char *name)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[600];
	int is_it = 0;
	while (fgets(line, sizeof line, file) != NULL) {
		unsigned long start, end;
		line[strcspn(line, "\n")] = 0;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && strchr(line, ':') != NULL)
			is_it = addr != NULL ? start <= (unsigned long)addr && (unsigned long)addr < end : strstr(line, name) != NULL;
		if (!is_it)
			continue;
		if (strncmp(line, "Anonymous:", 10) == 0)
			printf("%s: %s anonymous, ", what, atoi(line + 10) > 0 ? "has" : "not");
		if (strncmp(line, "VmFlags:", 8) == 0) {
			static const char *const flags[] = {"rd", "wr", "ex", "sh", "mr", "mw", "me", "ac", "nr", "dd", "io"};
			for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++)
				if (has_flag(line, flags[i]))
					printf(" %s", flags[i]);
			putchar('\n');
			break;
		}
	}
	fclose(file);
}

static int data = 5;

int main(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, 4 * PAGE) != 0)
		return 1;
	char *read_only = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	printf("%d\n", read_only[0]);
	show("read-only", read_only, NULL);
	char *written = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	written[0] = 1;
	show("written", written, NULL);
	mprotect(written, PAGE, PROT_READ);
	show("no longer writable", written, NULL);
	char *later = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	mprotect(later, PAGE, PROT_READ | PROT_WRITE);
	later[0] = 1;
	mprotect(later, PAGE, PROT_NONE);
	show("none", later, NULL);
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	shared[0] = 1;
	show("shared", shared, NULL);
	char *no_reserve = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 3 * PAGE);
	no_reserve[0] = 1;
	show("no reserve", no_reserve, NULL);
	data = 6;
	show("data", &data, NULL);
	show("text", (const void *)main, NULL);
	show("vdso", NULL, "[vdso]");
	show("vvar", NULL, "[vvar]");
	/* Two areas that are alike now but were not before stay two. */
	char *pair = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	mprotect(pair, PAGE, PROT_READ | PROT_WRITE);
	pair[0] = 1;
	mprotect(pair, PAGE, PROT_READ);
	show("first", pair, NULL);
	show("second", pair + PAGE, NULL);
	return 0;
}
