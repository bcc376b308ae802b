/* setpgid, setsid, getpgid, getsid; orphaned groups get SIGHUP and SIGCONT. */
#include "../check.h"

static void wait_go(int fd) {
  char c;
  if (read(fd, &c, 1) != 1) _exit(90);
}

static volatile sig_atomic_t hups, conts;
static void on_hup(int s) { (void)s, hups++; }
static void on_cont(int s) { (void)s, conts++; }

int main(void) {
  int st, go[2], back[2];
  setpgid(0, 0);
  T(getpgid(-1));
  T(getsid(-1));
  T(getpgid(1 << 22));
  T(getsid(1 << 22));
  T(getpgid(0) == getpgrp());
  T(setpgid(0, -1));
  T(setpgid(-1, 0));
  T(setpgid(1 << 22, 0));
  T(setpgid(getppid(), 0));
  T(setpgid(0, 1 << 22));
  IN_CHILD("leader cannot setsid", setpgid(0, 0); T(setsid()); T(setpgid(0, 0)));
  IN_CHILD("setsid", T(setsid() == getpid()); T(getsid(0) == getpid()); T(getpgrp() == getpid()); T(setsid()); T(setpgid(0, 0));
           T(setpgid(0, getppid())));
  if (pipe(go) || pipe(back)) return 1;
  pid_t p = fork();
  if (p == 0) {
    wait_go(go[0]);
    _exit(0);
  }
  T(setpgid(p, p));
  T(getpgid(p) == p);
  T(setpgid(p, getpgrp()));
  T(getpgid(p) == getpgrp());
  if (write(go[1], "x", 1) != 1) return 1;
  sleep_ms(20);
  T(setpgid(p, p)); /* zombie */
  T(getpgid(p) == p);
  waitpid(p, &st, 0);
  T(setpgid(p, p));
  p = fork();
  if (p == 0) {
    setsid();
    if (write(back[1], "x", 1) != 1) _exit(1);
    wait_go(go[0]);
    _exit(0);
  }
  wait_go(back[0]);
  T(setpgid(p, getpgrp()));
  T(setpgid(0, p));
  T(setpgid(p, p));
  if (write(go[1], "x", 1) != 1) return 1;
  waitpid(p, &st, 0);
  char *arguments[] = {"/bin/sh", "-c", "read x", NULL};
  p = fork();
  if (p == 0) {
    dup2(go[0], 0);
    fcntl(back[1], F_SETFD, FD_CLOEXEC);
    execv(arguments[0], arguments);
    _exit(1);
  }
  close(back[1]);
  char c;
  T(read(back[0], &c, 1)); /* end of file: exec is done */
  T(setpgid(p, p));
  if (write(go[1], "\n", 1) != 1) return 1;
  waitpid(p, &st, 0);
  say_status("after exec", st);

  /* orphaned group with a stopped member */
  if (pipe(back)) return 1;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  p = fork();
  if (p == 0) {
    setsid();
    pid_t q = fork();
    if (q == 0) {
      setpgid(0, 0);
      signal(SIGHUP, on_hup);
      signal(SIGCONT, on_cont);
      raise(SIGSTOP);
      while (!hups || !conts) sleep_ms(1);
      char text[60];
      int n = snprintf(text, sizeof text, "hup %d cont %d\n", (int)hups, (int)conts);
      _exit(write(back[1], text, n) == n ? 0 : 1);
    }
    setpgid(q, q);
    int s;
    waitpid(q, &s, WUNTRACED);
    _exit(WIFSTOPPED(s) ? 0 : 1);
  }
  close(back[1]);
  T(waitpid(p, &st, 0) == p);
  say_status("session leader", st);
  char text[100];
  ssize_t n = read(back[0], text, sizeof text);
  printf("orphan: %.*s", (int)n, text);
  T(wait(&st) > 0);
  say_status("orphan", st);
  /* SIGTSTP in an orphaned group is ignored, SIGSTOP is not */
  IN_CHILD("orphaned", setsid(); raise(SIGTSTP); printf("not stopped by TSTP\n"); raise(SIGTTIN); raise(SIGTTOU); printf("nor by TTIN, TTOU\n"));
  /* kill with groups */
  T(kill(-(1 << 22), 0));
  T(kill(1 << 22, 0));
  T(kill(0, 65));
  T(kill(getpid(), -1));
  T(kill(getpid(), 64 + 1));
  T(kill(0, 0));
  T(killpg(getpgrp(), 0));
  T(killpg(-2, 0));
  T(syscall(SYS_tkill, 0, 0));
  T(syscall(SYS_tkill, -1, 0));
  T(syscall(SYS_tgkill, 0, getpid(), 0));
  T(syscall(SYS_tgkill, getpid(), 1 << 22, 0));
  T(syscall(SYS_tgkill, getppid(), getpid(), 0)); /* another process's thread */
  return 0;
}
