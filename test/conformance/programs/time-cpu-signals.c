/* The signal of a CPU timer of the process goes to the thread that uses the time, not to the first one. */
#include "../check.h"

static pthread_t first;
static volatile int toFirst, toOthers;

static void handler(int signal) {
  (void)signal;
  if (pthread_equal(pthread_self(), first)) toFirst++;
  else toOthers++;
}

static long cpu_ms(void) {
  struct timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void *spin(void *argument) {
  volatile long count = 0;
  while (cpu_ms() < (long)argument)
    for (int i = 0; i < 300000; i++) count += i;
  return NULL;
}

static void in_thread(const char *timer) {
  pthread_t thread;
  toFirst = toOthers = 0;
  pthread_create(&thread, NULL, spin, (void *)250);
  pthread_join(thread, NULL);
  printf("%s: %s\n", timer, toOthers >= 8 && toFirst * 4 < toOthers ? "the thread that runs" : "another thread");
}

int main(void) {
  first = pthread_self();
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(SIGPROF, &action, NULL);
  sigaction(SIGVTALRM, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);

  struct itimerval every = {{0, 10000}, {0, 10000}}, off = {{0, 0}, {0, 0}};
  setitimer(ITIMER_PROF, &every, NULL);
  in_thread("ITIMER_PROF");
  setitimer(ITIMER_PROF, &off, NULL);
  setitimer(ITIMER_VIRTUAL, &every, NULL);
  in_thread("ITIMER_VIRTUAL");
  setitimer(ITIMER_VIRTUAL, &off, NULL);

  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  struct itimerspec often = {{0, 10000000}, {0, 10000000}};
  timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
  timer_settime(timer, 0, &often, NULL);
  in_thread("timer_create");
  timer_delete(timer);

  /* Those that run share them. */
  setitimer(ITIMER_PROF, &every, NULL);
  pthread_t threads[2];
  toFirst = toOthers = 0;
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, spin, (void *)250);
  long start = cpu_ms();
  spin((void *)(start + 250));
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  printf("three threads: the first %s, the others %s\n", toFirst >= 4 ? "some" : "none", toOthers >= 8 ? "more" : "none");
  return 0;
}
