/* CPU time passes in every place that shows it: clocks, getrusage, times, ITIMER_PROF, RLIMIT_CPU. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void spin(clockid_t clock, double seconds) {
  double end = now(clock) + seconds;
  while (now(clock) < end)
    for (volatile long i = 0; i < 100000; i++) {
    }
}

static double used(int who) {
  struct rusage r;
  getrusage(who, &r);
  return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void *thread(void *unused) {
  (void)unused;
  spin(CLOCK_THREAD_CPUTIME_ID, 0.1);
  return NULL;
}

static int ticks;
static void on_tick(int signal) {
  (void)signal;
  ticks++;
}

int main(void) {
  double start = now(CLOCK_MONOTONIC);
  spin(CLOCK_PROCESS_CPUTIME_ID, 0.2);
  printf("no faster than the wall clock: %d\n", now(CLOCK_MONOTONIC) - start >= 0.19);
  printf("RUSAGE_SELF: %d\n", used(RUSAGE_SELF) >= 0.19 && used(RUSAGE_SELF) < 0.5);

  pid_t child = fork();
  if (child == 0) {
    spin(CLOCK_PROCESS_CPUTIME_ID, 0.2);
    _exit(0);
  }
  printf("RUSAGE_CHILDREN before wait: %d\n", used(RUSAGE_CHILDREN) == 0);
  waitpid(child, NULL, 0);
  printf("RUSAGE_CHILDREN: %d\n", used(RUSAGE_CHILDREN) >= 0.19 && used(RUSAGE_CHILDREN) < 0.5);
  struct tms tms;
  times(&tms);
  printf("times: %d %d\n", tms.tms_utime + tms.tms_stime >= 18, tms.tms_cutime + tms.tms_cstime >= 18);

  pthread_t id;
  pthread_create(&id, NULL, thread, NULL);
  pthread_join(id, NULL);
  printf("with a thread: %d\n", used(RUSAGE_SELF) >= 0.29 && used(RUSAGE_SELF) < 0.6);

  signal(SIGPROF, on_tick);
  struct itimerval period = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_PROF, &period, NULL);
  spin(CLOCK_PROCESS_CPUTIME_ID, 0.2);
  setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
  printf("ITIMER_PROF: %d\n", ticks >= 5 && ticks <= 14);

  double before = now(CLOCK_PROCESS_CPUTIME_ID);
  usleep(300000);
  printf("asleep: %d\n", now(CLOCK_PROCESS_CPUTIME_ID) - before < 0.15);

  fflush(stdout);
  child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_CPU, &(struct rlimit){1, 2});
    for (;;) {
    }
  }
  int status;
  waitpid(child, &status, 0);
  printf("RLIMIT_CPU: signal %d\n", WTERMSIG(status));
  return 0;
}
