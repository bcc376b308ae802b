/* User and system time apart: getrusage, wait4, times, /proc/self/stat, the clock of user time alone. */
#include "../check.h"
#include <sys/times.h>

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }
static double total(struct rusage r) { return seconds(r.ru_utime) + seconds(r.ru_stime); }
static char buffer[1 << 18];
static volatile long sink;

static void compute(int who, double wanted) {
  struct rusage start, now;
  getrusage(who, &start);
  do {
    for (long i = 0; i < 10000000; i++) sink += i;
    getrusage(who, &now);
  } while (total(now) - total(start) < wanted);
}

static void call(int who, double wanted) {
  struct rusage start, now;
  int zero = open("/dev/zero", O_RDONLY);
  getrusage(who, &start);
  do {
    for (int i = 0; i < 50; i++) read(zero, buffer, sizeof buffer);
    getrusage(who, &now);
  } while (total(now) - total(start) < wanted);
  close(zero);
}

static void say(const char *what, struct rusage a, struct rusage b) {
  double user = seconds(b.ru_utime) - seconds(a.ru_utime), system = seconds(b.ru_stime) - seconds(a.ru_stime);
  printf("%s: %s\n", what, user > system * 3 ? "user" : system > user * 1.5 ? "system" : "neither");
}

static void *other(void *unused) {
  struct rusage a, b;
  (void)unused;
  getrusage(RUSAGE_THREAD, &a);
  compute(RUSAGE_THREAD, 0.2);
  getrusage(RUSAGE_THREAD, &b);
  say("a thread that computes", a, b);
  return NULL;
}

static void stat_times(long *user, long *system) {
  char line[1024], *at;
  int fd = open("/proc/self/stat", O_RDONLY);
  ssize_t n = read(fd, line, sizeof line - 1);
  close(fd);
  line[n > 0 ? n : 0] = 0;
  at = strrchr(line, ')');
  sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", user, system);
}

int main(void) {
  struct rusage a, b;
  getrusage(RUSAGE_SELF, &a);
  compute(RUSAGE_SELF, 0.3);
  getrusage(RUSAGE_SELF, &b);
  say("computing", a, b);
  call(RUSAGE_SELF, 0.3);
  getrusage(RUSAGE_SELF, &a);
  say("calls", b, a);
  pthread_t thread;
  pthread_create(&thread, NULL, other, NULL);
  pthread_join(thread, NULL);

  struct tms tms;
  long user, system;
  getrusage(RUSAGE_SELF, &a);
  times(&tms);
  stat_times(&user, &system);
  IS(tms.tms_utime >= (long)(seconds(a.ru_utime) * 100) - 1 && tms.tms_utime <= user + 1);
  IS(tms.tms_stime >= (long)(seconds(a.ru_stime) * 100) - 1 && tms.tms_stime <= system + 1);
  IS(tms.tms_utime > 0 && tms.tms_stime > 0);

  pid_t child = fork();
  if (child == 0) {
    call(RUSAGE_SELF, 0.2);
    _exit(0);
  }
  wait4(child, NULL, 0, &b);
  memset(&a, 0, sizeof a);
  say("a child's calls", a, b);
  times(&tms);
  IS(tms.tms_cstime > tms.tms_cutime);

  /* Neither ever goes back. */
  int back = 0;
  getrusage(RUSAGE_SELF, &a);
  for (int i = 0; i < 2000; i++) {
    for (int j = 0; j < 1000; j++) sink += j;
    getrusage(RUSAGE_SELF, &b);
    if (seconds(b.ru_utime) < seconds(a.ru_utime) || seconds(b.ru_stime) < seconds(a.ru_stime)) back++;
    a = b;
  }
  printf("went back: %d\n", back);

  /* CPUCLOCK_PROF, CPUCLOCK_VIRT and CPUCLOCK_SCHED of this process. */
  struct timespec prof, virt, sched;
  OK(clock_gettime((~0 << 3) | 0, &prof));
  OK(clock_gettime((~0 << 3) | 1, &virt));
  OK(clock_gettime((~0 << 3) | 2, &sched));
  IS(virt.tv_sec + virt.tv_nsec / 1e9 < prof.tv_sec + prof.tv_nsec / 1e9);
  return 0;
}
