/* Threads: creation, joining, cancelling, TLS, many at once, locks of every kind. */
#include "../check.h"

static __thread int local = 5;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cv = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static long counter, serials;
static pthread_key_t key;
static int destroyed;

static void *add(void *a) {
  local += (int)(long)a;
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_lock(&m);
    counter++;
    pthread_mutex_unlock(&m);
  }
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch(&serials, 1, __ATOMIC_SEQ_CST);
  return (void *)(long)local;
}
static void cleanup(void *a) { *(int *)a += 1; }
static void destructor(void *a) {
  (void)a;
  __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}
static int cleaned;
static void *sleeper(void *a) {
  pthread_cleanup_push(cleanup, &cleaned);
  pthread_setspecific(key, a ? a : &cleaned);
  if (a) pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
  if (a)
    for (;;) __asm__ volatile("");
  pause();
  pthread_cleanup_pop(0);
  return NULL;
}
static void *reader(void *a) {
  char c;
  return (void *)(long)read((int)(long)a, &c, 1);
}
static void *waiter(void *a) {
  (void)a;
  pthread_mutex_lock(&m);
  while (counter != -1) pthread_cond_wait(&cv, &m);
  pthread_mutex_unlock(&m);
  return NULL;
}
static void *rwlocker(void *a) {
  for (int i = 0; i < 200; i++) {
    if ((long)a % 4) {
      pthread_rwlock_rdlock(&rw);
      pthread_rwlock_unlock(&rw);
    } else {
      pthread_rwlock_wrlock(&rw);
      serials++;
      pthread_rwlock_unlock(&rw);
    }
  }
  return NULL;
}
static void *die_with_lock(void *a) {
  pthread_mutex_lock(a);
  return NULL;
}
static void *take(void *a) {
  pthread_mutex_lock(a);
  counter++;
  pthread_mutex_unlock(a);
  return NULL;
}

int main(void) {
  pthread_t t[200];
  void *r;
  pthread_key_create(&key, destructor);
  pthread_barrier_init(&barrier, NULL, 200);
  int failed = 0;
  for (long i = 0; i < 200; i++) failed += pthread_create(&t[i], NULL, add, (void *)i) != 0;
  long sum = 0;
  for (int i = 0; i < 200; i++) {
    pthread_join(t[i], &r);
    sum += (long)r;
  }
  printf("200 threads: failed %d counter %ld sum %ld local %d serials %ld\n", failed, counter, sum, local, serials);
  P(pthread_create(&t[0], NULL, sleeper, NULL));
  sleep_ms(20);
  P(pthread_cancel(t[0]));
  P(pthread_join(t[0], &r));
  printf("cancelled %d cleaned %d destroyed %d\n", r == PTHREAD_CANCELED, cleaned, destroyed);
  P(pthread_create(&t[0], NULL, sleeper, &local));
  sleep_ms(20);
  P(pthread_cancel(t[0]));
  P(pthread_join(t[0], &r));
  printf("async cancelled %d cleaned %d destroyed %d\n", r == PTHREAD_CANCELED, cleaned, destroyed);
  int fd[2];
  if (pipe(fd)) return 1;
  pthread_create(&t[0], NULL, reader, (void *)(long)fd[0]);
  sleep_ms(10);
  P(pthread_tryjoin_np(t[0], &r));
  pthread_cancel(t[0]);
  P(pthread_join(t[0], &r));
  printf("reader cancelled %d\n", r == PTHREAD_CANCELED);
  for (int i = 0; i < 20; i++) pthread_create(&t[i], NULL, waiter, NULL);
  sleep_ms(20);
  pthread_mutex_lock(&m);
  counter = -1;
  pthread_cond_broadcast(&cv);
  pthread_mutex_unlock(&m);
  for (int i = 0; i < 20; i++) pthread_join(t[i], NULL);
  printf("broadcast ok\n");
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  at.tv_nsec += 20000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  pthread_mutex_lock(&m);
  P(pthread_cond_timedwait(&cv, &m, &at));
  P(pthread_mutex_trylock(&m));
  P(pthread_mutex_timedlock(&m, &at));
  pthread_mutex_unlock(&m);
  serials = 0;
  for (long i = 0; i < 16; i++) pthread_create(&t[i], NULL, rwlocker, (void *)i);
  for (int i = 0; i < 16; i++) pthread_join(t[i], NULL);
  printf("rwlock writes %ld\n", serials);
  pthread_mutexattr_t ma;
  pthread_mutex_t pm;
  for (int robust = 0; robust < 2; robust++)
    for (int protocol = 0; protocol < 2; protocol++) {
      pthread_mutexattr_init(&ma);
      if (robust) pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
      pthread_mutexattr_settype(&ma, PTHREAD_MUTEX_ERRORCHECK);
      if (protocol) pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
      printf("robust %d PI %d\n", robust, protocol);
      P(pthread_mutex_init(&pm, &ma));
      P(pthread_mutex_lock(&pm));
      P(pthread_mutex_lock(&pm));
      P(pthread_mutex_unlock(&pm));
      P(pthread_mutex_unlock(&pm));
      counter = 0;
      pthread_mutex_lock(&pm);
      for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, take, &pm);
      sleep_ms(10);
      pthread_mutex_unlock(&pm);
      for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
      printf("taken %ld\n", counter);
      if (robust) {
        pthread_create(&t[0], NULL, die_with_lock, &pm);
        pthread_join(t[0], NULL);
        P(pthread_mutex_trylock(&pm));
        P(pthread_mutex_consistent(&pm));
        P(pthread_mutex_unlock(&pm));
        pthread_create(&t[0], NULL, die_with_lock, &pm);
        pthread_join(t[0], NULL);
        P(pthread_mutex_lock(&pm));
        P(pthread_mutex_unlock(&pm));
        P(pthread_mutex_lock(&pm));
      }
      pthread_mutex_destroy(&pm);
    }
  /* a robust lock shared by processes */
  pthread_mutex_t *sm = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&ma);
  pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(sm, &ma);
  IN_CHILD("dies with the lock", pthread_mutex_lock(sm); kill(getpid(), SIGKILL));
  P(pthread_mutex_lock(sm));
  P(pthread_mutex_consistent(sm));
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    int rc = pthread_mutex_lock(sm);
    printf("in the child: %s\n", error_name(rc));
    exit(0);
  }
  sleep_ms(20);
  pthread_mutex_unlock(sm);
  waitpid(p, NULL, 0);
  return 0;
}
