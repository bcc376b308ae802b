/* POSIX, OFD and flock locks: conflicts, splitting, release on close, deadlock, waiting. */
#include "../check.h"
#include <sys/file.h>

static const char *kind(int t) { return t == F_RDLCK ? "read" : t == F_WRLCK ? "write" : "none"; }
static int lk(int fd, int cmd, int type, long start, long len) {
  struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  return fcntl(fd, cmd, &l);
}
static void show(int fd, long start, long len, pid_t parent) {
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
  if (fcntl(fd, F_GETLK, &l)) printf("getlk %s\n", error_name(errno));
  else if (l.l_type == F_UNLCK) printf("[%ld,%ld) free\n", start, start + len);
  else printf("[%ld,%ld) %s from %ld length %ld by %s\n", start, start + len, kind(l.l_type), l.l_start, l.l_len, l.l_pid == parent ? "parent" : l.l_pid == -1 ? "-1" : "other");
}
static void on_alarm(int s) { (void)s; }

int main(void) {
  pid_t me = getpid();
  int fd = open("f", O_RDWR | O_CREAT, 0600), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY), p[2];
  if (pipe(p)) return 1;
  T(lk(ro, F_SETLK, F_WRLCK, 0, 1));
  T(lk(wo, F_SETLK, F_RDLCK, 0, 1));
  T(lk(fd, F_SETLK, 77, 0, 1));
  T(lk(fd, F_SETLK, F_WRLCK, -1, 1));
  T(lk(99, F_SETLK, F_WRLCK, 0, 1));
  T(fcntl(fd, F_SETLK, 8));
  T(lk(fd, F_SETLK, F_WRLCK, 0, 100));
  T(lk(fd, F_SETLK, F_UNLCK, 40, 20));
  T(lk(fd, F_SETLK, F_RDLCK, 10, 5));
  T(lk(fd, F_SETLK, F_WRLCK, 200, 0));
  T(lk(fd, F_SETLK, F_WRLCK, 150, -10));
  IN_CHILD("child", show(fd, 0, 1000, me); show(fd, 12, 1, me); show(fd, 20, 100, me); show(fd, 40, 20, me); show(fd, 60, 10, me); show(fd, 140, 5, me);
           show(fd, 1000, 1, me); T(lk(fd, F_SETLK, F_RDLCK, 10, 5)); T(lk(fd, F_SETLK, F_WRLCK, 10, 5)); T(lk(fd, F_SETLK, F_WRLCK, 45, 5));
           alarm(1); signal(SIGALRM, SIG_DFL); struct sigaction sa = {.sa_handler = on_alarm}; sigaction(SIGALRM, &sa, NULL); ualarm(20000, 0);
           T(lk(fd, F_SETLKW, F_WRLCK, 0, 5)));
  T(lk(fd, F_SETLK, F_WRLCK, 45, 5));
  close(dup(fd)); /* closes every lock of this process */
  IN_CHILD("after a close", show(fd, 0, 1000, me));
  /* waiting */
  T(lk(fd, F_SETLK, F_WRLCK, 0, 10));
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    int r = lk(fd, F_SETLKW, F_WRLCK, 5, 1);
    printf("child has the lock: %d\n", r);
    exit(0);
  }
  sleep_ms(30);
  printf("release\n");
  lk(fd, F_SETLK, F_UNLCK, 0, 10);
  waitpid(c, NULL, 0);
  /* deadlock */
  T(lk(fd, F_SETLK, F_WRLCK, 0, 1));
  c = fork();
  if (c == 0) {
    lk(fd, F_SETLK, F_WRLCK, 1, 1);
    if (write(p[1], "x", 1) != 1) exit(1);
    int r = lk(fd, F_SETLKW, F_WRLCK, 0, 1);
    exit(r ? 2 : 3);
  }
  char ch;
  T(read(p[0], &ch, 1));
  sleep_ms(30);
  T(lk(fd, F_SETLKW, F_WRLCK, 1, 1));
  lk(fd, F_SETLK, F_UNLCK, 0, 0);
  int st;
  waitpid(c, &st, 0);
  say_status("other side", st);
  /* OFD locks belong to the open file */
  int fd2 = open("f", O_RDWR);
  T(lk(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
  T(lk(fd2, F_OFD_SETLK, F_WRLCK, 5, 1));
  T(lk(fd2, F_SETLK, F_WRLCK, 5, 1));
  show(fd2, 0, 10, me);
  struct flock l = {.l_type = F_WRLCK, .l_pid = 1};
  T(fcntl(fd, F_OFD_GETLK, &l));
  l.l_pid = 0;
  T(fcntl(fd2, F_OFD_GETLK, &l));
  printf("%s pid %d\n", kind(l.l_type), l.l_pid);
  IN_CHILD("inherited", T(lk(fd, F_OFD_SETLK, F_UNLCK, 0, 5)); T(lk(fd2, F_OFD_SETLK, F_WRLCK, 0, 5)));
  T(lk(fd, F_OFD_SETLK, F_WRLCK, 0, 5));
  close(fd);
  T(lk(fd2, F_OFD_SETLK, F_WRLCK, 0, 10));
  /* flock */
  int a = open("f", O_RDONLY), b = open("f", O_RDWR);
  T(flock(a, LOCK_SH));
  T(flock(b, LOCK_SH | LOCK_NB));
  T(flock(b, LOCK_EX | LOCK_NB));
  T(flock(a, LOCK_UN));
  T(flock(b, LOCK_EX | LOCK_NB));
  T(flock(a, LOCK_SH | LOCK_NB));
  T(flock(b, 99));
  T(flock(b, LOCK_NB));
  T(flock(99, LOCK_SH));
  T(flock(p[0], LOCK_EX));
  IN_CHILD("inherited", T(flock(b, LOCK_SH)));
  T(flock(a, LOCK_SH | LOCK_NB));
  T(lk(b, F_SETLK, F_WRLCK, 0, 1));
  return 0;
}
