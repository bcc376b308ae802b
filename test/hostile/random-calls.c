/*
 * random-calls FIRST COUNT CALLS: for each seed a process, in a pid namespace of its own, makes CALLS random system calls
 * with arguments that are nearly right. Prints "done" when none of them took the kernel along.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 16, CALL_SECONDS = 2, SEED_SECONDS = 5, LAST_CALL = 472 };
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint64_t edges[] = {
	0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 64, 100, 127, 128, 255, 256, 4095, 4096, 4097, 65535, 65536,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
	-1ull, -2ull, -100ull, -4096ull, 0x7ffffffff000, 0x7fffffffefff, 0xffff800000000000,
};
static const char *const names[] = {
	"/tmp/f", "/tmp/d", "/tmp/d/x", "/tmp/link", "/tmp", ".", "/", "", "/nonexistent", "/etc/passwd",
	"/proc/self/maps", "/proc/self/mem", "/proc/self/fd/5", "/proc/self/ns/net", "/proc/self/task", "/proc/self/exe",
	"/dev/null", "/dev/zero", "/dev/ptmx", "/dev/tty", "/dev/shm/a", "/sys/class/net", "user.x", "tmpfs", "proc",
};
/* They end or suspend the caller by design, or reach processes that are not part of this. */
static const long left_out[] = {
	SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_reboot, SYS_kexec_load, SYS_vhangup,
	SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_kill,
};

static uint64_t state;
static char *memory;

/* xorshift64 */
static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t edge(void)
{
	return edges[next() % COUNT(edges)];
}

static uint64_t in_memory(unsigned offset)
{
	return (uint64_t)(memory + next() % (PAGES - 1) * PAGE + offset);
}

static uint64_t name(void)
{
	return (uint64_t)strcpy((char *)in_memory(0), names[next() % COUNT(names)]);
}

/* Lengths, numbers and pointers, as in structures and vectors. */
static uint64_t words(void)
{
	uint64_t *at = (uint64_t *)in_memory(512);
	for (int i = 0; i < 64; i++)
		at[i] = next() % 3 ? edge() : next() % 2 ? next() : in_memory(0);
	return (uint64_t)at;
}

static uint64_t halves(void)
{
	uint32_t *at = (uint32_t *)in_memory(2048);
	for (int i = 0; i < 64; i++)
		at[i] = next() % 3 ? edge() : next();
	return (uint64_t)at;
}

static uint64_t argument(void)
{
	switch (next() % 12) {
	case 0: case 1: return edge();
	case 2: case 3: return next() % 40;
	case 4: return 1ull << next() % 64;
	case 5: return 1ull << next() % 32 | 1ull << next() % 32 | 1ull << next() % 32;
	case 6: return next();
	case 7: return in_memory(next() % PAGE);
	case 8: return (uint64_t)(memory + PAGES * PAGE - next() % 64);
	case 9: return name();
	case 10: return words();
	default: return halves();
	}
}

static int is_left_out(long number)
{
	for (unsigned i = 0; i < COUNT(left_out); i++)
		if (left_out[i] == number)
			return 1;
	return 0;
}

static void limit(int resource, rlim_t value)
{
	setrlimit(resource, &(struct rlimit){ value, value });
}

/* Something of every kind to call upon; what cannot be opened is missing, no more. */
static void open_everything(void)
{
	int pair[2];
	sigset_t all;

	sigfillset(&all);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (pipe(pair) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	mkdir("/tmp/d", 0777);
	if (symlink("/tmp/f", "/tmp/link") == 0)
		open("/tmp/f", O_RDWR | O_CREAT, 0666);
	open("/tmp/d", O_RDONLY);
	open("/dev/ptmx", O_RDWR);
	open("/proc/self/maps", O_RDONLY);
	socket(AF_INET, SOCK_STREAM, 0);
	socket(AF_INET6, SOCK_DGRAM, 0);
	socket(AF_NETLINK, SOCK_RAW, 0);
	epoll_create1(0);
	eventfd(1, 0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	memfd_create("m", MFD_ALLOW_SEALING);
	inotify_init();
	signalfd(-1, &all, 0);
}

static void make_calls(uint64_t seed, int calls)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	limit(RLIMIT_AS, 512 << 20);
	limit(RLIMIT_FSIZE, 4 << 20);
	memory = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(memory + PAGES * PAGE, PAGE);
	open_everything();
	/* Some seeds look at one call closely. */
	long favourite = next() % 3 == 0 ? (long)(next() % LAST_CALL) : -1;
	for (int i = 0; i < calls; i++) {
		long number = favourite >= 0 && next() % 2 ? favourite : next() % 200 ? (long)(next() % LAST_CALL) : (long)argument();
		uint64_t a[6];
		for (int j = 0; j < 6; j++)
			a[j] = argument();
		if (is_left_out(number))
			continue;
		/* Not over this program itself. */
		if (number == SYS_mmap && a[0] < 0x7f0000000000)
			a[3] &= ~(uint64_t)(MAP_FIXED | MAP_FIXED_NOREPLACE);
		alarm(CALL_SECONDS);
		syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	_exit(0);
}

static _Noreturn void wait_and_exit(pid_t pid)
{
	waitpid(pid, NULL, 0);
	_exit(0);
}

/* The process that calls is not the first of its namespace, whom its own alarm would not end. */
static void run_seed(uint64_t seed, int calls)
{
	pid_t outer = fork();
	if (outer == 0) {
		setsid();
		if (unshare(CLONE_NEWPID) < 0)
			_exit(1);
		pid_t first = fork();
		if (first > 0)
			wait_and_exit(first);
		pid_t caller = fork();
		if (caller > 0)
			wait_and_exit(caller);
		make_calls(seed, calls);
	}
	for (int i = 0; i < SEED_SECONDS * 100; i++) {
		if (waitpid(outer, NULL, WNOHANG) == outer)
			return;
		usleep(10000);
	}
	kill(-outer, SIGKILL);
	waitpid(outer, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	uint64_t first = strtoull(argv[1], NULL, 0), count = strtoull(argv[2], NULL, 0);
	for (uint64_t seed = first; seed < first + count; seed++)
		run_seed(seed, atoi(argv[3]));
	puts("done");
	return 0;
}
