/* TCP and UDP over 127.0.0.1 between two processes; µs for each round trip, 64 KiB or connection. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void check(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in bound(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof address;
	check(bind(fd, (void *)&address, length) == 0 && getsockname(fd, (void *)&address, &length) == 0, "bind");
	return address;
}

static int connected(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	check(fd >= 0 && connect(fd, (const void *)address, sizeof *address) == 0, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int accepted(int listener)
{
	int fd = accept(listener, NULL, NULL), one = 1;
	check(fd >= 0, "accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static void receive_all(int fd, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = recv(fd, buffer, sizeof buffer < length - done ? sizeof buffer : length - done, 0);
		check(n > 0, "recv");
		done += (size_t)n;
	}
}

/* A blocking send takes all on Linux, not everywhere. */
static void send_all(int fd, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = send(fd, buffer + done, length - done, 0);
		check(n > 0, "send");
		done += (size_t)n;
	}
}

enum { PINGS = 5000, BLOCKS = 4000, CONNECTIONS = 500 };

static void serve(int listener, int datagrams)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof peer;
	int fd = accepted(listener);
	for (int i = 0; i < PINGS; i++) {
		receive_all(fd, 1);
		check(send(fd, buffer, 1, 0) == 1, "send");
	}
	receive_all(fd, (size_t)BLOCKS * sizeof buffer);
	check(send(fd, buffer, 1, 0) == 1, "send");
	close(fd);
	for (int i = 0; i < PINGS; i++) {
		ssize_t n = recvfrom(datagrams, buffer, 100, 0, (void *)&peer, &length);
		check(n >= 0 && sendto(datagrams, buffer, (size_t)n, 0, (void *)&peer, length) == n, "udp");
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		fd = accepted(listener);
		receive_all(fd, 1);
		close(fd);
	}
	_exit(0);
}

int main(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0), asking = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in tcp = bound(listener), udp = bound(datagrams);
	check(listen(listener, 16) == 0, "listen");
	pid_t server = fork();
	if (server == 0)
		serve(listener, datagrams);
	int fd = connected(&tcp);
	double start = now();
	for (int i = 0; i < PINGS; i++) {
		check(send(fd, buffer, 1, 0) == 1, "send");
		receive_all(fd, 1);
	}
	printf("TCP ping-pong, 1 byte\t%.3f\n", (now() - start) / PINGS);
	start = now();
	for (int i = 0; i < BLOCKS; i++)
		send_all(fd, sizeof buffer);
	receive_all(fd, 1);
	printf("TCP stream, each 64 KiB\t%.3f\n", (now() - start) / BLOCKS);
	close(fd);
	check(connect(asking, (void *)&udp, sizeof udp) == 0, "connect");
	start = now();
	for (int i = 0; i < PINGS; i++)
		check(send(asking, buffer, 64, 0) == 64 && recv(asking, buffer, 100, 0) == 64, "udp");
	printf("UDP ping-pong, 64 bytes\t%.3f\n", (now() - start) / PINGS);
	start = now();
	for (int i = 0; i < CONNECTIONS; i++) {
		fd = connected(&tcp);
		check(send(fd, buffer, 1, 0) == 1 && recv(fd, buffer, 1, 0) == 0, "connection");
		close(fd);
	}
	printf("TCP connection, 1 byte and close\t%.3f\n", (now() - start) / CONNECTIONS);
	waitpid(server, NULL, 0);
	return 0;
}
