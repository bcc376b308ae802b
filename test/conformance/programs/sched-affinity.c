/* sched_setaffinity(2) decides where a thread runs: its siblings', its children's and its successor's threads too. */
#include "../check.h"

static cpu_set_t all;
static int first = -1, last = -1;

static int bind_to(pid_t tid, int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return sched_setaffinity(tid, sizeof one, &one);
}

/* How often this thread was found elsewhere. */
static int strays(int cpu, int rounds) {
  int count = 0;
  for (int i = 0; i < rounds; i++) {
    unsigned now = 0;
    if (sched_getcpu() != cpu) count++;
    syscall(SYS_getcpu, &now, NULL, NULL);
    if ((int)now != cpu) count++;
    if (i % 16 == 0) sleep_ms(1);
    else syscall(SYS_getppid);
  }
  return count;
}

static void allowed(const char *who) {
  char line[256];
  cpu_set_t mask;
  FILE *status = fopen("/proc/thread-self/status", "r");
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  while (fgets(line, sizeof line, status))
    if (!strncmp(line, "Cpus_allowed_list", 17)) printf("%s: %d CPUs, %s", who, CPU_COUNT(&mask), strchr(line, ':') + 2);
  fclose(status);
}

static pthread_barrier_t barrier;
static pid_t sibling;

static void *thread(void *unused) {
  (void)unused;
  printf("inherited: %d strays\n", strays(last, 50));
  sibling = gettid();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  printf("bound by a sibling: %d strays\n", strays(first, 100));
  allowed("thread");
  pthread_barrier_wait(&barrier);
  return NULL;
}

int main(int argc, char **argv) {
  (void)argv;
  sched_getaffinity(0, sizeof all, &all);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &all)) {
      if (first < 0) first = cpu;
      last = cpu;
    }
  if (argc > 1) {
    printf("after exec: %d strays\n", strays(last, 50));
    allowed("after exec");
    return 0;
  }
  allowed("at first");
  for (int round = 0; round < 4; round++) {
    T(bind_to(0, first));
    printf("first: %d strays\n", strays(first, 100));
    T(bind_to(0, last));
    printf("last: %d strays\n", strays(last, 100));
  }
  allowed("last");
  pthread_t other;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_create(&other, NULL, thread, NULL);
  pthread_barrier_wait(&barrier);
  T(bind_to(sibling, first));
  pthread_barrier_wait(&barrier);
  int own = strays(last, 100);
  pthread_barrier_wait(&barrier);
  pthread_join(other, NULL);
  printf("the other is where it was: %d strays\n", own);
  IN_CHILD("child", printf("child: %d strays\n", strays(last, 50)); allowed("child"));
  pid_t pid = fork();
  if (pid == 0) {
    execl("/proc/self/exe", "again", "again", NULL);
    _exit(1);
  }
  waitpid(pid, NULL, 0);
  T(sched_setaffinity(0, sizeof all, &all));
  allowed("all again");
  cpu_set_t none;
  CPU_ZERO(&none);
  T(sched_setaffinity(0, sizeof none, &none));
  T(sched_setaffinity(0, sizeof none, NULL));
  T(sched_setaffinity(0x3ffffff, sizeof all, &all));
  T(sched_setaffinity(0, 0, &all));
  T(syscall(SYS_sched_getaffinity, 0, 3, &all));
  T(syscall(SYS_sched_getaffinity, 0, 8, NULL) == -1 ? -1 : 0);
  return 0;
}
