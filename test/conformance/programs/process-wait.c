/* wait4 and waitid: options, errors, siginfo. */
#include "../check.h"

static void info(const char *name, int rc, siginfo_t *si, pid_t pid) {
  if (rc < 0) printf("%s: %s\n", name, error_name(errno));
  else
    printf("%s: signo %d code %d errno %d status %d pid %s uid %d\n", name, si->si_signo, si->si_code, si->si_errno, si->si_status,
           si->si_pid == pid ? "child" : si->si_pid == 0 ? "0" : "other", si->si_uid);
}

static pid_t child_exit(int code) {
  pid_t p = fork();
  if (p == 0) _exit(code);
  return p;
}
static pid_t child_pause(void) {
  pid_t p = fork();
  if (p == 0)
    for (;;) pause();
  return p;
}

int main(void) {
  int st;
  siginfo_t si;
  setpgid(0, 0); /* a group that its shell can continue */
  T(wait(&st));
  T(waitpid(1 << 22, &st, 0));
  T(waitpid(-1, &st, 0x10000000));
  T(waitpid(-1, &st, WNOHANG));
  T(waitpid(INT_MIN, &st, 0));
  T(waitid(P_ALL, 0, &si, 0));
  T(waitid(P_ALL, 0, &si, WNOHANG));
  T(waitid(99, 0, &si, WEXITED));
  T(waitid(P_PID, 0, &si, WEXITED));
  T(waitid(P_PID, -1, &si, WEXITED));
  T(waitid(P_PGID, -1, &si, WEXITED));
  T(waitid(P_PIDFD, -1, &si, WEXITED));
  T(waitid(P_PIDFD, 0, &si, WEXITED));
  T(waitid(P_ALL, 0, &si, WEXITED | 0x100));

  pid_t p = child_exit(7);
  memset(&si, 0x55, sizeof si);
  info("nowait", waitid(P_PID, p, &si, WEXITED | WNOWAIT), &si, p);
  memset(&si, 0x55, sizeof si);
  info("stopped only", waitid(P_PID, p, &si, WSTOPPED | WNOHANG), &si, p);
  memset(&si, 0x55, sizeof si);
  info("again", waitid(P_PID, p, &si, WEXITED), &si, p);
  memset(&si, 0x55, sizeof si);
  info("gone", waitid(P_PID, p, &si, WEXITED), &si, p);

  p = child_pause();
  memset(&si, 0x55, sizeof si);
  info("nohang", waitid(P_PID, p, &si, WEXITED | WNOHANG), &si, p);
  T(waitpid(p, &st, WNOHANG));
  kill(p, SIGSTOP);
  info("stop", waitid(P_PID, p, &si, WSTOPPED), &si, p);
  info("stop again", waitid(P_PID, p, &si, WSTOPPED | WNOHANG), &si, p);
  kill(p, SIGCONT);
  info("cont nowait", waitid(P_PID, p, &si, WCONTINUED | WNOWAIT), &si, p);
  info("cont", waitid(P_PID, p, &si, WCONTINUED), &si, p);
  kill(p, SIGTSTP);
  T(waitpid(p, &st, WUNTRACED) == p);
  say_status("tstp", st);
  kill(p, SIGCONT);
  T(waitpid(p, &st, WCONTINUED) == p);
  say_status("cont", st);
  printf("cont status %x\n", st);
  kill(p, SIGTERM);
  info("killed", waitid(P_ALL, 0, &si, WEXITED), &si, p);

  p = child_exit(300);
  T(waitpid(p, &st, 0) == p);
  say_status("exit 300", st);
  p = child_exit(-1);
  T(wait4(p, &st, __WALL, NULL) == p);
  say_status("exit -1", st);
  p = child_exit(0);
  T(waitpid(p, &st, __WCLONE));
  T(wait4(0, &st, 0, NULL) == p);
  p = child_exit(3);
  T(wait4(-getpgrp(), &st, 0, NULL) == p);
  p = fork();
  if (p == 0) {
    setpgid(0, 0);
    _exit(4);
  }
  setpgid(p, p);
  T(waitpid(0, &st, 0));
  info("pgid", waitid(P_PGID, p, &si, WEXITED), &si, p);
  p = child_exit(3);
  sleep_ms(20);
  T(syscall(SYS_wait4, p, (int *)8, 0, NULL));
  T(waitpid(p, &st, 0));
  p = child_exit(3);
  info("null info", syscall(SYS_waitid, P_PID, p, NULL, WEXITED, NULL) ? -1 : (memset(&si, 0, sizeof si), 0), &si, p);
  struct rusage ru;
  p = child_exit(0);
  memset(&ru, 0xff, sizeof ru);
  T(wait4(p, NULL, 0, &ru) == p);
  IS(ru.ru_nswap == 0 && ru.ru_utime.tv_sec == 0);
  signal(SIGCHLD, SIG_IGN);
  child_exit(1);
  child_exit(2);
  T(wait(&st));
  signal(SIGCHLD, SIG_DFL);
  struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &sa, NULL);
  child_exit(1);
  T(waitpid(-1, &st, 0));
  return 0;
}
