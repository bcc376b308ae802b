/* clone and clone3: which flag words are refused, what is shared. */
#include "../check.h"
#include <linux/sched.h>
#include <sys/syscall.h>

static int value;
static pid_t ptid, ctid;
static char stack[65536] __attribute__((aligned(16)));
static int child(void *a) {
  value = (int)(long)a;
  close(9);
  umask(0);
  if (chdir("/")) return 1;
  signal(SIGUSR1, SIG_IGN);
  return 21;
}
static int third(struct clone_args *a, size_t size) {
  long r = syscall(SYS_clone3, a, size);
  if (r == 0) _exit(31);
  return (int)r;
}
#define REFUSED(flags) \
  do { \
    long r_ = syscall(SYS_clone, (flags), 0, &ptid, &ctid, 0); \
    if (r_ == 0) _exit(0); \
    int e_ = errno; \
    if (r_ > 0) waitpid(r_, NULL, __WALL); \
    printf("%s: %s\n", #flags, r_ > 0 ? "allowed" : error_name(e_)); \
  } while (0)

int main(void) {
  int st, pidfd = -1;
  signal(64, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
  REFUSED(SIGCHLD);
  REFUSED(CLONE_SIGHAND | SIGCHLD);
  REFUSED(CLONE_THREAD | SIGCHLD);
  REFUSED(CLONE_THREAD | CLONE_SIGHAND | SIGCHLD);
  REFUSED(CLONE_FS | CLONE_NEWNS | SIGCHLD);
  REFUSED(CLONE_NEWUSER | CLONE_FS | SIGCHLD);
  REFUSED(CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM);
  REFUSED(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD);
  REFUSED(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD);
  REFUSED(0);
  REFUSED(64);
  REFUSED(70);
  REFUSED(CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD);
  for (int shared = 0; shared < 2; shared++) {
    int flags = shared ? CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND : 0;
    value = 0;
    umask(022);
    if (chdir("/tmp")) return 1;
    dup2(1, 9);
    signal(SIGUSR1, SIG_DFL);
    pid_t p = clone(child, stack + sizeof stack, flags | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, (void *)33L, &ptid, NULL, &ctid);
    IS(ptid == p);
    waitpid(p, &st, 0);
    say_status("clone", st);
    char cwd[100];
    struct sigaction sa;
    sigaction(SIGUSR1, NULL, &sa);
    printf("shared %d: value %d fd %s umask %o cwd %s handler %s ctid %d\n", shared, value, fcntl(9, F_GETFD) < 0 ? "closed" : "open", umask(022),
           getcwd(cwd, sizeof cwd), sa.sa_handler == SIG_IGN ? "ignored" : "default", ctid);
  }
  pid_t p = clone(child, stack + sizeof stack, CLONE_VM, (void *)1L);
  T(waitpid(p, &st, WNOHANG));
  T(waitpid(p, &st, __WCLONE) == p);
  p = clone(child, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGUSR2, (void *)44L);
  printf("value %d\n", value);
  T(waitpid(p, &st, __WALL) == p);
  struct clone_args a = {.exit_signal = SIGCHLD};
  p = third(&a, sizeof a);
  T(waitpid(p, &st, 0) == p);
  say_status("clone3", st);
  T(third(&a, 8));
  T(third(&a, 63));
  T(third(NULL, 88));
  T(third(&a, 100000));
  a.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
  T(third(&a, sizeof a));
  a.flags = CLONE_DETACHED;
  T(third(&a, sizeof a));
  a.flags = 0;
  a.exit_signal = 65;
  T(third(&a, sizeof a));
  a.exit_signal = SIGCHLD;
  a.stack = 4096;
  T(third(&a, sizeof a));
  a.stack = 0;
  a.stack_size = 4096;
  T(third(&a, sizeof a));
  a.stack_size = 0;
  a.set_tid_size = 1;
  T(third(&a, sizeof a));
  a.set_tid_size = 0;
  a.flags = CLONE_PIDFD;
  a.pidfd = (uint64_t)&pidfd;
  p = third(&a, sizeof a);
  IS(pidfd > 0);
  printf("cloexec %d\n", fcntl(pidfd, F_GETFD));
  siginfo_t si;
  T(waitid(P_PIDFD, pidfd, &si, WEXITED));
  printf("status %d\n", si.si_status);
  T(waitid(P_PIDFD, pidfd, &si, WEXITED));
  T(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
  T(syscall(SYS_pidfd_open, p, 0));
  OK(syscall(SYS_pidfd_open, getpid(), 0));
  T(syscall(SYS_pidfd_open, 0, 0));
  T(syscall(SYS_pidfd_open, getpid(), 1));
  signal(SIGUSR1, (void (*)(int))child);
  signal(SIGUSR2, SIG_IGN);
  a.flags = CLONE_CLEAR_SIGHAND;
  long r = syscall(SYS_clone3, &a, sizeof a);
  if (r == 0) {
    struct sigaction x, y;
    sigaction(SIGUSR1, NULL, &x);
    sigaction(SIGUSR2, NULL, &y);
    _exit((x.sa_handler == SIG_DFL) * 2 + (y.sa_handler == SIG_IGN));
  }
  waitpid(r, &st, 0);
  say_status("clear sighand", st);
  a.flags = CLONE_PARENT;
  IN_CHILD("clone parent", long q = syscall(SYS_clone3, &(struct clone_args){.flags = CLONE_PARENT}, 88); if (q == 0) _exit(50); T(waitpid(q, NULL, 0)));
  T(wait(&st) > 0);
  say_status("sibling", st);
  T(unshare(0x1));
  T(unshare(CLONE_SIGHAND | CLONE_VM));
  T(unshare(CLONE_FS | CLONE_FILES));
  return 0;
}
