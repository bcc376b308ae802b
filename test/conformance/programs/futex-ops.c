/* futex(2): wake counts, requeue, bitsets, PI, errors, timeouts, shared and private keys; membarrier, rseq, sched calls. */
#include "../check.h"
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/random.h>
#include <sys/uio.h>

static int word, other;
static volatile int woken;
#define F(...) syscall(SYS_futex, __VA_ARGS__)
static void *wait_plain(void *a) {
  F(&word, FUTEX_WAIT | (a ? FUTEX_PRIVATE_FLAG : 0), 0, NULL);
  __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}
static void *wait_bit(void *a) {
  F(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (int)(long)a);
  __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

int main(void) {
  pthread_t t[10];
  struct timespec ts = {0, 10000000}, bad = {0, -1}, past = {1, 0};
  T(F(&word, 99, 0, NULL));
  T(F(&word, FUTEX_WAIT, 1, NULL));
  T(F((char *)&word + 1, FUTEX_WAIT, 0, NULL));
  T(F(8, FUTEX_WAIT, 0, NULL));
  T(F(8, FUTEX_WAKE, 1));
  T(F(4096, FUTEX_WAKE_PRIVATE, 1));
  T(F(&word, FUTEX_WAIT, 0, &bad));
  T(F(&word, FUTEX_WAIT, 0, &ts));
  T(F(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, -1));
  T(F(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &past, NULL, -1));
  T(F(&word, FUTEX_WAIT_BITSET, 0, &ts, NULL, 0));
  T(F(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
  T(F(&word, FUTEX_WAKE, 10));
  T(F(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 10));
  T(F(&word, FUTEX_FD, 10));
  for (long i = 0; i < 5; i++) pthread_create(&t[i], NULL, wait_plain, (void *)1);
  sleep_ms(30);
  T(F(&word, FUTEX_WAKE, 2));
  T(F(&word, FUTEX_WAKE_PRIVATE, 2));
  T(F(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 10, &other, 7));
  T(F(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 10, &other, 0));
  T(F(&word, FUTEX_WAKE_PRIVATE, 10));
  T(F(&other, FUTEX_WAKE_PRIVATE, 10));
  T(F(&word, FUTEX_REQUEUE_PRIVATE, -1, 10, &other, 0));
  sleep_ms(20);
  printf("woken %d\n", woken);
  for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
  woken = 0;
  for (long i = 0; i < 3; i++) pthread_create(&t[i], NULL, wait_bit, (void *)(1l << i));
  sleep_ms(30);
  T(F(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 8));
  T(F(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 3));
  T(F(&word, FUTEX_WAKE_PRIVATE, 10));
  for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
  pthread_create(&t[0], NULL, wait_plain, (void *)1);
  sleep_ms(20);
  other = 5;
  T(F(&other, FUTEX_WAKE_OP_PRIVATE, 1, 1, &word, FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 0)));
  printf("word %d\n", word);
  pthread_join(t[0], NULL);
  T(F(&other, FUTEX_WAKE_OP_PRIVATE, 1, 1, &word, FUTEX_OP(9, 3, FUTEX_OP_CMP_EQ, 0)));
  int pi = 0;
  T(F(&pi, FUTEX_LOCK_PI, 0, NULL));
  IS(pi == syscall(SYS_gettid));
  T(F(&pi, FUTEX_LOCK_PI, 0, NULL));
  T(F(&pi, FUTEX_TRYLOCK_PI, 0, NULL));
  T(F(&pi, FUTEX_UNLOCK_PI, 0));
  T(F(&pi, FUTEX_UNLOCK_PI, 0));
  pi = 1 << 22;
  T(F(&pi, FUTEX_LOCK_PI, 0, NULL));
  /* shared by memory */
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) _exit(F(shared, FUTEX_WAIT, 0, NULL) ? 1 : 0);
  sleep_ms(30);
  T(F(shared, FUTEX_WAKE_PRIVATE, 1));
  T(F(shared, FUTEX_WAKE, 1));
  int st;
  waitpid(p, &st, 0);
  say_status("waiter", st);
  int fd = open("f", O_CREAT | O_RDWR, 0600);
  ftruncate(fd, 4096);
  int *a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  p = fork();
  if (p == 0) {
    int *b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, open("f", O_RDWR), 0);
    _exit(F(b + 3, FUTEX_WAIT, 0, NULL) ? 1 : 0);
  }
  sleep_ms(50);
  T(F(a + 3, FUTEX_WAKE, 1));
  waitpid(p, &st, 0);
  say_status("waiter by file", st);
  /* odds and ends */
  T(syscall(SYS_set_robust_list, 8, 1));
  T(syscall(SYS_get_robust_list, 1 << 22, &a, &fd));
  T(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) > 0);
  T(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0));
  T(syscall(SYS_membarrier, 1 << 20, 0, 0));
  cpu_set_t set;
  T(sched_getaffinity(0, sizeof set, &set));
  T(syscall(SYS_sched_getaffinity, 0, 1, &set));
  T(syscall(SYS_sched_getaffinity, 1 << 22, 8, &set));
  CPU_ZERO(&set);
  T(sched_setaffinity(0, sizeof set, &set));
  CPU_SET(0, &set);
  T(sched_setaffinity(0, sizeof set, &set));
  IS(sched_getcpu() >= 0);
  struct sched_param sp = {0};
  T(sched_getscheduler(0));
  T(sched_getparam(0, &sp));
  sp.sched_priority = 1;
  T(sched_setscheduler(0, SCHED_OTHER, &sp));
  T(sched_setscheduler(0, 77, &sp));
  T(sched_get_priority_max(SCHED_FIFO));
  T(sched_get_priority_min(SCHED_OTHER));
  T(sched_get_priority_max(77));
  T(sched_yield());
  T(getrandom(&st, 4, 0));
  T(getrandom(&st, 4, 16));
  T(getrandom((void *)8, 4, 0));
  struct utsname u;
  T(uname(&u));
  IS(!strcmp(u.sysname, "Linux") && !strcmp(u.machine, "x86_64"));
  T(uname((void *)8));
  struct sysinfo si;
  T(sysinfo(&si));
  IS(si.mem_unit > 0 && si.totalram > si.freeram && si.procs > 0);
  char b[10] = "";
  struct iovec l = {b, 5}, r = {"other", 5}, e = {(void *)8, 5};
  T(process_vm_readv(getpid(), &l, 1, &r, 1, 0));
  T(process_vm_readv(getpid(), &l, 1, &e, 1, 0));
  T(process_vm_readv(getpid(), &l, 1, &r, 1, 1));
  T(process_vm_readv(1 << 22, &l, 1, &r, 1, 0));
  T(process_vm_writev(getpid(), &r, 1, &l, 1, 0));
  T(syscall(SYS_personality, 0xffffffff));
  T(syscall(999));
  T(syscall(-1));
  T(syscall(SYS_sethostname, "x", -1));
  T(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
  T(syscall(SYS_arch_prctl, 0x9999, 0));
  return 0;
}
