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
static void arm(long ms) {
  struct itimerval v = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
  setitimer(ITIMER_REAL, &v, NULL);
}
#define CUT(call)                    \
  do {                               \
    hits = 0;                        \
    arm(30);                         \
    errno = 0;                       \
    long start_ = now_ms();          \
    long r_ = (call);                \
    int e_ = errno;                  \
    arm(0);                          \
    printf("%s = %ld %s hits %d %s\n", #call, r_, r_ < 0 ? error_name(e_) : "", hits, now_ms() - start_ >= 350 ? "full" : "cut"); \
  } while (0)

static pid_t later(int fd, long ms) {
  pid_t p = fork();
  if (p == 0) {
    sleep_ms(ms);
    _exit(write(fd, "x", 1) == 1 ? 0 : 1);
  }
  return p;
}

int main(void) {
  int st, fd[2];
  char c;
  if (pipe(fd)) return 1;
  int futex = 0, ep = epoll_create1(0);
  struct timespec later_on = {0, 400000000}, left;
  struct timeval tv;
  fd_set set;
  struct epoll_event ev;
  setpgid(0, 0);
  for (int restart = 0; restart < 2; restart++) {
    struct sigaction sa = {.sa_handler = hit, .sa_flags = restart ? SA_RESTART : 0};
    sigaction(SIGALRM, &sa, NULL);
    printf("SA_RESTART %d\n", restart);
    pid_t p = later(fd[1], 400);
    CUT(read(fd[0], &c, 1));
    if (!restart) T(read(fd[0], &c, 1));
    waitpid(p, &st, 0);
    p = later(fd[1], 400);
    CUT(waitpid(-1, NULL, 0) > 0 ? 1 : -1);
    if (!restart) T(wait(NULL) > 0);
    T(read(fd[0], &c, 1));
    CUT(syscall(SYS_futex, &futex, FUTEX_WAIT, 0, &later_on));
    CUT(syscall(SYS_futex, &futex, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    CUT(nanosleep(&later_on, &left));
    printf("left %s\n", left.tv_nsec > 20000000 && left.tv_nsec < 390000000 ? "some" : "?");
    CUT(clock_nanosleep(CLOCK_MONOTONIC, 0, &later_on, NULL));
    CUT(poll(NULL, 0, 400));
    CUT(ppoll(NULL, 0, &later_on, NULL));
    FD_ZERO(&set);
    FD_SET(fd[0], &set);
    tv = (struct timeval){0, 400000};
    CUT(select(fd[0] + 1, &set, NULL, NULL, &tv));
    printf("set kept %d, time left %d\n", FD_ISSET(fd[0], &set) != 0, tv.tv_usec > 20000 && tv.tv_usec < 390000);
    CUT(epoll_wait(ep, &ev, 1, 400));
    CUT(pause());
  }
  /* a handler that does not exist: ignored and stop/continue do not disturb */
  signal(SIGALRM, SIG_IGN);
  CUT(poll(NULL, 0, 400));
  CUT(nanosleep(&later_on, NULL));
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
    sleep_ms(30);
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
  for (int i = 0; i < 3; i++) {
    pid_t p = fork();
    if (p == 0) {
      if (i == 0) _exit(9);
      if (i == 1) kill(getpid(), SIGKILL);
      kill(getpid(), SIGSTOP);
      /* Two SIGCHLDs, not one that stands for both. */
      sleep_ms(50);
      _exit(0);
    }
    sigsuspend(&old);
    if (i == 2) {
      kill(p, SIGCONT);
      sigsuspend(&old);
      sleep_ms(150);
      sigprocmask(SIG_SETMASK, &old, NULL);
    }
    while (waitpid(p, &st, 0) < 0) {
    }
  }
  return 0;
}
