/* Unix sockets: pairs, names, passing descriptors and credentials, peers gone, shutdown, errors. */
#include "../check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <stddef.h>

static struct sockaddr_un at(const char *p) {
  struct sockaddr_un a = {AF_UNIX};
  strcpy(a.sun_path, p);
  return a;
}
#define SA(a) (struct sockaddr *)&(a), sizeof(a)
static int bits(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static long send_fd(int s, int fd, const char *text) {
  char control[CMSG_SPACE(4)] = {0};
  struct iovec iov = {(void *)text, strlen(text)};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(4);
  memcpy(CMSG_DATA(c), &fd, 4);
  return sendmsg(s, &m, 0);
}
static int receive(int s, size_t room, int flags) {
  char control[200], text[64];
  struct iovec iov = {text, sizeof text};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  ssize_t n = recvmsg(s, &m, flags);
  int fd = -1;
  if (n < 0) {
    printf("recvmsg %s\n", error_name(errno));
    return -1;
  }
  printf("recvmsg %zd %.*s flags %x control", n, (int)n, text, m.msg_flags);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    printf(" [%d %d length %zu]", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
    if (c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), 4);
  }
  printf("\n");
  return fd;
}

int main(void) {
  int s[2], v;
  char b[100];
  socklen_t l;
  struct sockaddr_un a;
  signal(SIGPIPE, SIG_IGN);
  T(socket(AF_UNIX, 99, 0));
  T(socket(AF_UNIX, SOCK_STREAM, 7));
  T(socket(999, SOCK_STREAM, 0));
  T(socketpair(AF_INET, SOCK_STREAM, 0, s));
  for (int type = 0; type < 3; type++) {
    int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    printf("type %d\n", type);
    T(socketpair(AF_UNIX, types[type], 0, s));
    T(send(s[0], "abcdef", 6, 0));
    T(send(s[0], "gh", 2, 0));
    T(recv(s[1], b, 3, MSG_PEEK));
    T(recv(s[1], b, 3, 0));
    T(recv(s[1], b, 100, 0));
    T(recv(s[1], b, 100, MSG_DONTWAIT));
    T(send(s[0], "truncated", 9, 0));
    T(recv(s[1], b, 4, MSG_TRUNC));
    T(recv(s[1], b, 100, MSG_DONTWAIT));
    T(send(s[0], "", 0, 0));
    T(recv(s[1], b, 100, MSG_DONTWAIT));
    T(send(s[0], "x", 1, MSG_OOB));
    printf("poll %x\n", bits(s[0]));
    T(shutdown(s[0], SHUT_WR));
    T(send(s[0], "x", 1, 0));
    printf("poll %x %x\n", bits(s[0]), bits(s[1]));
    recv(s[1], b, 100, MSG_DONTWAIT);
    T(recv(s[1], b, 100, MSG_DONTWAIT));
    T(send(s[1], "back", 4, 0));
    T(shutdown(s[0], 5));
    close(s[1]);
    printf("poll %x\n", bits(s[0]));
    T(recv(s[0], b, 100, MSG_DONTWAIT));
    T(recv(s[0], b, 100, MSG_DONTWAIT));
    T(send(s[0], "x", 1, MSG_NOSIGNAL));
    close(s[0]);
  }
  int srv = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
  a = at("sock");
  T(connect(c, SA(a)));
  T(listen(srv, 1));
  T(accept(srv, NULL, NULL));
  T(bind(srv, SA(a)));
  T(bind(srv, SA(a)));
  T(bind(c, SA(a)));
  T(connect(c, SA(a)));
  T(listen(srv, 1));
  T(connect(c, SA(a)));
  T(connect(c, SA(a)));
  int c2 = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), c3 = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  T(connect(c2, SA(a)));
  T(connect(c3, SA(a)));
  l = sizeof a;
  int p = accept4(srv, (void *)&a, &l, SOCK_NONBLOCK);
  printf("peer length %d\n", l);
  l = sizeof a;
  T(getsockname(p, (void *)&a, &l));
  printf("%s %d\n", a.sun_path, l);
  l = sizeof a;
  T(getpeername(c, (void *)&a, &l));
  printf("%s %d\n", a.sun_path, l);
  T(getpeername(srv, (void *)&a, &l));
  T(recv(p, b, 10, 0));
  struct ucred cr;
  l = sizeof cr;
  T(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cr, &l));
  IS(cr.pid == getpid() && cr.uid == 0);
  l = sizeof v;
  T(getsockopt(srv, SOL_SOCKET, SO_ACCEPTCONN, &v, &l));
  printf("%d\n", v);
  T(getsockopt(c, SOL_SOCKET, SO_TYPE, &v, &l));
  T(getsockopt(c, SOL_SOCKET, SO_ERROR, &v, &l));
  T(getsockopt(c, SOL_SOCKET, 9999, &v, &l));
  T(getsockopt(c, 99, SO_TYPE, &v, &l));
  T(setsockopt(c, SOL_SOCKET, SO_TYPE, &v, 4));
  T(setsockopt(c, SOL_SOCKET, SO_RCVBUF, &v, 1));
  T(open("sock", O_RDWR));
  unlink("sock");
  a = at("sock");
  T(connect(c3, SA(a)));
  close(srv);
  printf("server closed, not accepted: %x\n", bits(c2));
  T(send(c2, "x", 1, 0));
  T(send(c, "still", 5, 0));
  T(recv(p, b, 10, 0));
  struct timeval tv = {0, 20000};
  T(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  T(recv(c, b, 10, 0));
  T(ioctl(p, FIONREAD, &v));
  T(recv(99, b, 1, 0));
  int no_socket = open("/dev/null", O_RDONLY);
  T(recv(no_socket, b, 1, 0));
  close(no_socket);
  T(send(c, (void *)8, 5, 0));
  T(recv(p, (void *)8, 5, 0));
  T(sendto(c, "x", 1, 0, SA(a)));
  /* datagrams by name, abstract names */
  int d1 = socket(AF_UNIX, SOCK_DGRAM, 0), d2 = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_un ab = {AF_UNIX, "\0moat-conformance"};
  l = offsetof(struct sockaddr_un, sun_path) + 17;
  T(bind(d1, (void *)&ab, l));
  T(bind(d2, (void *)&ab, l));
  T(sendto(d2, "hello", 5, 0, (void *)&ab, l));
  l = sizeof a;
  T(recvfrom(d1, b, 100, 0, (void *)&a, &l));
  printf("from length %d\n", l);
  T(bind(d2, (void *)&ab, 2));
  l = sizeof a;
  T(getsockname(d2, (void *)&a, &l));
  printf("autobind %d %d\n", l, a.sun_path[0]);
  T(send(d2, "x", 1, 0));
  T(connect(d2, (void *)&ab, offsetof(struct sockaddr_un, sun_path) + 17));
  T(send(d2, "x", 1, 0));
  close(d1);
  T(send(d2, "x", 1, 0));
  T(bind(d2, (void *)&ab, 1));
  a = at("none/x");
  d1 = socket(AF_UNIX, SOCK_DGRAM, 0);
  T(bind(d1, SA(a)));
  T(bind(d1, (void *)&a, 200));
  T(listen(d1, 1));
  /* descriptors and credentials */
  socketpair(AF_UNIX, SOCK_STREAM, 0, s);
  int f = open("f", O_CREAT | O_RDWR, 0600);
  write(f, "content", 7);
  T(send_fd(s[0], f, "fd"));
  int r = receive(s[1], 200, MSG_CMSG_CLOEXEC);
  T(fcntl(r, F_GETFD));
  T(pread(r, b, 7, 0));
  T(send_fd(s[0], 99, "bad"));
  T(send_fd(s[0], f, "lost"));
  receive(s[1], 0, 0);
  T(send_fd(s[0], f, "one"));
  T(send(s[0], "two", 3, 0));
  T(recv(s[1], b, 100, 0));
  receive(s[1], 200, MSG_DONTWAIT);
  v = 1;
  T(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &v, 4));
  T(send(s[0], "who", 3, 0));
  receive(s[1], 200, 0);
  receive(s[1], 200, MSG_DONTWAIT);
  IN_CHILD("fd survives its sender", int o = open("f", O_RDONLY); send_fd(s[0], o, "from child"));
  r = receive(s[1], 200, 0);
  T(pread(r, b, 7, 0));
  return 0;
}
