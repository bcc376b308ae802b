/* Clocks, sleeps, interval timers, POSIX timers: errors and what they deliver. */
#include "../check.h"
#include <sys/times.h>
#include <sys/timex.h>

static volatile int hits, overrun, code, value;
static void hit(int s, siginfo_t *si, void *c) {
  (void)s, (void)c;
  hits++;
  code = si->si_code;
  value = si->si_value.sival_int;
  overrun = si->si_overrun;
}
static volatile int thread_hits;
static void notify(union sigval v) { thread_hits += v.sival_int; }

int main(void) {
  struct timespec ts = {0, 0}, rem;
  T(clock_gettime(99, &ts));
  T(clock_gettime(-1, &ts));
  T(clock_getres(CLOCK_MONOTONIC, &ts));
  printf("resolution %ld\n", ts.tv_nsec);
  T(clock_getres(CLOCK_REALTIME_COARSE, &ts));
  T(clock_getres(CLOCK_REALTIME, NULL));
  T(clock_settime(CLOCK_MONOTONIC, &ts));
  T(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &ts));
  for (int c = 0; c < 12; c++) {
    if (c == CLOCK_REALTIME_ALARM || c == CLOCK_BOOTTIME_ALARM) continue; /* the host may have none */
    struct timespec a, b;
    if (clock_gettime(c, &a)) {
      printf("clock %d %s\n", c, error_name(errno));
      continue;
    }
    clock_gettime(c, &b);
    printf("clock %d goes on %d, sane %d\n", c, b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec), a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
  }
  ts = (struct timespec){0, 1000000000};
  T(nanosleep(&ts, NULL));
  ts = (struct timespec){-1, 0};
  T(nanosleep(&ts, NULL));
  T(nanosleep((void *)8, NULL));
  ts = (struct timespec){0, 0};
  T(nanosleep(&ts, &rem));
  P(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID + 100, 0, &ts, NULL));
  P(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
  P(clock_nanosleep(CLOCK_MONOTONIC, 99, &ts, NULL));
  P(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
  P(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL));
  P(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &ts, NULL));
  P(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &ts, NULL));
  P(clock_nanosleep(CLOCK_BOOTTIME, 0, &ts, NULL));
  long start = now_ms();
  clock_gettime(CLOCK_MONOTONIC, &ts);
  ts.tv_nsec += 30000000;
  if (ts.tv_nsec >= 1000000000) ts.tv_sec++, ts.tv_nsec -= 1000000000;
  P(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
  IS(now_ms() - start >= 29 && now_ms() - start < 500);
  struct itimerval iv = {{0, 0}, {100, 0}}, old;
  T(setitimer(9, &iv, NULL));
  T(getitimer(9, &iv));
  T(setitimer(ITIMER_REAL, &iv, &old));
  T(getitimer(ITIMER_REAL, &old));
  IS(old.it_value.tv_sec >= 99);
  IN_CHILD("timers are not inherited", getitimer(ITIMER_REAL, &old); printf("%ld\n", (long)old.it_value.tv_sec));
  T(alarm(0) >= 99);
  T(alarm(0));
  iv.it_value.tv_usec = 1000000;
  T(setitimer(ITIMER_REAL, &iv, NULL));
  T(setitimer(ITIMER_REAL, (void *)8, NULL));
  struct sigaction sa = {.sa_sigaction = hit, .sa_flags = SA_SIGINFO};
  int signals[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGRTMIN};
  for (int i = 0; i < 5; i++) sigaction(signals[i], &sa, NULL);
  for (int which = 0; which < 3; which++) {
    iv = (struct itimerval){{0, 10000}, {0, 10000}};
    hits = 0;
    setitimer(which, &iv, NULL);
    start = now_ms();
    while (hits < 3 && now_ms() - start < 3000) {
    }
    iv = (struct itimerval){{0, 0}, {0, 0}};
    setitimer(which, &iv, NULL);
    printf("itimer %d: %s code %d\n", which, hits >= 3 ? "fires" : "does not", code);
  }
  iv = (struct itimerval){{0, 0}, {0, 10000}};
  hits = 0;
  setitimer(ITIMER_VIRTUAL, &iv, NULL);
  sleep_ms(50);
  printf("virtual timer while asleep: %d\n", hits);
  iv.it_value.tv_usec = 0;
  setitimer(ITIMER_VIRTUAL, &iv, NULL);
  timer_t t;
  struct sigevent se = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  T(timer_create(99, &se, &t));
  se.sigev_signo = 65;
  T(timer_create(CLOCK_MONOTONIC, &se, &t));
  se.sigev_signo = SIGRTMIN;
  se.sigev_notify = 55;
  T(timer_create(CLOCK_MONOTONIC, &se, &t));
  se.sigev_notify = SIGEV_SIGNAL;
  T(timer_create(CLOCK_MONOTONIC, &se, &t));
  struct itimerspec its = {{0, 0}, {0, 5000000}}, was;
  hits = 0;
  T(timer_settime(t, 0, &its, &was));
  while (!hits) sleep_ms(1);
  printf("code %d value %d overrun %d\n", code, value, overrun);
  T(timer_gettime(t, &was));
  printf("left %ld %ld\n", (long)was.it_value.tv_sec, was.it_value.tv_nsec);
  its.it_interval.tv_nsec = 1000000;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  T(timer_settime(t, 0, &its, NULL));
  sleep_ms(50);
  hits = 0;
  its = (struct itimerspec){{0, 0}, {0, 0}};
  siginfo_t si;
  T(sigwaitinfo(&set, &si) == SIGRTMIN);
  IS(si.si_overrun > 20 && timer_getoverrun(t) == si.si_overrun);
  T(timer_settime(t, 0, &its, NULL));
  its.it_value.tv_nsec = -1;
  T(timer_settime(t, 0, &its, NULL));
  T(timer_settime((timer_t)999, 0, &its, NULL));
  T(timer_gettime((timer_t)999, &was));
  T(timer_getoverrun((timer_t)999));
  T(timer_delete(t));
  T(timer_delete(t));
  T(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8));
  se.sigev_notify = SIGEV_THREAD;
  se.sigev_notify_function = notify;
  se.sigev_notify_attributes = NULL;
  T(timer_create(CLOCK_REALTIME, &se, &t));
  its = (struct itimerspec){{0, 0}, {0, 1000000}};
  T(timer_settime(t, 0, &its, NULL));
  for (int i = 0; i < 1000 && !thread_hits; i++) sleep_ms(1);
  printf("thread hits %d\n", thread_hits);
  T(timer_delete(t));
  se.sigev_notify = SIGEV_NONE;
  T(timer_create(CLOCK_PROCESS_CPUTIME_ID, &se, &t));
  its.it_value.tv_sec = 10;
  T(timer_settime(t, 0, &its, NULL));
  T(timer_gettime(t, &was));
  IS(was.it_value.tv_sec >= 9);
  struct rusage ru;
  T(getrusage(5, &ru));
  T(getrusage(RUSAGE_SELF, (void *)8));
  T(getrusage(RUSAGE_THREAD, &ru));
  struct tms tms;
  IS(times(&tms) > 0);
  struct timex tx = {.modes = 0};
  IS(adjtimex(&tx) >= 0);
  T(time((time_t *)NULL) > 1600000000);
  clockid_t clk;
  P(clock_getcpuclockid(getpid(), &clk));
  T(clock_gettime(clk, &ts));
  P(clock_getcpuclockid(1 << 22, &clk));
  return 0;
}
