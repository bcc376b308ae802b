/* ptrace(2): stops by signals, injection, group stops, PTRACE_SEIZE with INTERRUPT and LISTEN, detach, the tracer's end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tracing.h"

static int tracer_of(pid_t pid) {
  char path[64], line[256];
  int tracer = -1;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "TracerPid: %d", &tracer);
  if (file) fclose(file);
  return tracer;
}

static void show_info(pid_t pid) {
  siginfo_t info;
  long result = trace(PTRACE_GETSIGINFO, pid, 0, &info);
  if (result < 0) show("siginfo", result);
  else printf("siginfo: signal %d code %x\n", info.si_signo, info.si_code);
}

static volatile sig_atomic_t seen;
static void on_signal(int signal) { seen = signal; }

static void traceme_and_signals(void) {
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    show("traceme", trace(PTRACE_TRACEME, 0, 0, 0));
    show("traceme again", trace(PTRACE_TRACEME, 0, 0, 0));
    fflush(stdout);
    raise(SIGSTOP);
    raise(SIGUSR1);
    printf("seen after SIGUSR1 dropped: %d\n", seen);
    raise(SIGUSR1);
    printf("seen after SIGUSR1 became SIGUSR2: %d\n", seen == SIGUSR2);
    raise(SIGCHLD);
    printf("ignored signals are seen by the tracer\n");
    fflush(stdout);
    raise(SIGTERM);
    _exit(9);
  }
  wait_for("first stop", pid);
  printf("state %c tracer %d\n", state_of(pid), tracer_of(pid) == getpid());
  show_info(pid);
  show("cont", trace(PTRACE_CONT, pid, 0, 0));
  wait_for("SIGUSR1", pid);
  show_info(pid);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGUSR1", pid);
  trace(PTRACE_CONT, pid, 0, (void *)SIGUSR2);
  wait_for("SIGCHLD", pid);
  show("bad signal", trace(PTRACE_CONT, pid, 0, (void *)200));
  show("unknown request", trace(12345, pid, 0, 0));
  show("bad options", trace(PTRACE_SETOPTIONS, pid, 0, (void *)0x10000));
  show("listen without seize", trace(PTRACE_LISTEN, pid, 0, 0));
  show("interrupt without seize", trace(PTRACE_INTERRUPT, pid, 0, 0));
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGTERM", pid);
  siginfo_t info;
  waitid(P_PID, pid, &info, WNOHANG | WEXITED | WSTOPPED);
  trace(PTRACE_CONT, pid, 0, (void *)SIGTERM);
  wait_for("end", pid);
}

static void waitid_and_sigchld(void) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, 0);
  pid_t pid = fork();
  if (pid == 0) {
    trace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    raise(SIGWINCH);
    _exit(5);
  }
  memset(&info, 0, sizeof info);
  waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT);
  printf("waitid: code %d status %d\n", info.si_code, info.si_status);
  sigwaitinfo(&set, &info);
  printf("SIGCHLD: code %d status %d pid %d\n", info.si_code, info.si_status, info.si_pid == pid);
  waitid(P_PID, pid, &info, WSTOPPED);
  memset(&info, 0, sizeof info);
  printf("told once: %d %d\n", waitid(P_PID, pid, &info, WSTOPPED | WNOHANG), info.si_pid);
  trace(PTRACE_CONT, pid, 0, 0);
  waitid(P_PID, pid, &info, WEXITED);
  printf("without WSTOPPED: code %d status %d\n", info.si_code, info.si_status);
  trace(PTRACE_CONT, pid, 0, 0);
  waitid(P_PID, pid, &info, WEXITED);
  printf("waitid: code %d status %d\n", info.si_code, info.si_status);
  while (sigtimedwait(&set, &info, &(struct timespec){0, 0}) > 0) {}
  sigprocmask(SIG_UNBLOCK, &set, 0);
}

static pid_t sleeper(void) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return pid;
}

static void attach_and_detach(void) {
  pid_t pid = sleeper();
  show("attach", trace(PTRACE_ATTACH, pid, 0, 0));
  show("attach again", trace(PTRACE_ATTACH, pid, 0, 0));
  wait_for("attached", pid);
  printf("state %c\n", state_of(pid));
  show("detach with a bad signal", trace(PTRACE_DETACH, pid, 0, (void *)100));
  show("detach", trace(PTRACE_DETACH, pid, 0, 0));
  printf("tracer %d\n", tracer_of(pid));
  show("cont after detach", trace(PTRACE_CONT, pid, 0, 0));
  kill(pid, SIGKILL);
  wait_for("end", pid);
}

static void stopped_before(void) {
  pid_t pid = sleeper();
  int status;
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  show_status("stopped", status);
  printf("state %c\n", state_of(pid));
  show("attach", trace(PTRACE_ATTACH, pid, 0, 0));
  wait_for("attached", pid);
  printf("state %c\n", state_of(pid));
  show("detach", trace(PTRACE_DETACH, pid, 0, 0));
  kill(pid, SIGKILL);
  wait_for("end", pid);
}

static void seize(void) {
  pid_t pid = sleeper();
  show("seize with an address", trace(PTRACE_SEIZE, pid, (void *)1, 0));
  show("seize", trace(PTRACE_SEIZE, pid, 0, 0));
  show("interrupt", trace(PTRACE_INTERRUPT, pid, 0, 0));
  wait_for("interrupted", pid);
  show_info(pid);
  trace(PTRACE_CONT, pid, 0, 0);
  kill(pid, SIGSTOP);
  wait_for("SIGSTOP comes first", pid);
  show("listen at a signal", trace(PTRACE_LISTEN, pid, 0, 0));
  trace(PTRACE_CONT, pid, 0, (void *)SIGSTOP);
  wait_for("then the group stops", pid);
  show_info(pid);
  show("listen", trace(PTRACE_LISTEN, pid, 0, 0));
  show("cont while listening", trace(PTRACE_CONT, pid, 0, 0));
  kill(pid, SIGCONT);
  wait_for("listened", pid);
  trace(PTRACE_CONT, pid, 0, 0);
  wait_for("SIGCONT", pid);
  trace(PTRACE_CONT, pid, 0, 0);
  show("interrupt", trace(PTRACE_INTERRUPT, pid, 0, 0));
  wait_for("interrupted", pid);
  show("kill", trace(PTRACE_KILL, pid, 0, 0));
  wait_for("end", pid);
}

static void group_stop(void) {
  pid_t pid = fork();
  if (pid == 0) {
    trace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGTSTP);
    _exit(4);
  }
  wait_for("SIGTSTP", pid);
  show_info(pid);
  trace(PTRACE_CONT, pid, 0, (void *)SIGSTOP);
  wait_for("group stop", pid);
  show_info(pid);
  printf("state %c\n", state_of(pid));
  show("cont", trace(PTRACE_CONT, pid, 0, 0));
  wait_for("runs on", pid);
}

static void tracers_end(void) {
  int ready[2];
  for (int kills = 0; kills < 2; kills++) {
    pid_t pid = sleeper();
    if (pipe(ready)) exit(1);
    pid_t tracer = fork();
    if (tracer == 0) {
      char byte = 0;
      trace(PTRACE_SEIZE, pid, 0, (void *)(long)(kills ? PTRACE_O_EXITKILL : 0));
      trace(PTRACE_INTERRUPT, pid, 0, 0);
      waitpid(pid, 0, __WALL);
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      pause();
    }
    char byte;
    if (read(ready[0], &byte, 1) != 1) exit(1);
    printf("traced by another: %d state %c\n", tracer_of(pid) == tracer, state_of(pid));
    show("attach to the traced", trace(PTRACE_ATTACH, pid, 0, 0));
    kill(tracer, SIGKILL);
    wait_for("tracer", tracer);
    if (!kills) {
      printf("tracer %d\n", tracer_of(pid));
      kill(pid, SIGTERM);
    }
    wait_for("tracee", pid);
    close(ready[0]);
    close(ready[1]);
  }
}

/* The tracer fetches the end first, then the parent. */
static void end_is_told_twice(void) {
  pid_t pid = sleeper();
  int go[2];
  if (pipe(go)) exit(1);
  pid_t tracer = fork();
  if (tracer == 0) {
    int status;
    trace(PTRACE_SEIZE, pid, 0, 0);
    trace(PTRACE_INTERRUPT, pid, 0, 0);
    waitpid(pid, &status, __WALL);
    trace(PTRACE_CONT, pid, 0, 0);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT | __WALL);
    if (write(go[1], "x", 1) != 1) _exit(1);
    usleep(50000);
    waitpid(pid, &status, __WALL);
    _exit(WTERMSIG(status));
  }
  char byte;
  int status;
  if (read(go[0], &byte, 1) != 1) exit(1);
  printf("not before the tracer: %d\n", waitpid(pid, &status, WNOHANG));
  wait_for("parent", pid);
  wait_for("tracer", tracer);
  close(go[0]);
  close(go[1]);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  alarm(50);
  show("attach to nobody", trace(PTRACE_ATTACH, 4194303, 0, 0));
  show("attach to oneself", trace(PTRACE_ATTACH, getpid(), 0, 0));
  traceme_and_signals();
  waitid_and_sigchld();
  attach_and_detach();
  stopped_before();
  seize();
  group_stop();
  tracers_end();
  end_is_told_twice();
  return 0;
}
