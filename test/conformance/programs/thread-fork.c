/* Threads that fork at once, and children that make threads of their own. */
#include "../check.h"

enum { FORKERS = 8, ROUNDS = 12 };
static int good[FORKERS];

static void *nothing(void *argument) {
  usleep(1000);
  return argument;
}

static void *forker(void *argument) {
  int *count = argument;
  for (int i = 0; i < ROUNDS; i++) {
    usleep(500 * (i % 4));
    pid_t pid = fork();
    if (pid == 0) {
      pthread_t threads[3];
      for (int k = 0; k < 3; k++) pthread_create(&threads[k], NULL, nothing, NULL);
      for (int k = 0; k < 3; k++) pthread_join(threads[k], NULL);
      _exit(7);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    *count += WIFEXITED(status) && WEXITSTATUS(status) == 7;
  }
  return NULL;
}

int main(void) {
  pthread_t threads[FORKERS];
  int sum = 0;
  for (int i = 0; i < FORKERS; i++) pthread_create(&threads[i], NULL, forker, &good[i]);
  for (int i = 0; i < FORKERS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < FORKERS; i++) sum += good[i];
  printf("%d of %d\n", sum, FORKERS * ROUNDS);
  return 0;
}
