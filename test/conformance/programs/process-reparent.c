/* Orphans: subreapers, pid 1, PR_SET_PDEATHSIG, order of events. */
#include "../check.h"
#include <poll.h>

static volatile sig_atomic_t got;
static void handler(int s) { got = s; }

int main(void) {
  int st, v = -1;
  T(prctl(PR_GET_CHILD_SUBREAPER, &v));
  printf("subreaper %d\n", v);
  T(prctl(PR_SET_CHILD_SUBREAPER, 1));
  T(prctl(PR_GET_CHILD_SUBREAPER, &v));
  printf("subreaper %d\n", v);
  IN_CHILD("not inherited", int w = -1; prctl(PR_GET_CHILD_SUBREAPER, &w); printf("child's %d\n", w));

  pid_t me = getpid();
  pid_t p = fork();
  if (p == 0) {
    if (fork() == 0) {
      while (getppid() != me) sleep_ms(1);
      _exit(42);
    }
    _exit(1);
  }
  T(waitpid(p, &st, 0) == p);
  say_status("middle", st);
  pid_t o = wait(&st);
  IS(o > 0 && o != p);
  say_status("orphan", st);
  T(wait(&st));

  /* a zombie is inherited */
  p = fork();
  if (p == 0) {
    if (fork() == 0) _exit(43);
    sleep_ms(30);
    _exit(2);
  }
  T(waitpid(p, &st, 0) == p);
  T(wait(&st) > 0);
  say_status("zombie inherited", st);

  /* nearest subreaper */
  IN_CHILD("inner", prctl(PR_SET_CHILD_SUBREAPER, 1); pid_t inner = getpid(); if (fork() == 0) {
    if (fork() == 0) {
      sleep_ms(20);
      _exit(getppid() == inner ? 5 : 6);
    }
    _exit(0);
  } int s; wait(&s); T(wait(&s) > 0); say_status("inner orphan", s));

  /* death signal */
  T(prctl(PR_SET_PDEATHSIG, 65));
  T(prctl(PR_SET_PDEATHSIG, -1));
  int fd[2];
  if (pipe(fd)) return 1;
  p = fork();
  if (p == 0) {
    int ready[2];
    if (pipe(ready)) _exit(1);
    if (fork() == 0) {
      signal(SIGUSR1, handler);
      prctl(PR_SET_PDEATHSIG, SIGUSR1);
      int sig = 0;
      prctl(PR_GET_PDEATHSIG, &sig);
      if (write(ready[1], "x", 1) != 1) _exit(1);
      while (!got) sleep_ms(1);
      char text[64];
      int n = snprintf(text, sizeof text, "set %d got %d\n", sig, (int)got);
      _exit(write(fd[1], text, n) == n ? 9 : 8);
    }
    char c;
    _exit(read(ready[0], &c, 1) == 1 ? 0 : 1);
  }
  close(fd[1]);
  char text[100];
  ssize_t n = read(fd[0], text, sizeof text);
  printf("%.*s", (int)n, text);
  waitpid(p, &st, 0);
  T(wait(&st) > 0);
  say_status("with death signal", st);
  IN_CHILD("pdeathsig cleared by fork", int s = -1; prctl(PR_SET_PDEATHSIG, SIGUSR2); if (fork() == 0) {
    prctl(PR_GET_PDEATHSIG, &s);
    _exit(s);
  } int status; wait(&status); say_status("grandchild", status));

  /* a vfork child shares memory and suspends the parent */
  volatile int shared = 0;
  p = vfork();
  if (p == 0) {
    shared = 7;
    _exit(11);
  }
  printf("shared %d\n", shared);
  waitpid(p, &st, 0);
  say_status("vfork", st);
  p = vfork();
  if (p == 0) {
    execl("/bin/false", "false", NULL);
    _exit(99);
  }
  waitpid(p, &st, 0);
  say_status("vfork exec", st);
  p = vfork();
  if (p == 0) {
    execl("/nowhere", "x", NULL);
    shared = errno;
    _exit(98);
  }
  printf("exec errno %s\n", error_name(shared));
  waitpid(p, &st, 0);
  say_status("vfork exec fails", st);
  p = vfork();
  if (p == 0) kill(getpid(), SIGKILL);
  waitpid(p, &st, 0);
  say_status("vfork killed", st);
  return 0;
}
