/* ptrace(2): registers and their sets, single steps, breakpoints, memory that the program may not write, signal masks and queues. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tracing.h"

static struct user_regs_struct regs_of(pid_t pid) {
  struct user_regs_struct regs;
  trace(PTRACE_GETREGS, pid, 0, &regs);
  return regs;
}
static int code_of_stop(pid_t pid, void **addr) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  trace(PTRACE_GETSIGINFO, pid, 0, &info);
  if (addr) *addr = info.si_addr;
  return info.si_code;
}

/* Code whose every instruction is known. */
__asm__(
    ".text\n.globl probe, probe_stop, probe_call, probe_end, probe_int3\n"
    "probe:\n mov $1, %eax\n mov $2, %ebx\n"
    "probe_stop:\n add %ebx, %eax\n"
    "probe_call:\n mov $39, %eax\n syscall\n"
    "probe_end:\n nop\n ret\n"
    "probe_int3:\n int3\n ret\n");
extern char probe[], probe_stop[], probe_call[], probe_end[], probe_int3[];

static void run_probe(void) { __asm__ volatile("call probe" : : : "rax", "rbx", "rcx", "r11", "memory"); }

static void breakpoints(void) {
  pid_t pid = start(run_probe);
  long word = 0, with_break;
  trace(PTRACE_PEEKTEXT, pid, probe_stop, &word);
  with_break = (word & ~0xffL) | 0xcc;
  show("poke text", trace(PTRACE_POKETEXT, pid, probe_stop, (void *)with_break));
  long seen = 0;
  trace(PTRACE_PEEKTEXT, pid, probe_stop, &seen);
  printf("seen %d\n", seen == with_break);
  show("poke nowhere", trace(PTRACE_POKETEXT, pid, (void *)8, 0));
  show("peek nowhere", trace(PTRACE_PEEKTEXT, pid, (void *)8, &seen));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("breakpoint", pid);
  struct user_regs_struct regs = regs_of(pid);
  printf("code %x rip behind %d rax %lld rbx %lld\n", code_of_stop(pid, 0), regs.rip == (uintptr_t)probe_stop + 1, regs.rax, regs.rbx);
  trace(PTRACE_POKETEXT, pid, probe_stop, (void *)word);
  regs.rip--;
  regs.rbx = 40;
  show("setregs", trace(PTRACE_SETREGS, pid, 0, &regs));
  void *addr;
  for (int i = 0; i < 4; i++) {
    show("step", trace(PTRACE_SINGLESTEP, pid, 0, 0));
    wait_for("step", pid);
    regs = regs_of(pid);
    int code = code_of_stop(pid, &addr);
    printf("at +%lld rax %lld trap flag %d code %d addr %d\n", (long long)(regs.rip - (uintptr_t)probe), i >= 2 ? 0 : regs.rax, !!(regs.eflags & 0x100), code,
           addr == (void *)regs.rip);
  }
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static void many_calls(void) {
  for (int i = 0; i < 50; i++) __asm__ volatile("call probe" : : : "rax", "rbx", "rcx", "r11", "memory");
  raise(SIGSTOP);
  __asm__ volatile("call probe" : : : "rax", "rbx", "rcx", "r11", "memory");
}

/* However often a call was made, its code is as it was compiled, and can be stepped through. */
static void hot_code(void) {
  pid_t pid = start(many_calls);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("after many calls", pid);
  unsigned char code[8];
  long word = 0;
  trace(PTRACE_PEEKTEXT, pid, probe_call, &word);
  memcpy(code, &word, 8);
  printf("code %02x %02x %02x %02x %02x %02x %02x %02x\n", code[0], code[1], code[2], code[3], code[4], code[5], code[6], code[7]);
  long rip = 0;
  int steps = 0, at_call = 0, behind_call = 0;
  while (steps++ < 100000 && rip != (long)probe_end) {
    trace(PTRACE_SINGLESTEP, pid, 0, 0);
    int status;
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) break;
    trace(PTRACE_PEEKUSER, pid, (void *)(8 * RIP), &rip);
    if (rip == (long)probe_call) at_call++;
    if (rip == (long)probe_call + 5) behind_call++;
  }
  printf("stepped through %d %d %d\n", at_call, behind_call, rip == (long)probe_end);
  trace(PTRACE_KILL, pid, 0, 0);
  wait_for("end", pid);
}

static void own_int3(void) {
  __asm__ volatile("call probe_int3");
  printf("went on\n");
}
static void traps_of_its_own(void) {
  pid_t pid = start(own_int3);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("int3", pid);
  printf("rip behind %d\n", regs_of(pid).rip == (uintptr_t)probe_int3 + 1);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static volatile int handled;
static void handler(int signal) { handled = signal; }
static void with_handler(void) {
  signal(SIGUSR1, handler);
  raise(SIGUSR1);
  printf("handled %d\n", handled == SIGUSR1);
}
static void step_into_handler(void) {
  pid_t pid = start(with_handler);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGUSR1", pid);
  trace(PTRACE_SINGLESTEP, pid, 0, (void *)SIGUSR1);
  wait_for("handler's first instruction", pid);
  struct user_regs_struct regs = regs_of(pid);
  printf("at handler %d rdi %d code %d flag %d\n", regs.rip == (uintptr_t)handler, regs.rdi == SIGUSR1, code_of_stop(pid, 0), !!(regs.eflags & 0x100));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static void with_fpu(void) {
  double a = 1.5, b = 0;
  __asm__ volatile(
      "movsd %1, %%xmm7\n"
      "mov $62, %%eax\n mov %2, %%edi\n mov $19, %%esi\n syscall\n"
      "movsd %%xmm7, %0\n"
      : "=m"(b) : "m"(a), "r"((int)getpid()) : "rax", "rdi", "rsi", "rcx", "r11", "xmm7", "memory");
  printf("xmm7 %g\n", b);
}
static void extended_state(void) {
  pid_t pid = start(with_fpu);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGSTOP", pid);
  struct user_fpregs_struct fp;
  double value;
  show("getfpregs", trace(PTRACE_GETFPREGS, pid, 0, &fp));
  memcpy(&value, &fp.xmm_space[7 * 4], 8);
  printf("xmm7 %g mxcsr %x cwd %x\n", value, fp.mxcsr, fp.cwd);
  value = 2.5;
  memcpy(&fp.xmm_space[7 * 4], &value, 8);
  show("setfpregs", trace(PTRACE_SETFPREGS, pid, 0, &fp));
  static unsigned char area[8192], again[8192];
  struct iovec vector = {area, sizeof area};
  show("xstate", trace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &vector));
  uint64_t mask, present;
  memcpy(&mask, area + 464, 8);
  memcpy(&present, area + 512, 8);
  memcpy(&value, area + 160 + 7 * 16, 8);
  printf("size enough %d sse known %d present within %d xmm7 %g\n", vector.iov_len >= 576, (mask & 3) == 3, (present & ~mask) == 0, value);
  value = 3.5;
  memcpy(area + 160 + 7 * 16, &value, 8);
  size_t size = vector.iov_len;
  show("set xstate", trace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &vector));
  vector.iov_base = again;
  vector.iov_len = sizeof again;
  trace(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &vector);
  printf("the same %d\n", vector.iov_len == size && memcmp(area, again, 416) == 0);
  vector.iov_len = 512;
  show("short get", trace(PTRACE_GETREGSET, pid, (void *)NT_PRFPREG, &vector));
  vector.iov_len = 100;
  show("odd length", trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector));
  vector.iov_len = 8;
  show("unknown set", trace(PTRACE_GETREGSET, pid, (void *)0x7777, &vector));
  area[24 + 3] = 0xff;
  vector.iov_base = area;
  vector.iov_len = size;
  show("bad mxcsr", trace(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &vector));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static void quiet(void) { raise(SIGSTOP); }
static void user_area(void) {
  pid_t pid = start(quiet);
  struct user_regs_struct regs = regs_of(pid), again;
  struct iovec vector = {&again, sizeof again};
  show("prstatus", trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &vector));
  printf("size %zu same %d\n", vector.iov_len, !memcmp(&regs, &again, sizeof regs));
  printf("cs %llx ss %llx orig %lld fs %d\n", regs.cs, regs.ss, regs.orig_rax, regs.fs_base != 0);
  long word = 0;
  trace(PTRACE_PEEKUSER, pid, (void *)(8 * RIP), &word);
  printf("rip %d\n", (unsigned long)word == regs.rip);
  show("odd offset", trace(PTRACE_PEEKUSER, pid, (void *)3, &word));
  show("beyond", trace(PTRACE_PEEKUSER, pid, (void *)sizeof(struct user), &word));
  show("debug register", trace(PTRACE_PEEKUSER, pid, (void *)offsetof(struct user, u_debugreg[7]), &word));
  printf("debug register %ld\n", word);
  show("bad fs", trace(PTRACE_POKEUSER, pid, (void *)(8 * FS_BASE), (void *)-1L));
  show("bad cs", trace(PTRACE_POKEUSER, pid, (void *)(8 * CS), 0));
  trace(PTRACE_POKEUSER, pid, (void *)(8 * EFLAGS), (void *)~0x100L);
  printf("flags %llx\n", regs_of(pid).eflags & 0x3f7fd5);
  trace(PTRACE_POKEUSER, pid, (void *)(8 * R12), (void *)0x123456789abcdef0);
  printf("r12 %llx\n", regs_of(pid).r12);
  trace(PTRACE_KILL, pid, 0, 0);
  wait_for("end", pid);
}

static volatile long watched;
static void write_watched(void) {
  for (volatile int i = 0; i < 100; i++) {}
  watched = 1;
  getppid();
  watched = 2;
  printf("watched %ld\n", watched);
}
static void watches(void) {
  pid_t pid = start(write_watched);
  void *dr0 = (void *)offsetof(struct user, u_debugreg[0]), *dr6 = (void *)offsetof(struct user, u_debugreg[6]), *dr7 = (void *)offsetof(struct user, u_debugreg[7]);
  show("address of the kernel", trace(PTRACE_POKEUSER, pid, dr0, (void *)-8L));
  show("dr0", trace(PTRACE_POKEUSER, pid, dr0, (void *)&watched));
  show("io", trace(PTRACE_POKEUSER, pid, dr7, (void *)0x20001));
  show("long execution", trace(PTRACE_POKEUSER, pid, dr7, (void *)0x40001));
  show("dr7", trace(PTRACE_POKEUSER, pid, dr7, (void *)0x90001));
  for (int i = 0; i < 2; i++) {
    trace(PTRACE_CONT, pid, 0, 0);
    wait_for("watch", pid);
    long value = 0, status = 0;
    trace(PTRACE_PEEKDATA, pid, (void *)&watched, &value);
    trace(PTRACE_PEEKUSER, pid, dr6, &status);
    printf("code %d value %ld hit %lx\n", code_of_stop(pid, 0), value, status & 0xf);
  }
  show("off", trace(PTRACE_POKEUSER, pid, dr7, 0));
  trace(PTRACE_POKEUSER, pid, dr0, (void *)probe_stop);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
  pid = start(run_probe);
  trace(PTRACE_POKEUSER, pid, dr0, (void *)probe_stop);
  trace(PTRACE_POKEUSER, pid, dr7, (void *)1);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("breakpoint", pid);
  printf("at it %d code %d\n", regs_of(pid).rip == (uintptr_t)probe_stop, code_of_stop(pid, 0));
  trace(PTRACE_POKEUSER, pid, dr7, 0);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static void blocked(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, 0);
  union sigval value = {.sival_int = 77};
  sigqueue(getpid(), SIGRTMIN, value);
  syscall(SYS_tgkill, getpid(), gettid(), SIGRTMIN + 1);
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
  raise(SIGSTOP);
  for (;;) pause();
}
static void signal_sets(void) {
  pid_t pid = start(blocked);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGSTOP", pid);
  uint64_t mask = 0;
  show("getsigmask", trace(PTRACE_GETSIGMASK, pid, (void *)8, &mask));
  printf("mask %lx\n", mask);
  show("wrong size", trace(PTRACE_GETSIGMASK, pid, (void *)4, &mask));
  siginfo_t infos[4];
  struct __ptrace_peeksiginfo_args args = {0, 0, 4};
  long count = trace(PTRACE_PEEKSIGINFO, pid, &args, infos);
  printf("own %ld:", count);
  for (long i = 0; i < count; i++) printf(" %d/%d", infos[i].si_signo, infos[i].si_code);
  args.flags = PTRACE_PEEKSIGINFO_SHARED;
  count = trace(PTRACE_PEEKSIGINFO, pid, &args, infos);
  printf("\nshared %ld: %d/%d value %d\n", count, infos[0].si_signo, infos[0].si_code, infos[0].si_value.sival_int);
  args.flags = 4;
  show("bad flags", trace(PTRACE_PEEKSIGINFO, pid, &args, infos));
  siginfo_t info;
  trace(PTRACE_GETSIGINFO, pid, 0, &info);
  info.si_code = 123;
  show("setsiginfo", trace(PTRACE_SETSIGINFO, pid, 0, &info));
  printf("code %d\n", code_of_stop(pid, 0));
  mask = 1ul << (SIGRTMIN - 1);
  show("setsigmask", trace(PTRACE_SETSIGMASK, pid, (void *)8, &mask));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("unblocked", pid);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("unblocked", pid);
  trace(PTRACE_KILL, pid, 0, 0);
  wait_for("end", pid);
}

static char *read_only;
static void show_read_only(void) { printf("the program sees %.4s\n", read_only); }
static void memory_of_others(void) {
  read_only = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *shared = mmap(0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  memcpy(read_only, "read", 4);
  mprotect(read_only, 4096, PROT_READ);
  pid_t pid = start(show_read_only);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  int fd = open(path, O_RDWR);
  printf("mem %ld\n", (long)pwrite(fd, "FORC", 4, (off_t)(uintptr_t)read_only));
  struct iovec mine = {"none", 4}, other = {read_only, 4};
  errno = 0;
  printf("process_vm_writev %ld", (long)process_vm_writev(pid, &mine, 1, &other, 1, 0));
  printf(" %s\n", strerror(errno));
  printf("across pages %ld\n", (long)pwrite(fd, "12345678", 8, (off_t)(uintptr_t)read_only + 4092));
  char text[9] = "";
  printf("read back %ld", (long)pread(fd, text, 8, (off_t)(uintptr_t)read_only + 4092));
  printf(" %s\n", text);
  errno = 0;
  printf("shared %ld", (long)pwrite(fd, "x", 1, (off_t)(uintptr_t)shared));
  printf(" %s\n", strerror(errno));
  close(fd);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
  fd = open("/proc/self/mem", O_RDWR);
  printf("own %ld", (long)pwrite(fd, "self", 4, (off_t)(uintptr_t)read_only));
  printf(" %.4s\n", read_only);
  close(fd);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  alarm(50);
  breakpoints();
  hot_code();
  traps_of_its_own();
  step_into_handler();
  extended_state();
  user_area();
  watches();
  signal_sets();
  memory_of_others();
  return 0;
}
