/* UDP-Lite: its own ports, its options, and what the receiver takes by how much of it the checksum covers. */
#include "../check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#define LITE 136
#define SEND_CSCOV 10
#define RECV_CSCOV 11

static int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) < 0 ? -errno : value;
}

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int is_readable(int fd) {
  struct pollfd poller = {fd, POLLIN, 0};
  return poll(&poller, 1, 0);
}

static void options(int family) {
  int lite = socket(family, SOCK_DGRAM, LITE), udp = socket(family, SOCK_DGRAM, 0);
  printf("protocol %d type %d\n", option(lite, SOL_SOCKET, SO_PROTOCOL), option(lite, SOL_SOCKET, SO_TYPE));
  static const int values[] = {-1, 0, 1, 7, 8, 9, 20, 65535, 65536, 100000};
  for (int name = SEND_CSCOV; name <= RECV_CSCOV; name++) {
    printf("option %d: %d %d\n", name, option(lite, SOL_UDP, name), option(lite, LITE, name));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      T(set(lite, i % 2 ? LITE : SOL_UDP, name, values[i]));
      printf("%d is %d\n", values[i], option(lite, LITE, name));
    }
    T(set(udp, LITE, name, 20));
    T(option(udp, LITE, name));
  }
  T(setsockopt(lite, LITE, SEND_CSCOV, "", 1));
  T(set(udp, LITE, UDP_CORK, 1));
  T(option(udp, SOL_UDP, UDP_CORK));
  T(set(lite, LITE, 77, 1));
  T(option(lite, LITE, 77));
  close(lite);
  close(udp);
}

static void coverage(int family) {
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
  socklen_t length = family == AF_INET ? sizeof four : sizeof six;
  int receiver = socket(family, SOCK_DGRAM, LITE), udp = socket(family, SOCK_DGRAM, 0), sender;
  T(bind(receiver, address, length));
  getsockname(receiver, address, &length);
  T(bind(udp, address, length));
  static const int sent[] = {-1, 0, 8, 20, 60, 108, 109, 2000}, wanted[] = {-1, 0, 8, 20, 30, 60, 200};
  char data[100] = "";
  for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
    for (size_t j = 0; j < sizeof wanted / sizeof *wanted; j++) {
      close(receiver);
      receiver = socket(family, SOCK_DGRAM, LITE);
      if (bind(receiver, address, length) < 0) perror("bind");
      if (wanted[j] >= 0) set(receiver, LITE, RECV_CSCOV, wanted[j]);
      sender = socket(family, SOCK_DGRAM, LITE);
      connect(sender, address, length);
      if (sent[i] >= 0) set(sender, LITE, SEND_CSCOV, sent[i]);
      long count = send(sender, data, sizeof data, 0);
      printf("%ld covered %d, wanted %d: %s\n", count, sent[i], wanted[j], is_readable(receiver) ? "there" : "lost");
      close(sender);
    }
  }
  printf("udp has %d\n", is_readable(udp));
  sender = socket(family, SOCK_DGRAM, LITE);
  connect(sender, address, length);
  close(receiver);
  T(send(sender, data, 3, 0));
  T(send(sender, data, 3, 0));
  T(sendto(udp, data, 3, 0, address, length));
  printf("udp has %d\n", is_readable(udp));
}

int main(void) {
  options(AF_INET);
  options(AF_INET6);
  coverage(AF_INET);
  coverage(AF_INET6);
  T(socket(AF_INET, SOCK_STREAM, LITE));
  return 0;
}
