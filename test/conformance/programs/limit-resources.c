/* Resource limits: errors of prlimit, and what each limit does. */
#include "../check.h"

static void set(int what, rlim_t soft, rlim_t hard) {
  struct rlimit l = {soft, hard};
  if (setrlimit(what, &l)) printf("setrlimit %d: %s\n", what, error_name(errno));
}
static volatile int hits;
static void hit(int s) {
  hits++;
  printf("%s\n", signal_name(s));
}
static void *idle(void *a) {
  pause();
  return a;
}

int main(void) {
  struct rlimit l = {10, 5};
  T(setrlimit(RLIMIT_NOFILE, &l));
  T(getrlimit(99, &l));
  T(setrlimit(99, &l));
  T(getrlimit(RLIMIT_NOFILE, (void *)8));
  T(prlimit(1 << 22, RLIMIT_NOFILE, NULL, &l));
  T(prlimit(0, RLIMIT_NOFILE, NULL, &l));
  IN_CHILD("raising as a user", set(RLIMIT_CORE, 0, 100); setresuid(7, 7, 7); set(RLIMIT_CORE, 50, 100); set(RLIMIT_CORE, 50, 101); set(RLIMIT_CORE, 60, 60); set(RLIMIT_CORE, 0, 100);
           T(prlimit(getppid(), RLIMIT_CORE, NULL, &l)));
  IN_CHILD("NOFILE", set(RLIMIT_NOFILE, 6, 6); int p[2]; T(dup(0)); T(dup(0)); T(dup(0)); T(dup(0)); T(pipe(p)); T(open("/dev/null", O_RDONLY)); T(dup2(0, 6)); T(dup2(0, 5));
           T(fcntl(0, F_DUPFD, 6)); T(fcntl(0, F_DUPFD, 0)); set(RLIMIT_NOFILE, 0, 6); T(dup(0)); T(read(0, &l, 0)));
  IN_CHILD("FSIZE", signal(SIGXFSZ, hit); set(RLIMIT_FSIZE, 100, 1000); int fd = open("f", O_CREAT | O_RDWR, 0600); char b[200]; memset(b, 'x', 200); T(write(fd, b, 90));
           T(write(fd, b, 200)); T(write(fd, b, 1)); T(ftruncate(fd, 101)); T(ftruncate(fd, 100)); T(pwrite(fd, b, 1, 100)); T(pwrite(fd, b, 1, 5)); T(fallocate(fd, 0, 0, 200));
           T(lseek(fd, 500, SEEK_SET)); T(write(fd, b, 1)); printf("hits %d\n", hits); signal(SIGXFSZ, SIG_DFL); write(fd, b, 1));
  IN_CHILD("NPROC", setresuid(12345, 12345, 12345); set(RLIMIT_NPROC, 2, 2); pid_t p = fork(); if (p == 0) { pause(); _exit(0); } IS(p > 0); T(fork()); pthread_t t;
           P(pthread_create(&t, NULL, idle, NULL)); kill(p, SIGKILL); wait(NULL); P(pthread_create(&t, NULL, idle, NULL)));
  IN_CHILD("AS", set(RLIMIT_AS, 200 << 20, 200 << 20); T(mmap(NULL, 300 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED); printf("%s\n", error_name(errno));
           char *m = mmap(NULL, 50 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); IS(m != MAP_FAILED);
           T(mremap(m, 50 << 20, 250 << 20, MREMAP_MAYMOVE) == MAP_FAILED); void *big = malloc(400 << 20); IS(big == NULL));
  IN_CHILD("DATA", set(RLIMIT_DATA, 30 << 20, 30 << 20); IS(sbrk(40 << 20) == (void *)-1); printf("%s\n", error_name(errno));
           IS(mmap(NULL, 40 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
           IS(mmap(NULL, 40 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED));
  IN_CHILD("MEMLOCK", setresuid(7, 7, 7); set(RLIMIT_MEMLOCK, 8192, 8192); char *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); T(mlock(m, 4096));
           T(mlock(m, 8192)); T(mlock(m, 12288)); T(mlockall(MCL_CURRENT)); set(RLIMIT_MEMLOCK, 0, 0); T(munlock(m, 8192)); T(mlock(m, 4096)));
  IN_CHILD("CPU", signal(SIGXCPU, hit); set(RLIMIT_CPU, 1, 2); while (!hits) { } printf("over the soft limit\n"); fflush(stdout); signal(SIGXCPU, SIG_IGN); for (;;) { });
  IN_CHILD("SIGPENDING", set(RLIMIT_SIGPENDING, 3, 3); sigset_t s; sigemptyset(&s); sigaddset(&s, SIGRTMIN); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, NULL); setresuid(12346, 12346, 12346); union sigval v = {0};
           for (int i = 0; i < 5; i++) T(sigqueue(getpid(), SIGRTMIN, v)); T(kill(getpid(), SIGRTMIN)); T(kill(getpid(), SIGUSR1)));
  IN_CHILD("NICE", setresuid(7, 7, 7); T(setpriority(PRIO_PROCESS, 0, -5)); T(setpriority(PRIO_PROCESS, 0, -6)); T(setpriority(PRIO_PROCESS, 0, 3)));
  IN_CHILD("inherited by exec", set(RLIMIT_NOFILE, 33, 44); execl("/bin/sh", "sh", "-c", "ulimit -Sn; ulimit -Hn", NULL));
  IN_CHILD("STACK", set(RLIMIT_STACK, 1 << 20, 1 << 20); execl("/bin/sh", "sh", "-c", "ulimit -s; grep -c stack /proc/self/maps", NULL));
  return 0;
}
