/* Multicast filtered by source, times of received TCP data, UDP headers made by hand: in a network of one's own. */
#include "../check.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct sockaddr_in at(const char *address, int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(address)};
  return a;
}
#define ADDRESS(a) (void *)&(a), sizeof(a)

static void lo(void) {
  struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  T(ioctl(fd, SIOCSIFFLAGS, &r));
  close(fd);
}

/* A kernel begins to note when packets come some time after the first socket has asked; from then on, for as long as one asks. */
static void await_stamps(void) {
  struct sockaddr_in a = at("127.0.0.1", 4999);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), what = 0x8 | 0x10;
  bind(fd, ADDRESS(a));
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &what, sizeof what);
  for (int tries = 0; tries < 500; tries++) {
    char b[50], control[200];
    struct iovec v = {b, sizeof b};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    sendto(fd, "x", 1, 0, ADDRESS(a));
    recvmsg(fd, &h, 0);
    if (CMSG_FIRSTHDR(&h)) return;
    usleep(10000);
  }
}

static void times(void) {
  await_stamps();
  struct sockaddr_in a = at("127.0.0.1", 4000);
  int l = socket(AF_INET, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), c, on = 1, off = 0;
  T(bind(l, ADDRESS(a)));
  T(listen(l, 5));
  T(connect(t, ADDRESS(a)));
  T((c = accept(l, NULL, NULL)) >= 0);
  T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
  for (int round = 0; round < 5; round++) {
    struct pollfd p = {c, POLLIN, 0};
    char b[50], control[200];
    struct iovec v = {b, 2};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int what = 0x8 | 0x10;
    if (round == 1) T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
    if (round == 2) T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &what, sizeof what));
    if (round == 3) T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off));
    if (round == 4) T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMPING, &off, sizeof off));
    T(send(t, "abc", 3, 0));
    poll(&p, 1, 2000);
    for (int part = 0; part < 2; part++) {
      h.msg_controllen = sizeof control;
      T(recvmsg(c, &h, part == 1 ? 0 : round == 0 ? MSG_PEEK : 0));
      for (struct cmsghdr *m = CMSG_FIRSTHDR(&h); m; m = CMSG_NXTHDR(&h, m)) {
        struct timespec stamp, now;
        memcpy(&stamp, CMSG_DATA(m), sizeof stamp);
        clock_gettime(CLOCK_REALTIME, &now);
        printf("level %d type %d length %zu %s\n", m->cmsg_level, m->cmsg_type, (size_t)m->cmsg_len,
               now.tv_sec - stamp.tv_sec < 5 ? "now" : "some time");
      }
    }
    while (recv(c, b, sizeof b, MSG_DONTWAIT) > 0) {
    }
  }
  T(setsockopt(c, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
  T(send(t, "abc", 3, 0));
  struct pollfd p = {c, POLLIN, 0};
  poll(&p, 1, 2000);
  char b[10];
  T(read(c, b, sizeof b));
  close(t);
  close(c);
  close(l);
}

static void sources(void) {
  struct sockaddr_in here = at("127.0.0.1", 0), group = at("239.1.2.3", 5000), any = at("0.0.0.0", 5000), other = at("127.0.0.9", 0);
  struct ip_mreq_source r = {.imr_multiaddr = group.sin_addr, .imr_interface = here.sin_addr, .imr_sourceaddr = here.sin_addr};
  struct ip_mreq plain = {.imr_multiaddr = group.sin_addr, .imr_interface = here.sin_addr};
  struct group_source_req g = {.gsr_interface = 1};
  int m = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), t = socket(AF_INET, SOCK_STREAM, 0), off = 0;
  char b[10];
#define OPTION(name, value) T(setsockopt(m, IPPROTO_IP, name, &(value), sizeof(value)))
#define TRY() (sendto(s, "m", 1, 0, ADDRESS(group)), recv(m, b, sizeof b, MSG_DONTWAIT))
  T(bind(m, ADDRESS(any)));
  OPTION(IP_MULTICAST_ALL, off);
  T(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &here.sin_addr, sizeof here.sin_addr));
  OPTION(IP_BLOCK_SOURCE, r);
  OPTION(IP_DROP_SOURCE_MEMBERSHIP, r);
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  T(TRY());
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  OPTION(IP_ADD_MEMBERSHIP, plain);
  OPTION(IP_BLOCK_SOURCE, r);
  OPTION(IP_UNBLOCK_SOURCE, r);
  OPTION(IP_DROP_SOURCE_MEMBERSHIP, r);
  T(TRY());
  OPTION(IP_DROP_MEMBERSHIP, plain);
  r.imr_sourceaddr = other.sin_addr;
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  T(TRY());
  r.imr_sourceaddr = here.sin_addr;
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  T(TRY());
  OPTION(IP_DROP_MEMBERSHIP, plain);
  T(TRY());
  OPTION(IP_ADD_MEMBERSHIP, plain);
  T(TRY());
  OPTION(IP_BLOCK_SOURCE, r);
  T(TRY());
  OPTION(IP_BLOCK_SOURCE, r);
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  OPTION(IP_UNBLOCK_SOURCE, r);
  T(TRY());
  OPTION(IP_UNBLOCK_SOURCE, r);
  int i;
  for (i = 1; i < 40; i++) {
    r.imr_sourceaddr.s_addr = htonl(0x7f000100 + i);
    if (setsockopt(m, IPPROTO_IP, IP_BLOCK_SOURCE, &r, sizeof r)) break;
  }
  printf("%d sources, then %s\n", i - 1, error_name(errno));
  OPTION(IP_DROP_MEMBERSHIP, plain);
  /* By family-independent names. */
  memcpy(&g.gsr_group, &group, sizeof group);
  memcpy(&g.gsr_source, &here, sizeof here);
  OPTION(MCAST_LEAVE_SOURCE_GROUP, g);
  OPTION(MCAST_JOIN_SOURCE_GROUP, g);
  T(TRY());
  OPTION(MCAST_LEAVE_SOURCE_GROUP, g);
  OPTION(MCAST_LEAVE_SOURCE_GROUP, g);
  g.gsr_interface = 77;
  OPTION(MCAST_JOIN_SOURCE_GROUP, g);
  g.gsr_interface = 1;
  T(setsockopt(m, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &g, 100));
  ((struct sockaddr *)&g.gsr_source)->sa_family = AF_INET6;
  OPTION(MCAST_JOIN_SOURCE_GROUP, g);
  memcpy(&g.gsr_source, &here, sizeof here);
  memcpy(&g.gsr_group, &here, sizeof here);
  OPTION(MCAST_JOIN_SOURCE_GROUP, g);
  r.imr_multiaddr = here.sin_addr;
  OPTION(IP_ADD_SOURCE_MEMBERSHIP, r);
  T(setsockopt(m, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, 8));
  T(setsockopt(t, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &r, sizeof r));
  close(m);
  close(s);
  close(t);
}

static void headers(void) {
  struct sockaddr_in to = at("127.0.0.1", 4000), from;
  int in = socket(AF_INET, SOCK_DGRAM, 0), raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), udp = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
  unsigned char whole[29] = {0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0x27, 0x0f, 0x0f, 0xa0, 0, 9, 0, 0, 'z'};
  unsigned char part[9] = {0x27, 0x0f, 0x0f, 0xa0, 0, 9, 0, 0, 'y'};
  char b[100] = "";
  socklen_t length = sizeof from;
  T(bind(in, ADDRESS(to)));
  T(sendto(raw, whole, sizeof whole, 0, ADDRESS(to)));
  T(recvfrom(in, b, sizeof b, 0, (void *)&from, &length));
  printf("%c from %d\n", b[0], ntohs(from.sin_port));
  T(recv(udp, b, sizeof b, 0));
  printf("%c at 28, %02x %02x\n", b[28], b[20] & 255, b[21] & 255);
  T(sendto(udp, part, sizeof part, 0, ADDRESS(to)));
  T(recvfrom(in, b, sizeof b, 0, (void *)&from, &length));
  printf("%c from %d\n", b[0], ntohs(from.sin_port));
  T(recv(udp, b, sizeof b, 0));
  /* A raw socket of UDP sees what others send. */
  int out = socket(AF_INET, SOCK_DGRAM, 0);
  from = at("127.0.0.1", 4100);
  T(bind(out, ADDRESS(from)));
  T(sendto(out, "plain", 5, 0, ADDRESS(to)));
  T(recv(udp, b, sizeof b, 0));
  printf("%.5s, ports %d %d, length %d\n", b + 28, (b[20] & 255) << 8 | (b[21] & 255), (b[22] & 255) << 8 | (b[23] & 255), b[25]);
}

int main(void) {
  T(unshare(CLONE_NEWNET));
  lo();
  times();
  sources();
  headers();
  return 0;
}
