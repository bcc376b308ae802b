/* What the ptrace(2) programs share. After the header with PTRACE_*: glibc's <sys/ptrace.h> and <linux/ptrace.h> do not go together. */
#ifndef TRACING_H
#define TRACING_H
#include "check.h"

/* The result, or minus the errno. */
__attribute__((unused)) static long trace(long request, pid_t pid, void *addr, void *data) {
  errno = 0;
  long result = syscall(SYS_ptrace, request, pid, addr, data);
  return result == -1 && errno ? -errno : result;
}

/* Results are often addresses, pids or counts, which differ from run to run. */
__attribute__((unused)) static void show(const char *what, long result) {
  printf("%s: %s\n", what, result < 0 ? strerror(-result) : result ? "positive" : "0");
}

/* Numbers, where say_status has names: SIGTRAP | 0x80 has none. */
__attribute__((unused)) static void show_status(const char *what, int status) {
  if (WIFSTOPPED(status)) printf("%s: stopped %x event %d\n", what, WSTOPSIG(status), status >> 16);
  else if (WIFEXITED(status)) printf("%s: exited %d\n", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) printf("%s: killed %d\n", what, WTERMSIG(status));
  else printf("%s: continued %x\n", what, status);
}

__attribute__((unused)) static int wait_for(const char *what, pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, __WALL) != pid) printf("%s: wait %s\n", what, strerror(errno));
  else show_status(what, status);
  return status;
}

/* A tracee that is stopped before it calls `child`. */
__attribute__((unused)) static pid_t start(void (*child)(void)) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    trace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    child();
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, 0, 0);
  return pid;
}
#endif
