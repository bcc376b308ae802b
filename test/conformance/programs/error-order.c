/* What calls say when several things are wrong, or at the edge of what they take. */
#include "../check.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/sockios.h>

static void streams(void) {
  char buf[8];
  int p[2], event = eventfd(0, 0);
  pipe(p);
  T(pread(p[0], buf, 1, 0));
  T(pread(p[1], buf, 1, 0));
  T(pwrite(p[0], buf, 1, 0));
  T(pread(p[0], NULL, -1, 0));
  T(pread(event, buf, 8, 0));
  T(pwrite(-1, buf, 8, 0));
  T(pwrite(p[1], buf, 1, -1));
  T(sync_file_range(p[0], 0, 0, 0));
  T(sync_file_range(p[0], LONG_MAX, 1, 0));
  T(posix_fadvise(p[0], 0, 0, 0));
  struct iovec part = {buf, 1};
  int file = memfd_create("m", 0);
  T(vmsplice(file, NULL, 0, 0));
  T(vmsplice(file, &part, 1, 0));
  T(vmsplice(file, &part, -1, 0));
  T(process_vm_readv(INT_MAX, NULL, 0, &part, -1, 0));
  T(process_vm_readv(INT_MAX, &part, 1, &part, 1, 0));
  T(fcntl(p[0], F_ADD_SEALS, F_SEAL_GROW));
  T(fcntl(p[1], F_ADD_SEALS, F_SEAL_GROW));
}

static void ranges(void) {
  int fd = memfd_create("m", MFD_ALLOW_SEALING);
  ftruncate(fd, 8192);
  T(sync_file_range(fd, LONG_MAX, 0, 0));
  T(sync_file_range(fd, LONG_MAX, 1, 0));
  T(sync_file_range(fd, LONG_MAX, LONG_MAX, 0));
  T(posix_fadvise(fd, 0, LONG_MAX, POSIX_FADV_NORMAL));
  T(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
  T(readahead(fd, 0, 100));
  T(readahead(fd, 0, -1));
}

static void empty_receives(void) {
  char buf[8];
  int pair[2], tcp = socket(AF_INET, SOCK_STREAM, 0);
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
  T(recv(tcp, buf, 0, 0));
  T(recv(pair[0], buf, 0, 0));
  T(read(pair[0], buf, 0));
  write(pair[1], "data", 4);
  T(recv(pair[0], buf, 0, 0));
  T(recv(pair[0], buf, 0, MSG_PEEK));
  T(recv(pair[0], buf, 8, 0));
  T(recv(pair[0], buf, 0, MSG_DONTWAIT));
  close(pair[1]);
  T(recv(pair[0], buf, 0, 0));
  int listener = socket(AF_INET, SOCK_STREAM, 0), other;
  struct sockaddr_in name = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  socklen_t length = sizeof name;
  bind(listener, (void *)&name, sizeof name);
  listen(listener, 1);
  getsockname(listener, (void *)&name, &length);
  T(connect(tcp, (void *)&name, sizeof name));
  other = accept(listener, NULL, NULL);
  T(recv(tcp, buf, 0, MSG_DONTWAIT));
  write(other, "x", 1);
  T(recv(tcp, buf, 0, 0));
  T(recv(tcp, buf, 1, 0));
  close(other);
  T(recv(tcp, buf, 0, 0));
}

static void levels(int family, int type) {
  int fd = socket(family, type, 0), value = 0;
  socklen_t length = sizeof value;
  T(getsockopt(fd, 500, SO_OOBINLINE, &value, &length));
  T(getsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, &length));
  T(getsockopt(fd, IPPROTO_TCP, 9999, &value, &length));
  T(getsockopt(fd, IPPROTO_IP, 9999, &value, &length));
  T(getsockopt(fd, SOL_SOCKET, 9999, &value, &length));
  T(setsockopt(fd, 500, SO_OOBINLINE, &value, length));
  T(setsockopt(fd, IPPROTO_UDP, SO_OOBINLINE, &value, length));
  close(fd);
}

static void owners(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), owner = getpid(), got = 77;
  T(ioctl(fd, FIOGETOWN, &got));
  T(got);
  T(ioctl(fd, FIOSETOWN, &owner));
  T(ioctl(fd, SIOCGPGRP, &got));
  IS(got == getpid());
  IS(fcntl(fd, F_GETOWN) == getpid());
  owner = -getpgrp();
  T(ioctl(fd, SIOCSPGRP, &owner));
  T(ioctl(fd, FIOGETOWN, &got));
  IS(got == -getpgrp());
  owner = INT_MAX;
  T(ioctl(fd, SIOCSPGRP, &owner));
  owner = INT_MIN;
  T(ioctl(fd, SIOCSPGRP, &owner));
  T(ioctl(fd, SIOCSPGRP, NULL));
  owner = 0;
  T(ioctl(fd, SIOCSPGRP, &owner));
  T(fcntl(fd, F_GETOWN));
}

/* The way to the current directory is longer than a path may be. */
static void deep(void) {
  static char buf[16384];
  char name[201] = "";
  memset(name, 'd', 200);
  for (int i = 0; i < 30; i++) mkdir(name, 0700), chdir(name);
  T(syscall(SYS_getcwd, buf, 100));
  T(syscall(SYS_getcwd, buf, sizeof buf));
  T(syscall(SYS_getcwd, NULL, 0));
  for (int i = 0; i < 30; i++) chdir(".."), rmdir(name);
}

int main(void) {
  streams();
  ranges();
  empty_receives();
  for (int family = AF_INET;; family = AF_INET6) {
    levels(family, SOCK_STREAM);
    levels(family, SOCK_DGRAM);
    if (family == AF_INET6) break;
  }
  levels(AF_UNIX, SOCK_STREAM);
  owners();
  deep();
  return 0;
}
