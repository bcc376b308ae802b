/* seccomp: strict mode, filter actions, order of precedence, inheritance, errors. */
#include "../check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <ucontext.h>

#define NR BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RET(v) BPF_STMT(BPF_RET | BPF_K, v)
#define WHEN(nr, v) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RET(v)

static int load(struct sock_filter *f, int n, unsigned flags) {
  struct sock_fprog p = {n, f};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p);
}
#define LOAD(flags, ...) ({ struct sock_filter f_[] = {__VA_ARGS__}; load(f_, sizeof f_ / sizeof *f_, flags); })
static void on_sys(int s, siginfo_t *si, void *c) {
  ucontext_t *uc = c;
  printf("%s code %d errno %d syscall %d arch %x rax %d\n", signal_name(s), si->si_code, si->si_errno, si->si_syscall, si->si_arch, (int)uc->uc_mcontext.gregs[REG_RAX]);
  uc->uc_mcontext.gregs[REG_RAX] = 4242;
}
static void *thread(void *a) {
  sleep_ms(30);
  errno = 0;
  printf("in a thread: %ld %s\n", syscall(SYS_getppid) > 0 ? 1l : -1l, error_name(errno));
  return a;
}

int main(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  T(prctl(PR_GET_SECCOMP));
  T(syscall(SYS_seccomp, 9, 0, NULL));
  T(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
  T(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
  unsigned action = SECCOMP_RET_ERRNO;
  T(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  action = 0x12345;
  T(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  IN_CHILD("no right", setresuid(7, 7, 7); T(LOAD(0, RET(SECCOMP_RET_ALLOW))); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); T(LOAD(0, RET(SECCOMP_RET_ALLOW))));
  T(LOAD(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 3), RET(0)));
  T(LOAD(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(0)));
  T(LOAD(0, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RET(0)));
  T(LOAD(0, NR));
  T(LOAD(0, BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0), RET(0)));
  T(LOAD(0x1000, RET(SECCOMP_RET_ALLOW)));
  T(load(NULL, 0, 0));
  T(load((void *)8, 3, 0));
  IN_CHILD("errno", T(LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), RET(SECCOMP_RET_ALLOW))); T(syscall(SYS_getppid)); T(prctl(PR_GET_SECCOMP));
           IN_CHILD("inherited", T(syscall(SYS_getppid)); execl("/bin/sh", "sh", "-c", "grep Seccomp: /proc/self/status", NULL)));
  IN_CHILD("errno 0 and too big", T(LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO), WHEN(SYS_getpgrp, SECCOMP_RET_ERRNO | 0xffff), RET(SECCOMP_RET_ALLOW))); T(syscall(SYS_getppid));
           errno = 0; long r = syscall(SYS_getpgrp); printf("%ld %d\n", r, errno));
  IN_CHILD("argument", LOAD(0, NR, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 0, 3), ARG(1), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 10, 0, 1), RET(SECCOMP_RET_ERRNO | 33), RET(SECCOMP_RET_ALLOW));
           T(kill(getpid(), 10)); T(kill(getpid(), 0)));
  IN_CHILD("trap", struct sigaction sa = {.sa_sigaction = on_sys, .sa_flags = SA_SIGINFO}; sigaction(SIGSYS, &sa, NULL);
           LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_TRAP | 7), RET(SECCOMP_RET_ALLOW)); T(syscall(SYS_getppid)));
  IN_CHILD("trap by default", LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_TRAP), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("trap blocked", sigset_t s; sigfillset(&s); sigprocmask(SIG_BLOCK, &s, NULL); LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_TRAP), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("kill process", LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_KILL_PROCESS), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("kill thread", LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_KILL_THREAD), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("kill a thread of two", pthread_t t; LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_KILL_THREAD), RET(SECCOMP_RET_ALLOW)); pthread_create(&t, NULL, thread, NULL); sleep_ms(100); printf("the other lives\n"));
  IN_CHILD("unknown action", LOAD(0, NR, WHEN(SYS_getppid, 0x12340000), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("trace without tracer", LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_TRACE), RET(SECCOMP_RET_ALLOW)); T(syscall(SYS_getppid)));
  IN_CHILD("precedence", LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO | 5), RET(SECCOMP_RET_ALLOW)); LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO | 9), RET(SECCOMP_RET_ALLOW)); T(syscall(SYS_getppid));
           LOAD(0, RET(SECCOMP_RET_ALLOW)); T(syscall(SYS_getppid)); LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_KILL_PROCESS), RET(SECCOMP_RET_ALLOW)); syscall(SYS_getppid));
  IN_CHILD("unknown call", LOAD(0, NR, WHEN(999, SECCOMP_RET_ERRNO | 3), RET(SECCOMP_RET_ALLOW)); T(syscall(999)); T(syscall(998)));
  IN_CHILD("tsync", pthread_t t; pthread_create(&t, NULL, thread, NULL); T(LOAD(SECCOMP_FILTER_FLAG_TSYNC, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), RET(SECCOMP_RET_ALLOW))); pthread_join(t, NULL));
  IN_CHILD("no tsync", pthread_t t; pthread_create(&t, NULL, thread, NULL); sleep_ms(5); T(LOAD(0, NR, WHEN(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV), RET(SECCOMP_RET_ALLOW))); pthread_join(t, NULL));
  IN_CHILD("strict", write(1, "", 0); T(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); write(1, "alive\n", 6); syscall(SYS_exit, 5));
  IN_CHILD("strict violated", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT); syscall(SYS_getpid));
  IN_CHILD("strict, exit_group", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT); _exit(3));
  return 0;
}
