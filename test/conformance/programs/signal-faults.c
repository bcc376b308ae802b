/* SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP: si_code, si_addr, and ending by default, ignored or blocked. */
#include "../check.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf back;
static siginfo_t last;
static unsigned long trapno, err, rip;
static void handler(int s, siginfo_t *si, void *context) {
  (void)s;
  ucontext_t *uc = context;
  last = *si;
  trapno = uc->uc_mcontext.gregs[REG_TRAPNO];
  err = uc->uc_mcontext.gregs[REG_ERR];
  rip = uc->uc_mcontext.gregs[REG_RIP];
  siglongjmp(back, 1);
}
#define FAULT(name, base, ...)                                                              \
  do {                                                                                      \
    memset(&last, 0, sizeof last);                                                          \
    if (sigsetjmp(back, 1) == 0) {                                                          \
      __VA_ARGS__;                                                                          \
      printf("%s: no fault\n", name);                                                       \
    } else                                                                                  \
      printf("%s: %s code %d addr %s%lx trap %lu err %lx\n", name, signal_name(last.si_signo), last.si_code, base ? "base+" : "", \
             (unsigned long)last.si_addr - (unsigned long)(base), trapno, err);             \
  } while (0)

static void divide(volatile int zero) { volatile int x = 1 / zero; (void)x; }
static int deep(int n) {
  volatile char room[4096];
  room[0] = n;
  return n == 0 ? 0 : deep(n + 1) + room[0];
}

int main(void) {
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &sa, NULL);
  stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&ss, NULL);
  char *ro = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *none = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  volatile char c;
  FAULT("null read", (char *)0, c = *(volatile char *)0);
  FAULT("null write", (char *)0, *(volatile char *)16 = 1);
  FAULT("read-only write", ro, *(volatile char *)(ro + 5) = 1);
  FAULT("none read", none, c = *(volatile char *)(none + 4097));
  FAULT("none write", none, *(volatile char *)(none + 7) = 1);
  FAULT("jump to data", ro, ((void (*)(void))ro)());
  FAULT("jump to null", (char *)0, ((void (*)(void))0)());
  FAULT("noncanonical", (char *)0, c = *(volatile char *)0x8000000000000000ul);
  FAULT("kernel address", (char *)0, c = *(volatile char *)0xffffffff80000000ul);
  FAULT("divide", (char *)last.si_addr, divide(0));
  IS(last.si_addr == (void *)rip);
  FAULT("ud2", (char *)last.si_addr, __asm__ volatile("ud2"));
  IS(last.si_addr == (void *)rip);
  FAULT("int3", (char *)last.si_addr, __asm__ volatile("int3"));
  printf("int3 addr %s\n", last.si_addr ? "set" : "null");
  FAULT("hlt", (char *)0, __asm__ volatile("hlt"));
  FAULT("int 0x99", (char *)0, __asm__ volatile("int $0x99"));
  munmap(ro, 4096);
  FAULT("unmapped", ro, c = *(volatile char *)(ro + 9));
  int fd = open("file", O_RDWR | O_CREAT, 0600);
  if (ftruncate(fd, 100)) return 1;
  char *f = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  FAULT("last page", f, c = f[4000]);
  FAULT("beyond the end", f, c = f[4096]);
  FAULT("beyond the end, write", f, f[8200] = 1);
  char *p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  FAULT("private beyond the end", p, p[4100] = 1);
  if (ftruncate(fd, 5000)) return 1;
  FAULT("grown", f, c = f[4999]; printf("grown: %d\n", c));
  if (ftruncate(fd, 0)) return 1;
  FAULT("cut", f, c = f[1]);
  struct rlimit rl = {1 << 20, 1 << 20};
  IN_CHILD("stack overflow", setrlimit(RLIMIT_STACK, &rl); FAULT("overflow", (char *)last.si_addr, printf("%d\n", deep(1))));
  (void)c;
  rl.rlim_cur = rl.rlim_max = 0;
  setrlimit(RLIMIT_CORE, &rl);
  sigset_t all;
  sigfillset(&all);
  IN_CHILD("default", signal(SIGSEGV, SIG_DFL); *(volatile char *)0 = 1);
  IN_CHILD("ignored", signal(SIGSEGV, SIG_IGN); *(volatile char *)0 = 1);
  IN_CHILD("blocked", sigprocmask(SIG_BLOCK, &all, NULL); *(volatile char *)0 = 1);
  IN_CHILD("ignored divide", signal(SIGFPE, SIG_IGN); divide(0));
  IN_CHILD("raised, ignored", signal(SIGSEGV, SIG_IGN); raise(SIGSEGV));
  IN_CHILD("illegal", signal(SIGILL, SIG_DFL); __asm__ volatile("ud2"));
  IN_CHILD("trap", signal(SIGTRAP, SIG_DFL); __asm__ volatile("int3"));
  IN_CHILD("abort", abort());
  IN_CHILD("bad stack pointer", signal(SIGSEGV, SIG_DFL); sa.sa_flags = SA_SIGINFO; sigaction(SIGUSR1, &sa, NULL); pid_t me = getpid();
           __asm__ volatile("mov $8, %%rsp\n mov $62, %%eax\n syscall\n ud2" ::"D"(me), "S"(10) : "memory"));
  IN_CHILD("overflow without altstack", sa.sa_flags = SA_SIGINFO; sigaction(SIGSEGV, &sa, NULL); rl.rlim_cur = rl.rlim_max = 1 << 20;
           setrlimit(RLIMIT_STACK, &rl); printf("%d\n", deep(1)));
  return 0;
}
