/* Threads of one process that map files, new ones and common ones, at the same time: each sees the bytes of its own. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 100 };

static int common[THREADS];
static int wrong[THREADS];

static void make_text(char *text, int id, int round) {
  memset(text, 0, 64);
  snprintf(text, 64, "file of %d in round %d", id, round);
}

static int shows(int fd, int flags, int id, int round) {
  char expected[64];
  make_text(expected, id, round);
  char *at = mmap(NULL, 4096, PROT_READ, flags, fd, 0);
  if (at == MAP_FAILED) return 0;
  int same = memcmp(at, expected, 64) == 0;
  munmap(at, 4096);
  return same;
}

static void *work(void *argument) {
  int id = (int)(long)argument;
  char name[32], text[64];
  snprintf(name, sizeof name, "own-%d", id);
  for (int round = 0; round < ROUNDS; round++) {
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    make_text(text, id, round);
    if (fd < 0 || write(fd, text, 64) != 64) wrong[id]++;
    if (!shows(fd, round & 1 ? MAP_SHARED : MAP_PRIVATE, id, round)) wrong[id]++;
    if (!shows(common[(id + round) % THREADS], MAP_SHARED, 100 + (id + round) % THREADS, 0)) wrong[id]++;
    if (id == 0 && round % 10 == 0) {
      pid_t child = fork();
      if (child == 0) _exit(!shows(fd, MAP_PRIVATE, id, round));
      int status = -1;
      waitpid(child, &status, 0);
      if (status != 0) wrong[id]++;
    }
    close(fd);
    unlink(name);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    char name[32], text[64];
    snprintf(name, sizeof name, "common-%d", i);
    make_text(text, 100 + i, 0);
    common[i] = open(name, O_RDWR | O_CREAT, 0600);
    if (write(common[i], text, 64) != 64) return 1;
  }
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    printf("thread %d: %d wrong\n", i, wrong[i]);
  }
  return 0;
}
