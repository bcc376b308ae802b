/* packet(7) on a loopback of one's own: what goes over it is seen, and what is sent arrives. */
#include "../check.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void lo(int up) {
  struct ifreq r = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  r.ifr_flags = up ? IFF_UP : 0;
  if (ioctl(fd, SIOCSIFFLAGS, &r)) printf("SIOCSIFFLAGS: %s\n", error_name(errno));
  close(fd);
}

/* One frame: who it is from, and the parts that do not depend on numbers of the machine. */
static void show(const char *what, int fd) {
  unsigned char b[3000];
  struct sockaddr_ll from;
  socklen_t length = sizeof from;
  struct pollfd p = {fd, POLLIN, 0};
  if (poll(&p, 1, 2000) != 1) {
    printf("%s: nothing\n", what);
    return;
  }
  memset(&from, 0xee, sizeof from);
  ssize_t n = recvfrom(fd, b, sizeof b, 0, (void *)&from, &length);
  printf("%s: %zd bytes, name %d, protocol %x if %d hatype %d type %d halen %d", what, n, (int)length, ntohs(from.sll_protocol), from.sll_ifindex,
         from.sll_hatype, from.sll_pkttype, from.sll_halen);
  for (int i = 0; i < 6; i++) printf("%s%02x", i ? ":" : " from ", from.sll_addr[i]);
  int type;
  socklen_t size = sizeof type;
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  const unsigned char *ip = b;
  if (type == SOCK_RAW) {
    printf(" ether ");
    for (int i = 0; i < 14; i++) printf("%02x", b[i]);
    ip += 14;
  }
  if (ntohs(from.sll_protocol) == ETH_P_IP && ip[9] == IPPROTO_UDP)
    printf(" ip %02x length %d ttl %d udp %d %.*s", ip[0], ip[2] << 8 | ip[3], ip[8], ip[24] << 8 | ip[25], (int)(b + n - ip - 28), ip + 28);
  printf("\n");
}

static void none(const char *what, int fd) {
  char b[10];
  ssize_t n = recv(fd, b, sizeof b, MSG_DONTWAIT);
  printf("%s: %s\n", what, n < 0 ? error_name(errno) : "something");
}

static int udp(int port, int *to) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int in = socket(AF_INET, SOCK_DGRAM, 0);
  T(bind(in, (void *)&a, sizeof a));
  *to = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in b = a;
  b.sin_port = htons(port + 1);
  T(bind(*to, (void *)&b, sizeof b));
  T(connect(*to, (void *)&a, sizeof a));
  return in;
}

static unsigned short sum(const unsigned char *b, int n) {
  unsigned s = 0;
  for (int i = 0; i < n; i += 2) s += b[i] << 8 | b[i + 1];
  while (s >> 16) s = (s & 0xffff) + (s >> 16);
  return ~s;
}

static int frame(unsigned char *b, int port, const char *text) {
  int n = strlen(text);
  memset(b, 0, 14 + 28 + n);
  b[12] = 8;
  unsigned char *ip = b + 14;
  ip[0] = 0x45;
  ip[3] = 28 + n;
  ip[8] = 33;
  ip[9] = IPPROTO_UDP;
  ip[12] = ip[16] = 127;
  ip[15] = ip[19] = 1;
  unsigned short c = sum(ip, 20);
  ip[10] = c >> 8;
  ip[11] = c;
  ip[20] = 9999 >> 8;
  ip[21] = 9999 & 255;
  ip[22] = port >> 8;
  ip[23] = port;
  ip[25] = 8 + n;
  memcpy(ip + 28, text, n);
  return 14 + 28 + n;
}

static void names(void) {
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
  struct sockaddr_ll got;
  socklen_t length = sizeof got;
  int fd;
  T((fd = socket(AF_PACKET, SOCK_DGRAM, 0)) >= 0);
  T(getsockname(fd, (void *)&got, &length));
  printf("length %d protocol %x if %d halen %d\n", (int)length, ntohs(got.sll_protocol), got.sll_ifindex, got.sll_halen);
  T(bind(fd, (void *)&a, 10));
  a.sll_family = AF_INET;
  T(bind(fd, (void *)&a, sizeof a));
  a.sll_family = AF_PACKET;
  a.sll_ifindex = 77;
  T(bind(fd, (void *)&a, sizeof a));
  a.sll_ifindex = 1;
  T(bind(fd, (void *)&a, sizeof a));
  length = sizeof got;
  T(getsockname(fd, (void *)&got, &length));
  printf("length %d protocol %x if %d halen %d hatype %d\n", (int)length, ntohs(got.sll_protocol), got.sll_ifindex, got.sll_halen, got.sll_hatype);
  T(getpeername(fd, (void *)&got, &length));
  T(connect(fd, (void *)&a, sizeof a));
  T(listen(fd, 1));
  T(accept(fd, NULL, NULL));
  T(shutdown(fd, SHUT_RD));
  T(send(fd, "x", 1, MSG_OOB | MSG_DONTWAIT) >= -1);
  T(recv(fd, &got, 1, MSG_OOB));
  struct packet_mreq m = {.mr_ifindex = 1, .mr_type = PACKET_MR_PROMISC};
  T(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
  T(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
  T(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof m));
  m.mr_ifindex = 77;
  T(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m));
  T(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, 8));
  int one = 1;
  T(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, 2));
  T(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, 4));
  T(setsockopt(fd, SOL_PACKET, 99, &one, 4));
  T(setsockopt(fd, SOL_IP, IP_TTL, &one, 4));
  length = 4;
  T(getsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, &length));
  printf("%d %d\n", one, (int)length);
  T(getsockopt(fd, SOL_PACKET, 99, &one, &length));
  close(fd);
  T(socket(AF_PACKET, SOCK_STREAM, 0));
  T(socket(AF_PACKET, SOCK_SEQPACKET, 0));
  IN_CHILD("an ordinary user", setresuid(1000, 1000, 1000); T(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))); T(socket(AF_PACKET, SOCK_STREAM, 0)));
}

static void sysctl(const char *name) {
  char path[80];
  snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/lo/%s", name);
  int fd = open(path, O_WRONLY);
  T(write(fd, "1", 1));
  close(fd);
}

static void sending(int in) {
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = 1, .sll_halen = 6};
  unsigned char b[200];
  char got[50] = "";
  int n = frame(b, 4000, "by hand"), raw = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), cooked = socket(AF_PACKET, SOCK_DGRAM, 0);
  int other = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  T(send(raw, b, n, 0));
  T(sendto(raw, b, n, 0, (void *)&a, 10));
  T(sendto(raw, b, 13, 0, (void *)&a, sizeof a));
  T(sendto(raw, b, n, 0, (void *)&a, sizeof a));
  show("its own, coming in", raw);
  none("its own, going out", raw);
  show("another's, going out", other);
  show("another's, coming in", other);
  struct sockaddr_in from;
  socklen_t length = sizeof from;
  /* What comes from 127.0.0.1 is not believed unless that is asked for. */
  sleep_ms(20);
  none("a martian", in);
  sysctl("accept_local");
  sysctl("route_localnet");
  T(sendto(raw, b, n, 0, (void *)&a, sizeof a));
  show("again, coming in", raw);
  show("again, out", other);
  show("again, in", other);
  T(recvfrom(in, got, sizeof got, 0, (void *)&from, &length));
  printf("%s from port %d\n", got, ntohs(from.sin_port));
  T(sendto(cooked, b + 14, n - 14, 0, (void *)&a, sizeof a));
  T(recv(in, got, sizeof got, 0));
  show("cooked, going out", other);
  show("cooked, coming in", other);
  a.sll_addr[0] = 2;
  T(sendto(cooked, b + 14, n - 14, 0, (void *)&a, sizeof a));
  none("for another host", in);
  show("for another host, out", other);
  show("for another host, in", other);
  memset(a.sll_addr, 0xff, 6);
  a.sll_protocol = htons(0x1234);
  T(sendto(cooked, "strange", 7, 0, (void *)&a, sizeof a));
  show("strange, out", other);
  show("strange, in", other);
  b[14 + 10] ^= 1;
  a.sll_protocol = htons(ETH_P_IP);
  T(sendto(raw, b, n, 0, (void *)&a, sizeof a));
  none("wrong sum", in);
  a.sll_ifindex = 77;
  T(sendto(raw, b, n, 0, (void *)&a, sizeof a));
  lo(0);
  a.sll_ifindex = 1;
  T(sendto(raw, b, n, 0, (void *)&a, sizeof a));
  T(bind(raw, (void *)&a, sizeof a));
  while (recv(raw, b, sizeof b, MSG_DONTWAIT) > 0) {
  }
  lo(1);
  close(raw);
  close(cooked);
  close(other);
}

int main(void) {
  int all, ip, cooked, unbound, late, to, in;
  T(unshare(CLONE_NEWNET));
  lo(1);
  names();
  T((all = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL))) >= 0);
  T((ip = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP))) >= 0);
  T((cooked = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP))) >= 0);
  T((unbound = socket(AF_PACKET, SOCK_RAW, 0)) >= 0);
  T((late = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP))) >= 0);
  in = udp(4000, &to);
  T(send(to, "hello", 5, 0));
  show("all, out", all);
  show("all, in", all);
  none("all", all);
  show("ip", ip);
  none("ip", ip);
  show("cooked", cooked);
  none("no protocol", unbound);
  none("arp", late);
  char b[100];
  T(recv(in, b, sizeof b, 0));
  struct tpacket_stats stats;
  socklen_t length = sizeof stats;
  T(getsockopt(all, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  printf("%u packets %u drops %d\n", stats.tp_packets, stats.tp_drops, (int)length);
  T(getsockopt(all, SOL_PACKET, PACKET_STATISTICS, &stats, &length));
  printf("%u packets %u drops\n", stats.tp_packets, stats.tp_drops);
  /* Peeking, shortening, how much there is. */
  T(send(to, "again", 5, 0));
  int n = 0;
  T(ioctl(cooked, FIONREAD, &n));
  printf("%d\n", n);
  T(recv(cooked, b, 20, MSG_PEEK));
  T(recv(cooked, b, 20, MSG_TRUNC | MSG_PEEK));
  T(recv(cooked, b, 20, MSG_TRUNC));
  T(send(to, "more", 4, 0));
  struct iovec v = {b, 20};
  char control[100];
  struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int one = 1;
  T(setsockopt(cooked, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one));
  T(recvmsg(cooked, &h, 0));
  IS(h.msg_flags & MSG_TRUNC);
  struct cmsghdr *c = CMSG_FIRSTHDR(&h);
  struct tpacket_auxdata *x = c ? (void *)CMSG_DATA(c) : NULL;
  if (x) printf("%d %d user %d len %u snap %u mac %u net %u\n", c->cmsg_level, c->cmsg_type, x->tp_status & 1, x->tp_len, x->tp_snaplen, x->tp_mac, x->tp_net);
  none("nothing left", cooked);
  /* A filter: packets for port 4000, the first 40 bytes. */
  struct sock_filter code[] = {{0x28, 0, 0, 36}, {0x15, 0, 1, 4000}, {6, 0, 0, 45}, {6, 0, 0, 0}};
  struct sock_fprog program = {4, code};
  while (recv(ip, b, sizeof b, MSG_DONTWAIT) > 0) {
  }
  T(setsockopt(ip, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  T(send(to, "filtered", 8, 0));
  show("filtered", ip);
  code[1].k = 4001;
  T(setsockopt(ip, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  T(send(to, "filtered", 8, 0));
  none("filtered", ip);
  while (recv(in, b, sizeof b, MSG_DONTWAIT) > 0) {
  }
  /* Bound later, to one interface. */
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1};
  T(bind(late, (void *)&a, sizeof a));
  int off = 1;
  T(setsockopt(late, SOL_PACKET, 23, &off, sizeof off));
  T(send(to, "late", 4, 0));
  show("late, coming in only", late);
  none("late", late);
  T(recv(in, b, sizeof b, 0));
  sending(in);
  return 0;
}
