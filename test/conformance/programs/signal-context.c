/* ucontext: a handler that changes registers and the mask; nested handlers; alternate stacks. */
#include "../check.h"
#include <ucontext.h>

static volatile int depth, deepest, calls;
static stack_t seen;
static int on_alt, flags_inside;
static char alt[65536];

static void change(int s, siginfo_t *si, void *c) {
  (void)s, (void)si;
  ucontext_t *uc = c;
  uc->uc_mcontext.gregs[REG_RAX] = 1234;
  sigaddset(&uc->uc_sigmask, SIGUSR2);
}
static void skip(int s, siginfo_t *si, void *c) {
  (void)s, (void)si;
  ((ucontext_t *)c)->uc_mcontext.gregs[REG_RIP] += 2;
}
static void nest(int s) {
  depth++;
  if (depth > deepest) deepest = depth;
  if (++calls < 5) raise(s);
  depth--;
}
static void stack(int s, siginfo_t *si, void *c) {
  (void)s, (void)si;
  char here;
  on_alt = &here >= alt && &here < alt + sizeof alt;
  sigaltstack(NULL, &seen);
  flags_inside = ((ucontext_t *)c)->uc_stack.ss_flags;
  stack_t other = {.ss_sp = alt, .ss_size = sizeof alt};
  int rc = sigaltstack(&other, NULL);
  printf("inside: on alternate %d, flags %d, saved flags %d, change %s\n", on_alt, seen.ss_flags, flags_inside, rc ? error_name(errno) : "ok");
}
static int order[20], n;
static void note(int s) { order[n++] = s; }
static void note_info(int s, siginfo_t *si, void *c) {
  (void)c;
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  printf("info: signo %s code %d errno %d pid %s uid %d value %d; blocked self %d usr2 %d\n", signal_name(s), si->si_code, si->si_errno,
         si->si_pid == getpid() ? "self" : si->si_pid == 0 ? "0" : "other", si->si_uid, si->si_code == SI_QUEUE ? si->si_value.sival_int : -1,
         sigismember(&now, s), sigismember(&now, SIGUSR2));
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = change, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
  printf("rax after handler %ld\n", r);
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  printf("usr2 blocked %d, usr1 blocked %d\n", sigismember(&now, SIGUSR2), sigismember(&now, SIGUSR1));
  sigemptyset(&now);
  sigprocmask(SIG_SETMASK, &now, NULL);
  sa.sa_sigaction = skip;
  sigaction(SIGILL, &sa, NULL);
  __asm__ volatile("ud2");
  printf("skipped ud2\n");
  struct sigaction na = {.sa_handler = nest, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &na, NULL);
  raise(SIGUSR1);
  printf("nodefer depth %d\n", deepest);
  depth = deepest = calls = 0;
  na.sa_flags = 0;
  sigaction(SIGUSR1, &na, NULL);
  raise(SIGUSR1);
  printf("defer depth %d\n", deepest);
  na.sa_flags = SA_RESETHAND;
  sigaction(SIGUSR1, &na, NULL);
  raise(SIGUSR1);
  sigaction(SIGUSR1, NULL, &na);
  printf("reset to default %d flags %x\n", na.sa_handler == SIG_DFL, na.sa_flags & ~0x04000000);

  stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt};
  T(sigaltstack(&ss, NULL));
  sa.sa_sigaction = stack;
  sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGUSR1, &sa, NULL);
  raise(SIGUSR1);
  sigaltstack(NULL, &seen);
  printf("outside: flags %d size %zu\n", seen.ss_flags, seen.ss_size);
  ss.ss_flags = (int)0x80000000;
  T(sigaltstack(&ss, NULL));
  raise(SIGUSR1);
  sigaltstack(NULL, &seen);
  printf("autodisarm outside: flags %x size %zu\n", seen.ss_flags, seen.ss_size);
  ss.ss_flags = 77;
  T(sigaltstack(&ss, NULL));
  ss.ss_flags = SS_ONSTACK;
  T(sigaltstack(&ss, NULL));
  ss.ss_flags = 0;
  ss.ss_size = 100;
  T(sigaltstack(&ss, NULL));
  ss.ss_flags = SS_DISABLE;
  T(sigaltstack(&ss, NULL));
  sigaltstack(NULL, &seen);
  printf("disabled: flags %d\n", seen.ss_flags);
  T(syscall(SYS_sigaltstack, 8, NULL));
  T(syscall(SYS_sigaltstack, NULL, 8));

  /* order of delivery */
  struct sigaction oa = {.sa_handler = note};
  int list[] = {SIGRTMIN + 2, SIGUSR2, SIGRTMIN, SIGTERM, SIGHUP, SIGRTMIN + 2, SIGRTMIN, SIGHUP, SIGCHLD};
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &old);
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) {
    sigaction(list[i], &oa, NULL);
    kill(getpid(), list[i]);
  }
  sigset_t pending;
  sigpending(&pending);
  for (int s = 1; s < 65; s++)
    if (sigismember(&pending, s) == 1) printf("pending %d\n", s);
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("order of handlers (last set up runs first):");
  for (int i = 0; i < n; i++) printf(" %d", order[i]);
  printf("\n");
  sa.sa_sigaction = note_info;
  sa.sa_flags = SA_SIGINFO;
  sigaddset(&sa.sa_mask, SIGUSR2);
  sigaction(SIGUSR1, &sa, NULL);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  union sigval v = {.sival_int = 4711};
  T(sigqueue(getpid(), SIGUSR1, v));
  T(sigqueue(getpid(), 0, v));
  T(sigqueue(getpid(), 65, v));
  T(sigqueue(1 << 22, SIGUSR1, v));
  siginfo_t si = {.si_code = SI_USER};
  T(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si));
  IN_CHILD("forged", T(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &si)); si.si_code = -1; T(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &si));
           si.si_code = SI_TKILL; T(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &si)); si.si_code = 1; T(syscall(SYS_rt_sigqueueinfo, getppid(), 0, &si)));
  si.si_code = -77;
  T(syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGUSR1, &si));
  T(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &si));
  T(syscall(SYS_rt_sigaction, SIGKILL, &sa, NULL, 8));
  T(syscall(SYS_rt_sigaction, SIGSTOP, NULL, NULL, 8));
  T(syscall(SYS_rt_sigaction, SIGKILL, NULL, &(char[64]){0}, 8));
  T(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
  T(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
  T(syscall(SYS_rt_sigaction, 1, NULL, NULL, 16));
  T(syscall(SYS_rt_sigaction, 1, 8, NULL, 8));
  T(syscall(SYS_rt_sigaction, 1, NULL, 8, 8));
  T(syscall(SYS_rt_sigprocmask, 9, &all, NULL, 8));
  T(syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
  T(syscall(SYS_rt_sigprocmask, 0, &all, NULL, 4));
  T(syscall(SYS_rt_sigprocmask, 0, 8, NULL, 8));
  T(syscall(SYS_rt_sigpending, &all, 9));
  T(syscall(SYS_rt_sigpending, &all, 4));
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  uint64_t raw;
  syscall(SYS_rt_sigprocmask, 0, NULL, &raw, 8);
  printf("full mask %lx\n", raw);
  return 0;
}
