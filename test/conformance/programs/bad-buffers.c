/* Buffers of which a part cannot be written or read: what was copied counts, and what was not stays where it was. */
#include "../check.h"
#include <dirent.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static char *area; /* one page that can be used, then one that cannot */
static char *near_end(size_t n) { return area + 4096 - n; }

static void rest(const char *what, int fd) {
  char text[64] = "";
  errno = 0;
  ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
  if (n < 0 && errno == ENOTSOCK) n = read(fd, text, sizeof text - 1);
  printf("%s: left %zd %s\n", what, n, n < 0 ? error_name(errno) : text);
}

static void pipes(void) {
  int p[2];
  pipe2(p, O_NONBLOCK);
  write(p[1], "0123456789", 10);
  T(read(p[0], near_end(4), 10));
  rest("pipe", p[0]);
  write(p[1], "abcdefghij", 10);
  T(read(p[0], area + 4096, 10));
  rest("pipe", p[0]);
  T(write(p[1], near_end(4), 10));
  rest("pipe after a bad write", p[0]);
  T(write(p[1], area + 4096, 10));
  struct iovec parts[2] = {{near_end(3), 3}, {area + 4096, 3}};
  write(p[1], "klmnop", 6);
  T(readv(p[0], parts, 2));
  rest("pipe", p[0]);
  close(p[0]);
  close(p[1]);
}

static void sockets(int type) {
  int s[2];
  socketpair(AF_UNIX, type, 0, s);
  printf("type %d\n", type);
  write(s[1], "0123456789", 10);
  T(read(s[0], near_end(4), 10));
  rest("socket", s[0]);
  write(s[1], "abcdefghij", 10);
  T(recv(s[0], area + 4096, 10, 0));
  rest("socket", s[0]);
  T(send(s[1], near_end(4), 10, 0));
  rest("socket after a bad send", s[0]);
  close(s[0]);
  close(s[1]);
}

static void files(void) {
  int fd = open("partial", O_RDWR | O_CREAT | O_TRUNC, 0600);
  write(fd, "0123456789", 10);
  T(pread(fd, near_end(4), 10, 0));
  lseek(fd, 0, SEEK_SET);
  T(read(fd, near_end(4), 10));
  T(lseek(fd, 0, SEEK_CUR));
  T(read(fd, area + 4096, 10));
  T(lseek(fd, 0, SEEK_CUR));
  memcpy(near_end(4), "WXYZ", 4);
  T(pwrite(fd, area + 4096, 10, 0));
  char text[16] = "";
  pread(fd, text, 10, 0);
  printf("%s\n", text);
  close(fd);
  unlink("partial");
  fd = open("/dev/zero", O_RDONLY);
  T(read(fd, area + 4096, 10));
  close(fd);
}

static void others(void) {
  int fd = eventfd(5, EFD_NONBLOCK);
  uint64_t value = 0;
  T(read(fd, near_end(4), 8));
  ssize_t n = read(fd, &value, 8);
  printf("eventfd after a bad read %zd\n", n < 0 ? -(ssize_t)errno : n);
  close(fd);
  fd = open("/", O_RDONLY | O_DIRECTORY);
  T(syscall(SYS_getdents64, fd, area + 4096, 4096));
  T(syscall(SYS_getdents64, fd, near_end(8), 4096));
  char entries[8192];
  n = syscall(SYS_getdents64, fd, entries, sizeof entries);
  printf("directory can still be read %d\n", n > 0);
  close(fd);
  T(syscall(SYS_getcwd, area + 4096, 4096));
  T(uname((void *)(area + 4096)));
  T(syscall(SYS_gettimeofday, area + 4096, NULL));
  T(pipe((int *)(area + 4096)));
  T(syscall(SYS_wait4, -1, area + 4096, 0, NULL));
  char *grown = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fd = open("/dev/zero", O_RDONLY);
  T(read(fd, grown, 100));
  mprotect(grown, 4096, PROT_READ | PROT_WRITE);
  T(read(fd, grown + 4000, 96));
  mprotect(grown, 8192, PROT_READ | PROT_WRITE);
  T(read(fd, grown + 4000, 4000));
  close(fd);
}

/* The same call again and again: how it reaches the kernel may change underway. */
static void repeated(void) {
  int zero = open("/dev/zero", O_RDONLY), p[2];
  pipe2(p, O_NONBLOCK);
  for (int i = 0; i < 10; i++) {
    write(p[1], "0123456789", 10);
    long got = syscall(SYS_read, zero, near_end(4), 7), some = syscall(SYS_read, p[0], near_end(5), 10), none = read(p[0], area + 4096, 5);
    printf("%ld %ld %ld\n", got, some, none);
    rest("pipe", p[0]);
  }
  close(zero), close(p[0]), close(p[1]);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(area + 4096, 4096, PROT_NONE);
  pipes();
  sockets(SOCK_STREAM);
  sockets(SOCK_DGRAM);
  files();
  others();
  repeated();
  return 0;
}
