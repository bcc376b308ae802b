/* sigsuspend, sigtimedwait, pause, SIGCHLD's codes, SA_RESTART over sleeping calls. */
#include "../check.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

static volatile int hits;
static void hit(int s) { (void)s, hits++; }
static void chld(int s, siginfo_t *si, void *c) {
  (void)s, (void)c;
  printf("SIGCHLD code %d status %d uid %d\n", si->si_code, si->si_status, si->si_uid);
}
/* Once more after two seconds: a busy machine may be late with the call that the first is to interrupt. */
static void arm(long ms) {
  struct itimerval v = {{ms > 0 ? 2 : 0, 0}, {ms / 1000, ms % 1000 * 1000}};
  setitimer(ITIMER_REAL, &v, NULL);
}
/* `since`: when what takes `full` ms began. */
#define CUT_AS(name, since, full, call)  \
  do {                                   \
    long start_ = (since);               \
    hits = 0;                            \
    arm(30);                             \
    errno = 0;                           \
    long r_ = (call);                    \
    int e_ = errno;                      \
    arm(0);                              \
    printf("%s = %ld %s hit %d %s\n", name, r_, r_ < 0 ? error_name(e_) : "", hits > 0, now_ms() - start_ >= (full) - 1 ? "full" : "cut"); \
  } while (0)
#define CUT_SINCE(since, full, call) CUT_AS(#call, since, full, call)
#define CUT(full, call) CUT_AS(#call, now_ms(), full, call)
/* Longer than any machine is late. */
#define LONG 20000

/* A byte after `ms`, or on SIGUSR1. */
static pid_t later(int fd, long ms) {
  sigset_t usr1, old;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, &old);
  pid_t p = fork();
  if (p != 0) sigprocmask(SIG_SETMASK, &old, NULL);
  if (p == 0) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    sigtimedwait(&usr1, NULL, &time);
    _exit(write(fd, "x", 1) == 1 ? 0 : 1);
  }
  return p;
}

int main(void) {
  int st, fd[2];
  char c;
  if (pipe(fd)) return 1;
  int futex = 0, ep = epoll_create1(0);
  struct timespec later_on = {0, 400000000}, much_later = {LONG / 1000, 0}, left;
  struct timeval tv;
  fd_set set;
  struct epoll_event ev;
  setpgid(0, 0);
  for (int restart = 0; restart < 2; restart++) {
    struct sigaction sa = {.sa_handler = hit, .sa_flags = restart ? SA_RESTART : 0};
    sigaction(SIGALRM, &sa, NULL);
    printf("SA_RESTART %d\n", restart);
    /* Without SA_RESTART the call must be over long before the child is, which is then told. */
    long full = restart ? 400 : LONG, before = now_ms();
    pid_t p = later(fd[1], full);
    CUT_SINCE(before, full, read(fd[0], &c, 1));
    if (!restart) {
      kill(p, SIGUSR1);
      T(read(fd[0], &c, 1));
    }
    waitpid(p, &st, 0);
    before = now_ms();
    p = later(fd[1], full);
    CUT_SINCE(before, full, waitpid(-1, NULL, 0) > 0 ? 1 : -1);
    if (!restart) {
      kill(p, SIGUSR1);
      T(wait(NULL) > 0);
    }
    T(read(fd[0], &c, 1));
    CUT(LONG, syscall(SYS_futex, &futex, FUTEX_WAIT, 0, &much_later));
    CUT(LONG, syscall(SYS_futex, &futex, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    CUT(LONG, nanosleep(&much_later, &left));
    printf("left %s\n", left.tv_sec > 0 && left.tv_sec < LONG / 1000 ? "some" : "?");
    CUT(LONG, clock_nanosleep(CLOCK_MONOTONIC, 0, &much_later, NULL));
    CUT(LONG, poll(NULL, 0, LONG));
    CUT(LONG, ppoll(NULL, 0, &much_later, NULL));
    FD_ZERO(&set);
    FD_SET(fd[0], &set);
    tv = (struct timeval){LONG / 1000, 0};
    CUT(LONG, select(fd[0] + 1, &set, NULL, NULL, &tv));
    printf("set kept %d, time left %d\n", FD_ISSET(fd[0], &set) != 0, tv.tv_sec > 0 && tv.tv_sec < LONG / 1000);
    CUT(LONG, epoll_wait(ep, &ev, 1, LONG));
    CUT(LONG, pause());
  }
  /* a handler that does not exist: ignored and stop/continue do not disturb */
  signal(SIGALRM, SIG_IGN);
  CUT(400, poll(NULL, 0, 400));
  CUT(400, nanosleep(&later_on, NULL));
  pid_t me = getpid();
  for (int i = 0; i < 5; i++) {
    pid_t p = fork();
    if (p == 0) {
      setpgid(0, 0);
      errno = 0;
      int r = i == 0 ? nanosleep(&later_on, NULL) : i == 1 ? poll(NULL, 0, 400) : i == 2 ? (int)syscall(SYS_futex, &futex, FUTEX_WAIT, 0, &later_on)
              : i == 3 ? epoll_wait(ep, &ev, 1, 400) : (int)read(fd[0], &c, 1);
      printf("%d over a stop: %d %s\n", i, r, error_name(errno));
      exit(0);
    }
    wait_state(p, 'S');
    kill(p, SIGSTOP);
    waitpid(p, &st, WUNTRACED);
    kill(p, SIGCONT);
    if (i == 4 && write(fd[1], "x", 1) != 1) return 1;
    waitpid(p, &st, 0);
    say_status("stopped child", st);
  }
  (void)me;
  /* sigsuspend and ppoll's mask */
  sigset_t block, none, old;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  signal(SIGUSR1, hit);
  sigprocmask(SIG_BLOCK, &block, &old);
  raise(SIGUSR1);
  hits = 0;
  T(sigsuspend(&none));
  printf("hits %d\n", hits);
  raise(SIGUSR1);
  T(ppoll(NULL, 0, NULL, &none));
  raise(SIGUSR1);
  T(epoll_pwait(ep, &ev, 1, -1, &none));
  raise(SIGUSR1);
  T(pselect(0, NULL, NULL, NULL, NULL, &none));
  printf("hits %d\n", hits);
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  printf("usr1 blocked again %d\n", sigismember(&now, SIGUSR1));
  raise(SIGUSR1);
  struct timespec zero = {0, 0};
  T(ppoll(NULL, 0, &zero, &none));
  printf("hits %d\n", hits);
  /* sigtimedwait */
  siginfo_t si;
  sigpending(&now);
  printf("pending %d\n", sigismember(&now, SIGUSR1));
  T(sigtimedwait(&block, &si, &zero));
  T(sigtimedwait(&block, &si, &later_on));
  raise(SIGUSR1);
  T(sigwaitinfo(&block, &si) == SIGUSR1);
  printf("code %d\n", si.si_code);
  struct timespec bad = {0, 1000000000};
  T(sigtimedwait(&block, &si, &bad));
  bad = (struct timespec){-1, 0};
  T(sigtimedwait(&block, &si, &bad));
  T(syscall(SYS_rt_sigtimedwait, &block, &si, &zero, 4));
  T(syscall(SYS_rt_sigtimedwait, 8, &si, &zero, 8));
  signal(SIGALRM, hit);
  arm(20);
  T(sigwaitinfo(&block, &si));
  struct sigaction ca = {.sa_sigaction = chld, .sa_flags = SA_SIGINFO};
  sigaction(SIGCHLD, &ca, NULL);
  sigaddset(&block, SIGCHLD);
  sigprocmask(SIG_BLOCK, &block, NULL);
  sigdelset(&old, SIGCHLD);
  while (poll(&(struct pollfd){.fd = fd[0], .events = POLLIN}, 1, 0) > 0) T(read(fd[0], &c, 1));
  for (int i = 0; i < 3; i++) {
    pid_t p = fork();
    if (p == 0) {
      if (i == 0) _exit(9);
      if (i == 1) kill(getpid(), SIGKILL);
      kill(getpid(), SIGSTOP);
      /* Two SIGCHLDs, not one that stands for both. */
      _exit(read(fd[0], &c, 1) != 1);
    }
    sigsuspend(&old);
    if (i == 2) {
      kill(p, SIGCONT);
      sigsuspend(&old);
      if (write(fd[1], "x", 1) != 1) return 1;
      sigsuspend(&old);
    }
    while (waitpid(p, &st, 0) < 0) {
    }
  }
  return 0;
}
