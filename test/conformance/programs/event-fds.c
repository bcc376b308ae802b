/* epoll, eventfd, timerfd, signalfd, inotify: errors and edge cases. */
#include "../check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int ctl(int ep, int op, int fd, unsigned events, int data) {
  struct epoll_event e = {.events = events, .data.fd = data};
  return epoll_ctl(ep, op, fd, &e);
}
static void ready(int ep, const char *name) {
  struct epoll_event e[8];
  int n = epoll_wait(ep, e, 8, 0);
  printf("%s: %d", name, n);
  for (int i = 0; i < n; i++) printf(" [%d %x]", e[i].data.fd, e[i].events);
  printf("\n");
}

int main(void) {
  uint64_t v;
  struct epoll_event ev;
  int p[2];
  pipe(p);
  T(epoll_create(0));
  T(epoll_create1(1));
  int ep = epoll_create1(EPOLL_CLOEXEC), f = open("f", O_CREAT | O_RDWR, 0600);
  T(fcntl(ep, F_GETFD));
  T(ctl(ep, EPOLL_CTL_ADD, f, EPOLLIN, 0));
  T(ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 0));
  T(ctl(ep, EPOLL_CTL_ADD, 99, EPOLLIN, 0));
  T(ctl(f, EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
  T(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
  T(ctl(ep, EPOLL_CTL_DEL, p[0], 0, 0));
  T(ctl(ep, 9, p[0], 0, 0));
  T(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
  T(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
  T(ctl(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
  T(epoll_wait(ep, &ev, 0, 0));
  T(epoll_wait(ep, &ev, -1, 0));
  T(epoll_wait(f, &ev, 1, 0));
  T(epoll_wait(99, &ev, 1, 0));
  ready(ep, "empty");
  write(p[1], "xy", 2);
  ready(ep, "level");
  ready(ep, "level again");
  T(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2));
  ready(ep, "edge");
  ready(ep, "edge again");
  write(p[1], "z", 1);
  ready(ep, "edge after write");
  T(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 3));
  ready(ep, "oneshot");
  ready(ep, "oneshot again");
  T(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
  ready(ep, "armed");
  T(ctl(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 5));
  T(ctl(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT | EPOLLEXCLUSIVE, 5));
  ready(ep, "out");
  int ep2 = epoll_create1(0);
  T(ctl(ep2, EPOLL_CTL_ADD, ep, EPOLLIN, 6));
  T(ctl(ep, EPOLL_CTL_ADD, ep2, EPOLLIN, 7));
  ready(ep2, "nested");
  int d = dup(p[0]);
  T(ctl(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 8));
  close(p[0]);
  ready(ep, "closed, but dup lives");
  T(ctl(ep, EPOLL_CTL_DEL, d, 0, 0));
  close(d);
  ready(ep, "no reader");
  close(p[1]);
  ready(ep, "closed");
  ready(ep2, "nested now");

  int e = eventfd(3, EFD_NONBLOCK);
  T(eventfd(0, 8));
  T(read(e, &v, 4));
  T(read(e, &v, 8));
  printf("value %lu\n", v);
  T(read(e, &v, 8));
  v = UINT64_MAX;
  T(write(e, &v, 8));
  v--;
  T(write(e, &v, 8));
  v = 1;
  T(write(e, &v, 8));
  T(write(e, &v, 4));
  struct pollfd pf = {e, POLLIN | POLLOUT, 0};
  poll(&pf, 1, 0);
  printf("full %x\n", pf.revents);
  T(lseek(e, 0, SEEK_SET));
  T(pread(e, &v, 8, 0));
  int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
  T(read(s, &v, 8));
  printf("semaphore %lu\n", v);
  T(read(s, &v, 8));
  T(read(s, &v, 8));

  struct itimerspec its = {{0, 0}, {0, 10000000}}, cur;
  T(timerfd_create(99, 0));
  T(timerfd_create(CLOCK_MONOTONIC, 8));
  int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  T(read(t, &v, 8));
  T(timerfd_settime(t, 0, &its, NULL));
  T(timerfd_gettime(t, &cur));
  IS(cur.it_value.tv_nsec > 0 && cur.it_value.tv_nsec <= 10000000 && cur.it_interval.tv_nsec == 0);
  T(read(t, &v, 4));
  sleep_ms(20);
  T(read(t, &v, 8));
  printf("expired %lu\n", v);
  T(read(t, &v, 8));
  its.it_interval.tv_nsec = 5000000;
  T(timerfd_settime(t, 0, &its, NULL));
  sleep_ms(60);
  T(read(t, &v, 8));
  IS(v >= 8);
  its.it_value.tv_nsec = 1000000000;
  T(timerfd_settime(t, 0, &its, NULL));
  its.it_value.tv_nsec = -1;
  T(timerfd_settime(t, 0, &its, NULL));
  its.it_value.tv_nsec = 0;
  T(timerfd_settime(t, 0, &its, &cur));
  T(timerfd_settime(t, 8, &its, NULL));
  T(timerfd_settime(e, 0, &its, NULL));
  T(timerfd_gettime(99, &cur));
  struct itimerspec past = {{0, 0}, {0, 1}};
  T(timerfd_settime(t, TFD_TIMER_ABSTIME, &past, NULL));
  sleep_ms(2);
  T(read(t, &v, 8));
  T(write(t, &v, 8));

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  int sf = signalfd(-1, &set, SFD_NONBLOCK);
  struct signalfd_siginfo si[4];
  T(signalfd(-1, &set, 1));
  T(signalfd(e, &set, 0));
  T(syscall(SYS_signalfd4, -1, &set, 4, 0));
  T(read(sf, si, 100));
  T(read(sf, si, sizeof si[0]));
  kill(getpid(), SIGUSR1);
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
  sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6});
  ready(ep, "nothing");
  T(read(sf, si, sizeof si) / sizeof si[0]);
  for (int i = 0; i < 3; i++) printf("%d code %d int %d pid %s\n", si[i].ssi_signo, si[i].ssi_code, si[i].ssi_int, si[i].ssi_pid == getpid() ? "self" : "?");

  int in = inotify_init1(IN_NONBLOCK);
  char buf[4096];
  T(inotify_init1(1));
  T(inotify_add_watch(in, "none", IN_CREATE));
  T(inotify_add_watch(in, ".", 0));
  T(inotify_add_watch(e, ".", IN_CREATE));
  T(inotify_add_watch(in, "f", IN_ALL_EVENTS | IN_ONLYDIR));
  T(inotify_add_watch(in, ".", IN_ALL_EVENTS));
  T(inotify_add_watch(in, "f", IN_ALL_EVENTS));
  T(inotify_rm_watch(in, 99));
  T(read(in, buf, sizeof buf));
  close(open("n", O_CREAT | O_WRONLY, 0600));
  write(f, "x", 1);
  rename("n", "m");
  link("f", "l");
  unlink("m");
  mkdir("d", 0700);
  rmdir("d");
  chmod("f", 0640);
  unlink("l");
  unlink("f");
  close(f);
  T(read(in, buf, 10));
  ssize_t n = read(in, buf, sizeof buf);
  for (char *at = buf; at < buf + n;) {
    struct inotify_event *i = (void *)at;
    printf("wd %d mask %x cookie %d name %s\n", i->wd, i->mask, i->cookie != 0, i->len ? i->name : "");
    at += sizeof *i + i->len;
  }
  return 0;
}
