#define _GNU_SOURCE
#include <cpuid.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "node.h"

#define FLAGS_MAX 16

/*
 * No code from strings: an attacker's text must not become a function. Young objects have 4 MB before they are collected:
 * with 1 MB (V8's own choice, and all that --optimize-for-size allows) each fork with its exec costs one or two collections;
 * old ones have 96 MB before anybody looks through them. Without --no-rehash-snapshot V8 makes a
 * new hash seed and hashes all strings of the snapshot anew: 2 ms, against a guest that would slow down nobody but its own sandbox.
 * The checksum of a snapshot that the build has tried would cost 2 ms more.
 * The pool's threads collect garbage and optimise; four are too many for that.
 */
const char *const confined_flags[] = {
	"--disallow-code-generation-from-strings", "--initial-old-space-size=96", "--min-semi-space-size=4", "--max-semi-space-size=8",
	"--no-rehash-snapshot", "--no-verify-snapshot-checksum", "--v8-pool-size=2", "--no-warnings", NULL,
};
const char *const cli_flags[] = { "--no-rehash-snapshot", "--v8-pool-size=1", "--no-warnings", NULL };

static uint64_t hash(uint64_t state, const void *bytes, size_t length)
{
	/* FNV-1a */
	for (size_t i = 0; i < length; i++)
		state = (state ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return state;
}

/* What V8's CpuFeatures looks at; EBX of leaf 1 names the CPU that this runs on just now. */
static uint64_t hash_cpu(uint64_t state)
{
	unsigned int a = 0, b = 0, c = 0, d = 0, low = 0, high = 0;

	if (__get_cpuid(1, &a, &b, &c, &d)) {
		unsigned int words[] = { a, c, d };
		state = hash(state, words, sizeof words);
		if (c & bit_OSXSAVE)
			__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		state = hash(state, &low, sizeof low);
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		unsigned int words[] = { a, b, c, d };
		state = hash(state, words, sizeof words);
	}
	return state;
}

void snapshot_key(const char *node, char key[SNAPSHOT_KEY_SIZE])
{
	struct stat file;

	key[0] = '\0';
	if (stat(node, &file) < 0)
		return;
	int64_t words[] = { file.st_size, (int64_t)file.st_ino, file.st_mtim.tv_sec, file.st_mtim.tv_nsec };
	uint64_t state = hash_cpu(hash(UINT64_C(0xcbf29ce484222325), words, sizeof words));
	snprintf(key, SNAPSHOT_KEY_SIZE, "%016llx", (unsigned long long)state);
}

_Noreturn void node_run(const struct program_files *files, const char *program, const char *const *flags, char **arguments, int count,
                        char **environment)
{
	char snapshot[PATH_MAX], bundle[PATH_MAX];
	const char **vector = calloc((size_t)count + FLAGS_MAX + 5, sizeof *vector);
	int length = 0;

	if (!vector)
		fail("no memory");
	vector[length++] = files->node;
	for (int i = 0; flags[i] && i < FLAGS_MAX; i++)
		vector[length++] = flags[i];
	snprintf(snapshot, sizeof snapshot, "%s/%s.%s.snapshot", files->bundles, program, files->snapshot_key);
	if (access(snapshot, R_OK) == 0) {
		vector[length++] = "--snapshot-blob";
		vector[length++] = snapshot;
	}
	/* With a snapshot this is only a name, which the program knows its directory by. */
	snprintf(bundle, sizeof bundle, "%s/%s.cjs", files->bundles, program);
	vector[length++] = bundle;
	memcpy(vector + length, arguments, (size_t)count * sizeof *vector);
	execve(files->node, (char **)vector, environment);
	fail("cannot run %s", files->node);
}
