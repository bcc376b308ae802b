/* ptrace(2): system call stops and what a tracer changes there, events of fork, vfork, clone, exec and exit, threads, seccomp. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tracing.h"

static long event_message(pid_t pid) {
  unsigned long message = 0;
  trace(PTRACE_GETEVENTMSG, pid, 0, &message);
  return (long)message;
}

static void call_some(void) {
  syscall(SYS_getppid, 1, 2, 3, 4, 5, 6);
  syscall(9999, 7);
  _exit((int)syscall(SYS_dup, 1000, 2, 3, 4, 5, 6));
}

static void show_call(pid_t pid) {
  struct ptrace_syscall_info info;
  memset(&info, 0xff, sizeof info);
  long size = trace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
  struct user_regs_struct regs;
  trace(PTRACE_GETREGS, pid, 0, &regs);
  printf("size %ld op %d arch %x rip %d ", size, info.op, info.arch, info.instruction_pointer == regs.rip && info.stack_pointer == regs.rsp);
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
    printf("nr %lld (%lld %lld %lld) rax %lld orig %lld\n", info.entry.nr, info.entry.args[0], info.entry.args[1], info.entry.args[5], regs.rax, regs.orig_rax);
  else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
    printf("value %s error %d rax %d orig %lld rcx %d\n", info.exit.rval < 0 ? strerror((int)-info.exit.rval) : "ok", info.exit.is_error, regs.rax == (unsigned long long)info.exit.rval, regs.orig_rax, regs.rcx == regs.rip);
  else printf("\n");
}

static void system_calls(void) {
  pid_t pid = start(call_some);
  show("options", trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD));
  show_call(pid);
  for (;;) {
    trace(PTRACE_SYSCALL, pid, 0, 0);
    int status = wait_for("call", pid);
    if (!WIFSTOPPED(status)) break;
    printf("message %ld ", event_message(pid));
    show_call(pid);
  }
}

static void without_sysgood(void) {
  pid_t pid = start(call_some);
  trace(PTRACE_SYSCALL, pid, 0, 0);
  wait_for("entry", pid);
  siginfo_t info;
  trace(PTRACE_GETSIGINFO, pid, 0, &info);
  printf("siginfo %d %x\n", info.si_signo, info.si_code);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("no exit stop after cont", pid);
}

static void reads(void) {
  char text[32] = "";
  int fds[2];
  if (pipe(fds) || write(fds[1], "hello", 5) != 5) _exit(1);
  long n = read(fds[0], text, sizeof text);
  printf("read %ld %s\n", n, text);
  errno = 0;
  n = syscall(SYS_getuid);
  printf("getuid %ld %s\n", n, errno ? strerror(errno) : "");
  n = syscall(SYS_getpgid, 0);
  printf("getpgid made to dup %ld %s\n", n, strerror(errno));
  fflush(stdout);
}

/* The tracer sees what a read has brought, changes results, skips and replaces calls. */
static void change_calls(void) {
  pid_t pid = start(reads);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD);
  for (;;) {
    int status;
    trace(PTRACE_SYSCALL, pid, 0, 0);
    waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status)) break;
    struct user_regs_struct regs;
    trace(PTRACE_GETREGS, pid, 0, &regs);
    int is_entry = event_message(pid) == PTRACE_EVENTMSG_SYSCALL_ENTRY;
    if (regs.orig_rax == SYS_read && !is_entry && regs.rax == 5) {
      long word = 0;
      trace(PTRACE_PEEKDATA, pid, (void *)regs.rsi, &word);
      printf("tracer sees %.5s\n", (char *)&word);
      memcpy(&word, "HE", 2);
      trace(PTRACE_POKEDATA, pid, (void *)regs.rsi, (void *)word);
      regs.rax = 3;
      trace(PTRACE_SETREGS, pid, 0, &regs);
    } else if (regs.orig_rax == SYS_getuid && is_entry) {
      trace(PTRACE_POKEUSR, pid, (void *)(8 * ORIG_RAX), (void *)-1L);
      trace(PTRACE_POKEUSR, pid, (void *)(8 * RAX), (void *)(long)-EXDEV);
    } else if (regs.orig_rax == SYS_getpgid && is_entry) {
      trace(PTRACE_POKEUSR, pid, (void *)(8 * ORIG_RAX), (void *)(long)SYS_dup);
      trace(PTRACE_POKEUSR, pid, (void *)(8 * RDI), (void *)777L);
    }
  }
}

static void emulated(void) {
  long a = syscall(SYS_getpid), b = syscall(SYS_getpid);
  _exit((int)(a + b));
}

static void emulate_calls(void) {
  pid_t pid = start(emulated);
  for (int i = 0; i < 2; i++) {
    show("sysemu", trace(31, pid, 0, 0));
    wait_for("sysemu", pid);
    printf("orig %ld\n", ({ long w = 0; trace(PTRACE_PEEKUSR, pid, (void *)(8 * ORIG_RAX), &w); w; }));
    trace(PTRACE_POKEUSR, pid, (void *)(8 * RAX), (void *)(20L + i));
  }
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("sysemu end", pid);
}

static void forks(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(3);
  waitpid(pid, 0, 0);
  pid = vfork();
  if (pid == 0) _exit(4);
  waitpid(pid, 0, 0);
  pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) _exit(5);
  waitpid(pid, 0, __WALL);
  _exit(6);
}

static void fork_events(int seized) {
  long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT;
  pid_t pid, child = 0;
  if (seized) {
    int go[2];
    char byte;
    if (pipe(go)) exit(1);
    pid = fork();
    if (pid == 0) {
      if (read(go[0], &byte, 1) == 1) forks();
      _exit(1);
    }
    show("seize", trace(PTRACE_SEIZE, pid, 0, (void *)options));
    if (write(go[1], "x", 1) != 1) exit(1);
    close(go[0]);
    close(go[1]);
  } else {
    pid = start(forks);
    trace(PTRACE_SETOPTIONS, pid, 0, (void *)options);
    trace(PTRACE_CONT, pid, 0, 0);
  }
  for (;;) {
    int status = wait_for("parent", pid);
    if (!WIFSTOPPED(status)) break;
    int event = status >> 16;
    if (event >= PTRACE_EVENT_FORK && event <= PTRACE_EVENT_CLONE) {
      child = (pid_t)event_message(pid);
      wait_for("child's first stop", child);
      trace(PTRACE_CONT, child, 0, 0);
      wait_for("child's exit event", child);
      printf("exit message %lx\n", event_message(child));
      trace(PTRACE_CONT, child, 0, 0);
      wait_for("child's end", child);
    }
    if (event == PTRACE_EVENT_EXIT) printf("exit message %lx\n", event_message(pid));
    if (event == PTRACE_EVENT_VFORK_DONE) printf("vfork done %d\n", event_message(pid) == child);
    trace(PTRACE_CONT, pid, 0, 0);
  }
}

static void execs(void) {
  char *argv[] = {"sh", "-c", "exit 7", 0};
  execv("/nonexistent", argv);
  execv("/bin/sh", argv);
}

static void exec_events(void) {
  pid_t pid = start(execs);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("exec's SIGTRAP", pid);
  siginfo_t info;
  trace(PTRACE_GETSIGINFO, pid, 0, &info);
  printf("code %d\n", info.si_code);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
  pid = start(execs);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)(PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("exec event", pid);
  printf("message %d\n", event_message(pid) == pid);
  trace(PTRACE_SYSCALL, pid, 0, 0);
  wait_for("exec's end", pid);
  show_call(pid);
  trace(PTRACE_KILL, pid, 0, 0);
  wait_for("end", pid);
}

static void *thread_of_exec(void *arg) {
  (void)arg;
  execs();
  return 0;
}
static void exec_in_thread(void) {
  pthread_t thread;
  pthread_create(&thread, 0, thread_of_exec, 0);
  pause();
}

static void thread_events(void) {
  pid_t pid = start(exec_in_thread);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)(PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("clone event", pid);
  pid_t thread = (pid_t)event_message(pid);
  wait_for("thread's first stop", thread);
  trace(PTRACE_CONT, pid, 0, 0);
  trace(PTRACE_CONT, thread, 0, 0);
  wait_for("exec as the leader", pid);
  printf("former id %d\n", event_message(pid) == thread);
  show("the thread's id is gone", trace(PTRACE_CONT, thread, 0, 0));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

static void *short_thread(void *arg) { return arg; }
static void with_thread(void) {
  pthread_t thread;
  pthread_create(&thread, 0, short_thread, 0);
  pthread_join(thread, 0);
  raise(SIGSTOP);
  _exit(8);
}
static void thread_ends(void) {
  pid_t pid = start(with_thread);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACECLONE);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("clone event", pid);
  pid_t thread = (pid_t)event_message(pid);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("thread's first stop", thread);
  trace(PTRACE_CONT, thread, 0, 0);
  wait_for("thread's end", thread);
  wait_for("process's stop", pid);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("process's end", pid);
}

static void filtered(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 42),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  long real = syscall(SYS_getppid);
  printf("let through %d\n", real > 0);
  errno = 0;
  real = syscall(SYS_getppid);
  printf("skipped %ld %s\n", real, strerror(errno));
  errno = 0;
  real = syscall(SYS_getppid);
  printf("made a forbidden one %ld %s\n", real, strerror(errno));
  fflush(stdout);
  raise(SIGSTOP);
  errno = 0;
  real = syscall(SYS_getppid);
  printf("without a tracer %ld %s\n", real, strerror(errno));
  fflush(stdout);
}

static void seccomp_events(void) {
  pid_t pid = start(filtered);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESECCOMP);
  for (int i = 0; i < 3; i++) {
    trace(PTRACE_CONT, pid, 0, 0);
    wait_for("seccomp event", pid);
    struct ptrace_syscall_info info = {0};
    trace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
    printf("message %ld op %d data %d\n", event_message(pid), info.op, info.seccomp.ret_data);
    if (i == 1) {
      trace(PTRACE_POKEUSR, pid, (void *)(8 * ORIG_RAX), (void *)-1L);
      trace(PTRACE_POKEUSR, pid, (void *)(8 * RAX), (void *)(long)-ENOTTY);
    }
    if (i == 2) trace(PTRACE_POKEUSR, pid, (void *)(8 * ORIG_RAX), (void *)(long)SYS_getpgrp);
  }
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("stop", pid);
  trace(PTRACE_DETACH, pid, 0, 0);
  wait_for("end", pid);
}

static void killed(void) { pause(); }
static void exit_by_signal(void) {
  pid_t pid = start(killed);
  trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACEEXIT);
  trace(PTRACE_CONT, pid, 0, 0);
  kill(pid, SIGTERM);
  wait_for("SIGTERM", pid);
  trace(PTRACE_CONT, pid, 0, (void *)SIGTERM);
  wait_for("exit event", pid);
  printf("message %lx\n", event_message(pid));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("end", pid);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  alarm(50);
  system_calls();
  without_sysgood();
  change_calls();
  emulate_calls();
  fork_events(0);
  fork_events(1);
  exec_events();
  thread_events();
  thread_ends();
  seccomp_events();
  exit_by_signal();
  return 0;
}
