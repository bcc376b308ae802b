/* The ends of processes with threads: exit_group, exec, main's pthread_exit, fatal signals, fork in a thread. */
#include "../check.h"
#include <linux/futex.h>

static int pipefd[2];
static void *block(void *a) {
  char c;
  int f = 0;
  switch ((long)a % 5) {
    case 0: return (void *)(long)read(pipefd[0], &c, 1);
    case 1: return (void *)syscall(SYS_futex, &f, FUTEX_WAIT, 0, NULL);
    case 2: sleep_ms(100000); return NULL;
    case 3: for (;;) __asm__ volatile("");
    default: for (;;) getppid();
  }
}
static void start(int n) {
  pthread_t t;
  for (long i = 0; i < n; i++)
    if (pthread_create(&t, NULL, block, (void *)i)) _exit(77);
  sleep_ms(10);
}
static void *run_exec(void *a) {
  (void)a;
  execl("/bin/sh", "sh", "-c", "echo $(($$ == $EXPECT)) $(ls /proc/$$/task | wc -l); exit 5", NULL);
  return NULL;
}
static void *run_exit(void *a) { _exit((int)(long)a); }
static void *late(void *a) {
  sleep_ms(30);
  printf("last thread\n");
  fflush(stdout);
  if (a) exit(9);
  return NULL;
}
static void *told(void *a) {
  char c;
  if (read(((int *)a)[0], &c, 1) == 1) printf("last thread\n");
  return NULL;
}
static void *run_fork(void *a) {
  (void)a;
  pid_t p = fork();
  if (p == 0) {
    printf("fork in a thread: tid is pid %d\n", syscall(SYS_gettid) == getpid());
    exit(6);
  }
  int st;
  waitpid(p, &st, 0);
  say_status("forked by a thread", st);
  return NULL;
}
static void *segv(void *a) {
  (void)a;
  *(volatile int *)8 = 1;
  return NULL;
}
static void *ids(void *a) {
  (void)a;
  printf("getpid same %d tid differs %d\n", getpid() == *(pid_t *)a, syscall(SYS_gettid) != getpid());
  IS(getpgid(syscall(SYS_gettid)) == getpgrp());
  T(setpgid(syscall(SYS_gettid), 0));
  T(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0));
  T(kill(syscall(SYS_gettid), 0));
  T(waitpid(syscall(SYS_gettid), NULL, 0));
  return NULL;
}

int main(void) {
  pthread_t t;
  if (pipe(pipefd)) return 1;
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  IN_CHILD("exit_group", start(10); _exit(3));
  IN_CHILD("return of main", start(10); exit(4));
  IN_CHILD("exit_group by a thread", start(9); pthread_create(&t, NULL, run_exit, (void *)8L); pause());
  IN_CHILD("exec by main", char text[32]; sprintf(text, "%d", getpid()); setenv("EXPECT", text, 1); start(10); run_exec(NULL));
  IN_CHILD("exec by a thread", char text[32]; sprintf(text, "%d", getpid()); setenv("EXPECT", text, 1); start(9);
           pthread_create(&t, NULL, run_exec, NULL); pause());
  IN_CHILD("exec after main is gone", char text[32]; sprintf(text, "%d", getpid()); setenv("EXPECT", text, 1);
           pthread_create(&t, NULL, run_exec, NULL); pthread_exit(NULL));
  IN_CHILD("exec fails in a thread", start(4); execl("/nowhere", "x", NULL); printf("%s\n", error_name(errno)));
  IN_CHILD("SIGKILL", start(10); kill(getpid(), SIGKILL));
  IN_CHILD("SIGTERM", start(10); kill(getpid(), SIGTERM); pause());
  IN_CHILD("fault in a thread", start(5); pthread_create(&t, NULL, segv, NULL); pause());
  IN_CHILD("main leaves", pthread_create(&t, NULL, late, NULL); fflush(stdout); pthread_exit(NULL));
  IN_CHILD("main leaves by exit(2)", pthread_create(&t, NULL, late, NULL); fflush(stdout); syscall(SYS_exit, 12));
  IN_CHILD("main leaves, a thread exits with 9", pthread_create(&t, NULL, late, pipefd); syscall(SYS_exit, 12));
  pthread_create(&t, NULL, run_fork, NULL);
  pthread_join(t, NULL);
  pid_t me = getpid();
  pthread_create(&t, NULL, ids, &me);
  pthread_join(t, NULL);
  /* a stopped process stops all of its threads; continued they go on */
  int st;
  volatile long *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t p = fork();
  if (p == 0) {
    start(5);
    for (;;) shared[0]++;
  }
  sleep_ms(40);
  kill(p, SIGSTOP);
  waitpid(p, &st, WUNTRACED);
  say_status("stopped", st);
  long seen = shared[0];
  sleep_ms(20);
  IS(shared[0] == seen);
  kill(p, SIGCONT);
  waitpid(p, &st, WCONTINUED);
  while (shared[0] == seen) sleep_ms(1);
  kill(p, SIGSTOP);
  waitpid(p, &st, WUNTRACED);
  kill(p, SIGKILL);
  waitpid(p, &st, 0);
  say_status("killed while stopped", st);
  /* a thread leader that is a zombie is not waitable while others live */
  p = fork();
  if (p == 0) {
    pthread_create(&t, NULL, told, pipefd);
    syscall(SYS_exit, 3);
  }
  wait_state(p, 'Z');
  T(waitpid(p, &st, WNOHANG));
  T(kill(p, 0));
  if (write(pipefd[1], "x", 1) != 1) return 1;
  T(waitpid(p, &st, 0) == p);
  say_status("zombie leader", st);
  return 0;
}
