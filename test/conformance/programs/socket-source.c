/* The source address that a control message asks for, IP_FREEBIND and IP_TRANSPARENT, which both families share. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define IPV6_TRANSPARENT_OPTION 75
#define IPV6_FREEBIND_OPTION 78

static int set(int fd, int level, int name) {
  int on = 1;
  return setsockopt(fd, level, name, &on, sizeof on);
}

static int shown(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

static void received(int fd) {
  char data[8], text[INET6_ADDRSTRLEN] = "";
  struct sockaddr_in6 from = {0};
  socklen_t length = sizeof from;
  if (recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &length) < 0) return;
  printf("  from %s\n", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
}

/* To the socket itself. */
static void send_from(int fd, void *to, socklen_t length, int level, int type, const char *source) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(20)];
  } control = {0};
  struct iovec data = {"x", 1};
  int is6 = level == IPPROTO_IPV6;
  struct msghdr message = {.msg_name = to, .msg_namelen = length, .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control};
  message.msg_controllen = CMSG_SPACE(is6 ? 20 : 12);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(is6 ? 20 : 12);
  inet_pton(is6 ? AF_INET6 : AF_INET, source, CMSG_DATA(header) + (is6 ? 0 : 4));
  printf("%s: ", source);
  T(sendmsg(fd, &message, 0));
  if (is6) received(fd);
}

int main(void) {
  static const char *const sources6[] = {"2001:db8::1", "fe80::5", "ff02::1", "::ffff:1.2.3.4", "::1"};
  static const char *const sources4[] = {"127.0.0.2", "1.2.3.4", "224.0.0.1", "255.255.255.255"};
  for (int mode = 0; mode < 2; mode++) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback}, other = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof six;
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bind(fd, (struct sockaddr *)&six, length);
    getsockname(fd, (struct sockaddr *)&six, &length);
    if (mode == 1) T(set(fd, IPPROTO_IPV6, IPV6_FREEBIND_OPTION));
    for (size_t i = 0; i < sizeof sources6 / sizeof *sources6; i++) send_from(fd, &six, sizeof six, IPPROTO_IPV6, IPV6_PKTINFO, sources6[i]);

    int bound = socket(AF_INET6, SOCK_DGRAM, 0);
    if (mode == 1) T(set(bound, IPPROTO_IP, IP_FREEBIND));
    T(shown(bound, IPPROTO_IP, IP_FREEBIND));
    T(shown(bound, IPPROTO_IPV6, IPV6_FREEBIND_OPTION));
    T(shown(bound, IPPROTO_IPV6, IPV6_TRANSPARENT_OPTION));
    inet_pton(AF_INET6, "2001:db8::7", &other.sin6_addr);
    T(bind(bound, (struct sockaddr *)&other, sizeof other));
    T(connect(bound, (struct sockaddr *)&six, sizeof six));
    T(send(bound, "y", 1, 0));
    received(fd);

    int fd4 = socket(AF_INET, SOCK_DGRAM, 0);
    length = sizeof four;
    bind(fd4, (struct sockaddr *)&four, length);
    getsockname(fd4, (struct sockaddr *)&four, &length);
    if (mode == 1) T(set(fd4, IPPROTO_IP, IP_FREEBIND));
    for (size_t i = 0; i < sizeof sources4 / sizeof *sources4; i++) send_from(fd4, &four, sizeof four, IPPROTO_IP, IP_PKTINFO, sources4[i]);
  }
  return 0;
}
