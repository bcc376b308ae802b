/* What one thread unmaps another one gets at once, and uses: nobody's pages go with those of the one before. */
#include "../check.h"
#include <pthread.h>
#include <sys/mman.h>

#define THREADS 4
#define CHILDREN 40
#define ROUNDS 60
#define SIZE (64 * 1024)

static int wrong;
/* Where somebody has just unmapped something, or is about to: malloc asks for the next heap there, too. */
static unsigned char *last;

static void *use(void *name) {
  unsigned char own = (unsigned char)(1 + (size_t)name);
  for (int i = 0; i < ROUNDS; i++) {
    unsigned char *area = mmap(__atomic_load_n(&last, __ATOMIC_SEQ_CST), SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || mprotect(area, SIZE, PROT_READ | PROT_WRITE)) __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
    for (int at = 0; at < SIZE; at += 4096) area[at] = own;
    for (int at = 0; at < SIZE; at += 4096)
      if (area[at] != own) __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&last, area, __ATOMIC_SEQ_CST);
    munmap(area, SIZE);
  }
  return NULL;
}

/* Each child for itself begins with calls that are new to the platform. */
static int child(void) {
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, use, (void *)i);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  return wrong != 0;
}

int main(void) {
  int good = 0;
  for (int i = 0; i < CHILDREN; i++) {
    int status = -1;
    if (fork() == 0) _exit(child());
    wait(&status);
    good += status == 0;
  }
  printf("good: %d of %d\n", good, CHILDREN);
  return 0;
}
