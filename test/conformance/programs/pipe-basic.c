/* Pipes and FIFOs: atomic writes, ends closed, sizes, O_NONBLOCK, splice, tee, vmsplice, SIGPIPE, poll's bits. */
#include "../check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int bits(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
  int r = poll(&p, 1, 0);
  return r < 0 ? -1 : p.revents;
}
static char big[70000];

int main(void) {
  int p[2], q[2], n;
  char buf[8192];
  signal(SIGPIPE, SIG_IGN);
  T(pipe2(p, 0x8));
  T(pipe2(p, O_DIRECT | O_NONBLOCK));
  T(write(p[1], "abc", 3));
  T(write(p[1], "defg", 4));
  T(read(p[0], buf, 100));
  T(read(p[0], buf, 2));
  T(read(p[0], buf, 100));
  close(p[0]);
  close(p[1]);
  T(syscall(SYS_pipe, 8));
  pipe(p);
  printf("empty %x %x\n", bits(p[0]), bits(p[1]));
  T(read(p[1], buf, 1));
  T(write(p[0], buf, 1));
  T(fcntl(p[0], F_GETPIPE_SZ));
  T(fcntl(p[0], F_SETPIPE_SZ, 5000));
  T(fcntl(p[0], F_SETPIPE_SZ, 0));
  T(fcntl(p[0], F_SETPIPE_SZ, -1));
  fcntl(p[0], F_SETFL, O_NONBLOCK);
  fcntl(p[1], F_SETFL, O_NONBLOCK);
  T(read(p[0], buf, 1));
  T(write(p[1], big, sizeof big));
  printf("full %x %x\n", bits(p[0]), bits(p[1]));
  T(write(p[1], big, 1));
  T(ioctl(p[0], FIONREAD, &n));
  printf("%d\n", n);
  T(fcntl(p[0], F_SETPIPE_SZ, 4096));
  T(read(p[0], buf, 100));
  T(write(p[1], buf, 50));
  printf("partly %x\n", bits(p[1]));
  T(read(p[0], buf, 4096));
  T(write(p[1], buf, 5000));
  T(write(p[1], buf, 4096));
  T(read(p[0], big, sizeof big));
  T(read(p[0], buf, 0));
  T(write(p[1], buf, 0));
  close(p[1]);
  printf("no writer %x\n", bits(p[0]));
  T(read(p[0], buf, 10));
  close(p[0]);
  pipe(p);
  close(p[0]);
  printf("no reader %x\n", bits(p[1]));
  T(write(p[1], "x", 1));
  T(write(p[1], "x", 0));
  IN_CHILD("SIGPIPE", signal(SIGPIPE, SIG_DFL); write(p[1], "x", 1));
  close(p[1]);
  /* FIFOs */
  T(mkfifo("fifo", 0644));
  T(mkfifo("fifo", 0644));
  T(open("fifo", O_WRONLY | O_NONBLOCK));
  int r = open("fifo", O_RDONLY | O_NONBLOCK);
  printf("no writer yet %x\n", bits(r));
  T(read(r, buf, 1));
  int w = open("fifo", O_WRONLY | O_NONBLOCK);
  printf("writer %x %x\n", bits(r), bits(w));
  T(read(r, buf, 1));
  T(write(w, "hello", 5));
  T(lseek(r, 0, SEEK_SET));
  close(w);
  printf("gone with data %x\n", bits(r));
  T(read(r, buf, 10));
  T(read(r, buf, 10));
  printf("gone %x\n", bits(r));
  close(r);
  int rw = open("fifo", O_RDWR);
  IS(rw >= 0);
  T(write(rw, "x", 1));
  T(read(rw, buf, 10));
  close(rw);
  fflush(stdout);
  pid_t c = fork();
  if (c == 0) {
    int f = open("fifo", O_WRONLY);
    exit(write(f, "from child", 10) != 10);
  }
  r = open("fifo", O_RDONLY);
  T(read(r, buf, 100));
  waitpid(c, NULL, 0);
  T(read(r, buf, 100));
  close(r);
  /* splice and friends */
  pipe(p);
  pipe(q);
  int fd = open("f", O_RDWR | O_CREAT, 0600);
  write(fd, "0123456789", 10);
  off_t off = 2;
  T(splice(fd, &off, p[1], NULL, 4, 0));
  printf("off %ld\n", (long)off);
  T(tee(p[0], q[1], 100, 0));
  T(read(q[0], buf, 100));
  T(splice(p[0], NULL, q[1], NULL, 2, 0));
  T(splice(p[0], NULL, fd, &(off_t){20}, 100, 0));
  T(lseek(fd, 0, SEEK_END));
  T(splice(fd, NULL, fd, NULL, 4, 0));
  T(splice(p[0], &off, q[1], NULL, 4, 0));
  T(splice(p[0], NULL, p[1], NULL, 4, 0));
  T(splice(p[0], NULL, q[1], NULL, 4, SPLICE_F_NONBLOCK));
  T(splice(p[0], NULL, q[1], NULL, 4, 0x80));
  T(splice(99, NULL, q[1], NULL, 4, 0));
  T(splice(fd, &(off_t){100}, q[1], NULL, 4, 0));
  T(splice(fd, &(off_t){0}, q[1], NULL, 0, 0));
  T(tee(fd, q[1], 4, 0));
  T(tee(p[0], p[1], 4, 0));
  struct iovec iov = {"vmsplice", 8};
  T(vmsplice(p[1], &iov, 1, 0));
  T(vmsplice(fd, &iov, 1, 0));
  T(read(p[0], buf, 100));
  off = 0;
  T(sendfile(p[1], fd, &off, 5));
  printf("off %ld\n", (long)off);
  T(sendfile(fd, p[0], NULL, 5));
  T(sendfile(p[1], fd, &(off_t){-1}, 5));
  int ap = open("f", O_WRONLY | O_APPEND);
  T(sendfile(ap, fd, &(off_t){0}, 5));
  T(splice(p[0], NULL, ap, NULL, 5, 0));
  int g = open("g", O_RDWR | O_CREAT, 0600);
  T(sendfile(g, fd, &(off_t){0}, 1000));
  T(sendfile(g, g, NULL, 10));
  /* a big blocking transfer between processes */
  fflush(stdout);
  c = fork();
  if (c == 0) {
    for (int i = 0; i < 300; i++) {
      memset(big, i, sizeof big);
      if (write(q[1], big, sizeof big) != sizeof big) exit(1);
    }
    exit(0);
  }
  close(q[1]);
  long total = 0, bad = 0;
  read(q[0], buf, 2); /* what the splice left there */
  while ((n = read(q[0], buf, 7777 % sizeof buf)) > 0) {
    for (int i = 0; i < n; i++) bad += buf[i] != (char)((total + i) / (long)sizeof big);
    total += n;
  }
  printf("total %ld bad %ld\n", total, bad);
  waitpid(c, &n, 0);
  say_status("writer", n);
  return 0;
}
