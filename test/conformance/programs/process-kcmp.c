/* kcmp(2) on descriptors, and on what an epoll set watches; sizes that shmget(2) refuses. */
#include "../check.h"
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static long same(int type, unsigned long first, unsigned long second)
{
	long result = syscall(SYS_kcmp, getpid(), getpid(), type, first, second);
	/* Which of two is the greater is the kernel's secret. */
	return result > 0 ? 1 : result;
}

int main(void)
{
	int epoll = epoll_create1(0), ends[2], copy;
	struct epoll_event event = {.events = EPOLLIN};

	T(pipe(ends));
	copy = dup(ends[0]);
	T(same(KCMP_FILE, ends[0], copy));
	T(same(KCMP_FILE, ends[0], ends[1]));
	T(same(KCMP_FILE, ends[0], 99));
	T(same(KCMP_VM, 0, 0));
	T(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
	struct kcmp_epoll_slot slot = {.efd = epoll, .tfd = ends[0], .toff = 0};
	T(same(KCMP_EPOLL_TFD, ends[0], (unsigned long)&slot));
	T(same(KCMP_EPOLL_TFD, copy, (unsigned long)&slot));
	T(same(KCMP_EPOLL_TFD, ends[1], (unsigned long)&slot));
	slot.toff = 1;
	T(same(KCMP_EPOLL_TFD, ends[0], (unsigned long)&slot));
	slot.toff = 0;
	slot.tfd = copy;
	T(same(KCMP_EPOLL_TFD, ends[0], (unsigned long)&slot));
	slot.efd = ends[0];
	T(same(KCMP_EPOLL_TFD, ends[0], (unsigned long)&slot));
	slot.efd = 99;
	T(same(KCMP_EPOLL_TFD, ends[0], (unsigned long)&slot));
	T(same(KCMP_EPOLL_TFD, ends[0], 8));
	T(same(KCMP_EPOLL_TFD, 99, (unsigned long)&slot));
	T(same(99, 0, 0));
	/* Two that have nothing to undo have the same. */
	fflush(stdout);
	if (fork() == 0) _exit((int)syscall(SYS_kcmp, getpid(), getppid(), KCMP_SYSVSEM, 0, 0));
	int status;
	wait(&status);
	printf("undo lists: %d\n", WEXITSTATUS(status));

	T(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
	T(shmget(IPC_PRIVATE, ~0ul, IPC_CREAT | 0600));
	T(shmget(IPC_PRIVATE, 0ul - (1ul << 24), IPC_CREAT | 0600));
	return 0;
}
