/* Threads that hand over to each other all the time keep what is theirs: thread-local storage, rounding mode, FPU registers; alarms, forks and spawns between. */
#include "../check.h"
#include <fenv.h>
#include <spawn.h>
#include <sys/time.h>
#include <sys/wait.h>

#define THREADS 6
#define TURNS 2000

extern char **environ;
static const int modes[4] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long turn;
static volatile int alarms;
static __thread long local;

static void on_alarm(int signal) {
  volatile double x = signal;
  alarms++;
  x *= 1.5;
}

static void wrong(const char *what) {
  printf("wrong: %s\n", what);
  fflush(stdout);
  _exit(1);
}

static void child(long id, int spawns) {
  char *arguments[] = {"true", NULL};
  int status;
  pid_t pid;
  if (spawns) {
    if (posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ)) wrong("spawn");
  } else if ((pid = fork()) == 0)
    _exit(local != id * 77 || fegetround() != modes[id & 3]);
  if (waitpid(pid, &status, 0) != pid || status) wrong("child");
}

static void *work(void *argument) {
  long id = (long)argument;
  double x = (double)id + 0.1, y = x;
  local = id * 77;
  fesetround(modes[id & 3]);
  for (int i = 0; i < TURNS; i++) {
    pthread_mutex_lock(&mutex);
    while (turn % THREADS != id) pthread_cond_wait(&turned, &mutex);
    turn++;
    pthread_cond_broadcast(&turned);
    pthread_mutex_unlock(&mutex);
    if (local != id * 77) wrong("thread-local storage");
    if (fegetround() != modes[id & 3]) wrong("rounding mode");
    x = x * 1.0000001 + 0.3;
    y = y * 1.0000001 + 0.3;
    if (x != y) wrong("arithmetic");
    if (i % 256 == 0 || i % 1024 == 5) child(id, i % 256 != 0);
  }
  return argument;
}

static void *twice(void *argument) {
  local = (long)argument;
  return (void *)(local * 2);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  struct itimerval every = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  pthread_t threads[40];
  void *result;
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &every, NULL);
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  for (long i = 0; i < THREADS; i++)
    if (pthread_join(threads[i], &result) || result != (void *)i) wrong("join");
  printf("turns %ld\n", turn);
  for (int round = 0; round < 20; round++) {
    for (long i = 0; i < 40; i++)
      if (pthread_create(&threads[i], NULL, twice, (void *)i)) wrong("create");
    for (long i = 0; i < 40; i++)
      if (pthread_join(threads[i], &result) || result != (void *)(i * 2)) wrong("result");
  }
  setitimer(ITIMER_REAL, &never, NULL);
  printf("alarms %s\n", alarms > 0 ? "came" : "did not come");
  return 0;
}
