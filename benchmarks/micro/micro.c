/*
 * What single operations of a program cost, as the program itself sees it. Prints one line
 * per row: NAME <tab> microseconds. Runs the same on the host and in a sandbox.
 *   micro [ROW...]      rows by name, all by default
 *   micro --exit        only exits: what the exec rows run
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static const char *self;
static char *buffer;
static int memory_fd = -1, root_fd = -1, write_fd = -1;

static void busy(double us)
{
	double end = now_us() + us;
	while (now_us() < end)
		;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* The median cost of a call that follows `us` of computing. */
static double gap(double us)
{
	static double samples[1500];
	int count = us > 500 ? 300 : 1500;
	for (int i = 0; i < count; i++) {
		busy(us);
		double start = now_us();
		getppid();
		samples[i] = now_us() - start;
	}
	qsort(samples, count, sizeof *samples, compare);
	return samples[count / 2];
}

/* Runs `body` for about 150 ms in batches and returns the median cost of one. */
static double repeat(void (*body)(void))
{
	double samples[64];
	int count = 0, batch = 1;
	for (;;) {
		double start = now_us();
		for (int i = 0; i < batch; i++)
			body();
		double cost = now_us() - start;
		if (cost > 2000 || batch > 1000000)
			break;
		batch *= 2;
	}
	double end = now_us() + 150000;
	while (count < 64 && (count < 5 || now_us() < end)) {
		double start = now_us();
		for (int i = 0; i < batch; i++)
			body();
		samples[count++] = (now_us() - start) / batch;
	}
	qsort(samples, count, sizeof *samples, compare);
	return samples[count / 2];
}

static void do_getppid(void) { getppid(); }
static void do_raw(void) { syscall(SYS_getpid); }
static void do_pread1(void) { if (pread(memory_fd, buffer, 1, 0) != 1) abort(); }
static void do_pwrite1(void) { if (pwrite(memory_fd, buffer, 1, 0) != 1) abort(); }
static void do_pread64k(void) { if (pread(memory_fd, buffer, 65536, 0) != 65536) abort(); }
static void do_pwrite64k(void) { if (pwrite(memory_fd, buffer, 65536, 0) != 65536) abort(); }
static void do_root_pread1(void) { if (pread(root_fd, buffer, 1, 0) != 1) abort(); }
static void do_root_pread64k(void) { if (pread(root_fd, buffer, 65536, 0) != 65536) abort(); }
static void do_root_pwrite1(void) { if (pwrite(write_fd, buffer, 1, 0) != 1) abort(); }
static void do_root_pwrite64k(void) { if (pwrite(write_fd, buffer, 65536, 0) != 65536) abort(); }
static void do_stat(void) { struct stat st; if (stat("/usr/bin/env", &st)) abort(); }
static void do_open(void) { int fd = open("/usr/bin/env", O_RDONLY); if (fd < 0) abort(); close(fd); }

static int pipe_fds[2];
static void do_pipe(void)
{
	if (write(pipe_fds[1], buffer, 1) != 1 || read(pipe_fds[0], buffer, 1) != 1)
		abort();
}

static int there[2], back[2];
static void do_ping(void)
{
	if (write(there[1], buffer, 1) != 1 || read(back[0], buffer, 1) != 1)
		abort();
}

static double ping_pong(void)
{
	if (pipe(there) || pipe(back))
		abort();
	pid_t child = fork();
	if (child == 0) {
		close(there[1]);
		while (read(there[0], buffer, 1) == 1)
			if (write(back[1], buffer, 1) != 1)
				break;
		_exit(0);
	}
	double cost = repeat(do_ping);
	close(there[1]);
	waitpid(child, NULL, 0);
	return cost;
}

static uint32_t turn;
static void futex(uint32_t *word, int op, uint32_t value) { syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0); }
static void hand_over(uint32_t mine, uint32_t other)
{
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == other)
		futex(&turn, FUTEX_WAIT, other);
	__atomic_store_n(&turn, other, __ATOMIC_RELEASE);
	futex(&turn, FUTEX_WAKE, 1);
	(void)mine;
}
static void *partner(void *unused)
{
	(void)unused;
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != 2)
		hand_over(1, 0);
	return NULL;
}
static void do_futex(void) { hand_over(0, 1); }
static double futex_pair(void)
{
	pthread_t thread;
	turn = 0;
	pthread_create(&thread, NULL, partner, NULL);
	double cost = repeat(do_futex);
	__atomic_store_n(&turn, 2, __ATOMIC_RELEASE);
	futex(&turn, FUTEX_WAKE, 1);
	pthread_detach(thread);
	return cost;
}

static void do_mmap(void)
{
	char *area = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		abort();
	for (int i = 0; i < 4; i++)
		area[i * 4096] = 1;
	munmap(area, 16384);
}

static double page_fault(void)
{
	size_t pages = 4096;
	char *area = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(area, pages * 4096, MADV_NOHUGEPAGE);
	double start = now_us();
	for (size_t i = 0; i < pages; i++)
		area[i * 4096] = 1;
	double cost = (now_us() - start) / pages;
	munmap(area, pages * 4096);
	return cost;
}

static void do_fork(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) != child)
		abort();
}

static const char *program;
static void do_exec(void)
{
	pid_t child = fork();
	if (child == 0) {
		char *arguments[] = { (char *)program, "--exit", NULL };
		execv(program, arguments);
		_exit(127);
	}
	int status;
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		abort();
}

static void *nothing(void *unused) { return unused; }
static void do_thread(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
		abort();
}

static volatile int signals;
static void on_signal(int signal) { (void)signal; signals++; }
static void do_signal(void) { kill(getpid(), SIGUSR1); }

static int wanted(int count, char **names, const char *name)
{
	if (count < 2)
		return 1;
	for (int i = 1; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return 1;
	return 0;
}

#define ROW(name, expression) \
	do { \
		if (wanted(count, names, name)) { \
			printf("%s\t%.3f\n", name, expression); \
			fflush(stdout); \
		} \
	} while (0)

static void prepare_files(void)
{
	mkdir("/tmp", 01777);
	memory_fd = open("/dev/shm/moat-micro", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write_fd = open("/tmp/moat-micro", O_RDWR | O_CREAT | O_TRUNC, 0600);
	root_fd = open("/bin/bash", O_RDONLY);
	if (memory_fd < 0 || write_fd < 0 || root_fd < 0) {
		perror("micro");
		exit(1);
	}
	unlink("/dev/shm/moat-micro");
	unlink("/tmp/moat-micro");
	buffer = aligned_alloc(4096, 65536);
	memset(buffer, 1, 65536);
	if (pwrite(memory_fd, buffer, 65536, 0) != 65536 || pwrite(write_fd, buffer, 65536, 0) != 65536)
		abort();
}

int main(int count, char **names)
{
	if (count == 2 && strcmp(names[1], "--exit") == 0)
		return 0;
	char path[4096], other[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 8);
	if (length < 0)
		strcpy(path, names[0]);
	else
		path[length] = 0;
	self = path;
	snprintf(other, sizeof other, "%s-static", path);
	prepare_files();
	signal(SIGUSR1, on_signal);
	if (pipe(pipe_fds))
		abort();

	ROW("getppid", repeat(do_getppid));
	ROW("raw getpid", repeat(do_raw));
	ROW("getppid after 20 us", gap(20));
	ROW("getppid after 100 us", gap(100));
	ROW("getppid after 1000 us", gap(1000));
	ROW("pread 1 B tmpfs", repeat(do_pread1));
	ROW("pwrite 1 B tmpfs", repeat(do_pwrite1));
	ROW("pread 64 KiB tmpfs", repeat(do_pread64k));
	ROW("pwrite 64 KiB tmpfs", repeat(do_pwrite64k));
	ROW("pread 1 B root", repeat(do_root_pread1));
	ROW("pread 64 KiB root", repeat(do_root_pread64k));
	ROW("pwrite 1 B root", repeat(do_root_pwrite1));
	ROW("pwrite 64 KiB root", repeat(do_root_pwrite64k));
	ROW("stat", repeat(do_stat));
	ROW("open+close", repeat(do_open));
	ROW("pipe in one process", repeat(do_pipe));
	ROW("pipe ping-pong", ping_pong());
	ROW("futex hand-over", futex_pair());
	ROW("mmap+touch+munmap", repeat(do_mmap));
	ROW("page fault", page_fault());
	ROW("fork+exit+wait", repeat(do_fork));
	program = other;
	ROW("fork+exec+wait static", repeat(do_exec));
	program = self;
	ROW("fork+exec+wait dynamic", repeat(do_exec));
	ROW("pthread create+join", repeat(do_thread));
	ROW("signal", repeat(do_signal));
	return 0;
}
