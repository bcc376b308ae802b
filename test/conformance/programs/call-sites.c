/* Call sites of every shape, called until the platform knows them: jumps into their middle, signals, forks, threads, GS. */
#include "../check.h"
#include <asm/prctl.h>
#include <ucontext.h>

/* long f(nr, a, b, c): the number may also be fixed in the code. */
__asm__(
    ".text\n"
    ".globl go_like, xor_like, mov_like, store_like, shared_tail, other_entry, middle_target, plain_site, many_site, sleep_site\n"
    "go_like:\n mov %rdi,%rax\n mov %rsi,%rdi\n mov %rdx,%rsi\n mov %rcx,%rdx\n syscall\n cmp $0xfffffffffffff001,%rax\n jbe 1f\n neg %rax\n neg %rax\n1: ret\n"
    "xor_like:\n xor %eax,%eax\n syscall\n cmp $-4096,%rax\n ret\n"
    "mov_like:\n mov %edi,%eax\n syscall\n mov %rax,%r8\n mov %r8,%rax\n ret\n"
    "store_like:\n mov %edi,%eax\n sub $24,%rsp\n syscall\n mov %rax,8(%rsp)\n mov 8(%rsp),%rax\n add $24,%rsp\n ret\n"
    /* futex(word, op, value, 0) */
    "sleep_site:\n mov $202,%eax\n xor %r10d,%r10d\n syscall\n mov %rax,%rcx\n mov %rcx,%rax\n ret\n"
    /* A `mov` of another number joins at the `syscall` of a fixed one. */
    "shared_tail:\n mov $39,%eax\nother_entry:\n syscall\n ret\n"
    /* The code behind a `syscall` is entered without it. */
    "plain_site:\n mov $110,%eax\n mov $0,%edi\n syscall\nmiddle_target:\n mov %rax,%rdx\n mov %rdx,%rax\n ret\n"
    "many_site:\n mov $186,%eax\n cmp $0,%edi\n syscall\n mov %rax,%rcx\n mov %rcx,%rax\n ret\n");
extern long go_like(long nr, long a, long b, long c), xor_like(int fd, void *to, long n), mov_like(long nr), store_like(long nr), shared_tail(void), plain_site(void), many_site(void), sleep_site(unsigned *word, int op, unsigned value);
extern char other_entry[], middle_target[];

static long jump_to(char *to, long rax) {
  long result = rax;
  __asm__ volatile("call *%1" : "+a"(result) : "r"(to) : "rcx", "rdx", "r8", "r11", "memory");
  return result;
}

static void shapes(void) {
  int good = 0, zero = open("/dev/zero", O_RDONLY);
  long pid = getpid(), parent = getppid();
  for (int i = 0; i < 40; i++) {
    char byte = 7;
    good += go_like(SYS_getppid, 0, 0, 0) == parent;
    good += go_like(SYS_dup, 1000, 0, 0) == -EBADF;
    good += xor_like(zero, &byte, 1) == 1 && byte == 0;
    good += xor_like(1000, &byte, 1) == -EBADF;
    good += mov_like(SYS_getpid) == pid;
    good += store_like(SYS_getpid) == pid;
    good += shared_tail() == pid;
    good += jump_to(other_entry, SYS_getppid) == parent;
    good += plain_site() == parent;
    good += jump_to(middle_target, 77) == 77;
    good += syscall(SYS_getppid) == parent;
  }
  printf("shapes: %d of %d\n", good, 40 * 11);
}

/* Handlers see an address of the program, whatever call they interrupt, and calls go on behind them. */
static volatile long handlers, strange;
static void on_timer(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  unsigned long rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
  handlers++;
  /* Below the program there is nothing; trampolines are no place for a program to be. */
  if (rip < 0x100000) strange++;
}

static void signals(void) {
  struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 300}, {0, 300}};
  setitimer(ITIMER_REAL, &timer, NULL);
  long parent = getppid(), wrong = 0, end = now_ms() + 700;
  while (now_ms() < end) {
    for (int i = 0; i < 50; i++) {
      wrong += go_like(SYS_getppid, 0, 0, 0) != parent;
      wrong += mov_like(SYS_getppid) != parent;
      wrong += plain_site() != parent;
      wrong += syscall(SYS_getppid) != parent;
    }
  }
  timer.it_value.tv_usec = timer.it_interval.tv_usec = 0;
  setitimer(ITIMER_REAL, &timer, NULL);
  printf("signals: came %d, wrong results %ld, strange places %ld\n", handlers > 50, wrong, strange);
}

/* A call that sleeps at such a site is cut short, or restarted with the same arguments. */
static void quiet(int signal) { (void)signal; }
static void interrupted(int flags) {
  int fds[2];
  pipe(fds);
  struct sigaction action = {.sa_handler = quiet, .sa_flags = flags};
  sigaction(SIGUSR1, &action, NULL);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 5; i++) {
      usleep(20000);
      kill(getppid(), SIGUSR1);
    }
    usleep(20000);
    write(fds[1], "x", 1);
    _exit(0);
  }
  char byte = 0;
  long cuts = 0, got;
  while ((got = go_like(SYS_read, fds[0], (long)&byte, 1)) == -EINTR) cuts++;
  printf("%s: read %ld %c, cut %s\n", flags ? "restarting" : "cut short", got, byte, cuts ? "often" : "never");
  waitpid(child, NULL, 0);
  close(fds[0]);
  close(fds[1]);
}

static void forks(void) {
  int good = 0;
  for (int i = 0; i < 40; i++) {
    pid_t child = (pid_t)go_like(SYS_fork, 0, 0, 0);
    if (child == 0) _exit(go_like(SYS_getppid, 0, 0, 0) == mov_like(SYS_getppid) ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    good += status == 0;
  }
  printf("forks: %d of 40\n", good);
}

/* All come to a site that is new to the platform at the same time. */
static pthread_barrier_t barrier;
static void *caller(void *arg) {
  long wrong = 0, self = syscall(SYS_gettid);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < 3000; i++) wrong += many_site() != self;
  *(long *)arg = wrong;
  return NULL;
}
static void threads(void) {
  pthread_t threads[4];
  long wrong[4];
  pthread_barrier_init(&barrier, NULL, 4);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, caller, &wrong[i]);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("threads: wrong %ld\n", wrong[0] + wrong[1] + wrong[2] + wrong[3]);
}

/* All calls at a site sleep, from the first one on. */
static unsigned turn;
static void pass_on(unsigned mine) {
  while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != mine) sleep_site(&turn, 0, !mine);
  __atomic_store_n(&turn, !mine, __ATOMIC_RELEASE);
  sleep_site(&turn, 1, 1);
}
static void *passer(void *unused) {
  for (int i = 0; i < 2000; i++) pass_on(1);
  return unused;
}
static void sleepers(void) {
  signal(SIGALRM, quiet);
  struct itimerval timer = {{0, 500}, {0, 500}}, none = {{0, 0}, {0, 0}};
  pthread_t thread;
  pthread_create(&thread, NULL, passer, NULL);
  for (int i = 0; i < 1000; i++) pass_on(0);
  setitimer(ITIMER_REAL, &timer, NULL);
  for (int i = 0; i < 1000; i++) pass_on(0);
  setitimer(ITIMER_REAL, &none, NULL);
  pthread_join(thread, NULL);
  printf("sleepers: turn %u\n", turn);
  /* Killed while it sleeps there, and cut short. */
  pid_t child = fork();
  if (child == 0) {
    for (;;) sleep_site(&turn, 0, turn);
  }
  usleep(20000);
  kill(child, SIGALRM);
  usleep(20000);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  say_status("sleeper", status);
}

static long gs_word(long offset) {
  long value;
  __asm__ volatile("mov %%gs:(%1), %0" : "=r"(value) : "r"(offset));
  return value;
}
static void *gs_thread(void *arg) {
  static long own[64];
  own[0] = 444;
  T(syscall(SYS_arch_prctl, ARCH_SET_GS, own));
  printf("thread's gs: %ld\n", gs_word(0));
  (void)arg;
  return NULL;
}
static void gs(void) {
  static long area[64];
  unsigned long base = 1;
  T(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  printf("gs base %lx\n", base);
  for (int i = 0; i < 64; i++) area[i] = 1000 + i;
  T(syscall(SYS_arch_prctl, ARCH_SET_GS, area));
  T(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
  printf("own base %d, words %ld %ld\n", base == (unsigned long)area, gs_word(0), gs_word(24));
  long parent = getppid(), wrong = 0;
  for (int i = 0; i < 200; i++) wrong += go_like(SYS_getppid, 0, 0, 0) != parent || mov_like(SYS_getppid) != parent || plain_site() != parent;
  long changed = 0;
  for (int i = 0; i < 64; i++) changed += area[i] != 1000 + i;
  printf("wrong %ld, changed %ld, word %ld\n", wrong, changed, gs_word(40));
  struct sigaction action = {.sa_handler = quiet};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  printf("after a handler %ld\n", gs_word(8));
  pid_t child = fork();
  if (child == 0) {
    printf("child's gs %ld\n", gs_word(16));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, gs_thread, NULL);
  pthread_join(thread, NULL);
  printf("mine is still %ld\n", gs_word(0));
  T(syscall(SYS_arch_prctl, ARCH_SET_GS, -1L));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  sleepers();
  shapes();
  signals();
  interrupted(0);
  interrupted(SA_RESTART);
  forks();
  threads();
  shapes();
  gs();
  return 0;
}
