/* Classic BPF on sockets: SO_ATTACH_FILTER and what belongs to it. */
#include "../check.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ATTACH(fd, code) attach(fd, code, COUNT(code))

static int attach(int fd, struct sock_filter *code, size_t count) {
  struct sock_fprog program = {.len = count, .filter = code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void got(const char *what, int fd) {
  char data[64];
  struct pollfd one = {fd, POLLIN, 0};
  int ready = poll(&one, 1, 0), queued = -1;
  ioctl(fd, FIONREAD, &queued);
  ssize_t n = recv(fd, data, sizeof data - 1, MSG_DONTWAIT | MSG_TRUNC);
  data[n > 0 ? n : 0] = 0;
  printf("%s: ready %d queued %d got %zd \"%s\"\n", what, ready, queued, n, data);
}

static int udp(struct sockaddr_in *name) {
  socklen_t length = sizeof *name;
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  bind(fd, (void *)name, sizeof *name);
  getsockname(fd, (void *)name, &length);
  return fd;
}

/* Offset 0 of a unix message is its first byte. */
static struct sock_filter only_a[] = {
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
  BPF_STMT(BPF_RET | BPF_K, 0)};
static struct sock_filter three[] = {BPF_STMT(BPF_RET | BPF_K, 3)};
static struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
/* Behind the UDP header. */
static struct sock_filter udp_a[] = {
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'a', 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
  BPF_STMT(BPF_RET | BPF_K, 0)};
static struct sock_filter ten[] = {BPF_STMT(BPF_RET | BPF_K, 10)};
static struct sock_filter one_byte[] = {BPF_STMT(BPF_RET | BPF_K, 1)};
/* The IP header's version, its protocol, and the length of the UDP part: 0x45, 17, 8 + 5. */
static struct sock_filter headers[] = {
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 8),
  BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 9), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 6),
  BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF), BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 20, 0, 3),
  BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 13, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0xffff),
  BPF_STMT(BPF_RET | BPF_K, 0)};
static struct sock_filter protocol[] = {
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0800, 0, 1),
  BPF_STMT(BPF_RET | BPF_K, 0xffff), BPF_STMT(BPF_RET | BPF_K, 0)};
/* 7 % 4 == 3 by way of memory and X. */
static struct sock_filter sums[] = {
  BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_ST, 5), BPF_STMT(BPF_LDX | BPF_IMM, 4), BPF_STMT(BPF_LD | BPF_MEM, 5),
  BPF_STMT(BPF_ALU | BPF_MOD | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0)};
static struct sock_filter beyond[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 100), BPF_STMT(BPF_RET | BPF_K, 0xffff)};

static struct sock_filter no_return[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
static struct sock_filter bad_jump[] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 5, 0), BPF_STMT(BPF_RET | BPF_K, 1)};
static struct sock_filter divide[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 1)};
static struct sock_filter unwritten[] = {BPF_STMT(BPF_LD | BPF_MEM, 1), BPF_STMT(BPF_RET | BPF_A, 0)};
static struct sock_filter memory[] = {BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_A, 0)};
static struct sock_filter extension[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 200), BPF_STMT(BPF_RET | BPF_A, 0)};
static struct sock_filter code[] = {BPF_STMT(0xff, 0), BPF_STMT(BPF_RET | BPF_A, 0)};

static void errors(int fd) {
  struct sock_fprog program = {.len = 1, .filter = three};
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program - 1));
  program.len = 0;
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  program.len = 4097;
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  program.len = 1;
  program.filter = NULL;
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  program.filter = (void *)8;
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, (void *)8, sizeof program));
  T(ATTACH(fd, no_return));
  T(ATTACH(fd, bad_jump));
  T(ATTACH(fd, divide));
  T(ATTACH(fd, unwritten));
  T(ATTACH(fd, memory));
  T(ATTACH(fd, extension));
  T(ATTACH(fd, code));
  int bad = -1, zero = 0;
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &bad, sizeof bad));
  T(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &zero, sizeof zero));
  T(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof zero));
  T(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0));
}

static void shown(int fd) {
  struct sock_filter back[8];
  socklen_t length = 0;
  T(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &length));
  printf("length %u\n", length);
  T(ATTACH(fd, only_a));
  T(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &length));
  printf("length %u\n", length);
  length = 3;
  T(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &length));
  length = 8;
  T(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, back, &length));
  printf("length %u same %d\n", length, memcmp(back, only_a, sizeof only_a));
}

static void locked(int fd) {
  int on = 1, off = 0;
  T(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off));
  T(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
  T(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
  T(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off));
  T(ATTACH(fd, three));
  T(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on));
}

static void unix_messages(int type) {
  int pair[2], off = 0;
  socketpair(AF_UNIX, type, 0, pair);
  T(ATTACH(pair[1], only_a));
  T(send(pair[0], "bcd", 3, 0));
  T(send(pair[0], "abc", 3, 0));
  got("begins with a", pair[1]);
  got("no more", pair[1]);
  T(ATTACH(pair[1], three));
  T(send(pair[0], "12345", 5, 0));
  got("three", pair[1]);
  T(ATTACH(pair[1], sums));
  T(send(pair[0], "12345", 5, 0));
  got("sums", pair[1]);
  T(ATTACH(pair[1], beyond));
  T(send(pair[0], "12345", 5, 0));
  got("beyond", pair[1]);
  T(ATTACH(pair[1], nothing));
  T(send(pair[0], "12345", 5, 0));
  got("nothing", pair[1]);
  T(setsockopt(pair[1], SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off));
  T(send(pair[0], "12345", 5, 0));
  got("detached", pair[1]);
  errors(pair[1]);
  shown(pair[1]);
  locked(pair[1]);
  close(pair[0]);
  close(pair[1]);
}

static void datagrams(void) {
  struct sockaddr_in name, other;
  int fd = udp(&name), from = udp(&other);
  connect(from, (void *)&name, sizeof name);
  T(ATTACH(fd, udp_a));
  send(from, "bcd", 3, 0);
  send(from, "abc", 3, 0);
  got("udp begins with a", fd);
  got("no more", fd);
  T(ATTACH(fd, ten));
  send(from, "12345", 5, 0);
  got("ten with the header", fd);
  T(ATTACH(fd, one_byte));
  send(from, "12345", 5, 0);
  got("the header stays", fd);
  T(ATTACH(fd, headers));
  send(from, "12345", 5, 0);
  got("headers", fd);
  send(from, "123456", 6, 0);
  got("another length", fd);
  T(ATTACH(fd, protocol));
  send(from, "12345", 5, 0);
  got("protocol", fd);
  T(ATTACH(fd, nothing));
  send(from, "12345", 5, 0);
  got("nothing", fd);
  close(fd);
  close(from);
}

int main(void) {
  unix_messages(SOCK_DGRAM);
  unix_messages(SOCK_SEQPACKET);
  datagrams();
  return 0;
}
