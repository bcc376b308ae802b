#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "broker.h"
#include "broker-serve.h"
#include "channel.h"
#include "fail.h"

/* Where the three descriptors are moved. */
enum { CHANNEL_FD = 0, NET_FD = 1, SYSCTL_FD = 2, FIRST_FREE = 3 };

static struct message message;
static int may_administer;

/* Ends the process at any other call: whoever makes one has taken it over. */
static void install_filter(void)
{
	static const unsigned char calls[] = { SYS_recvmsg, SYS_sendmsg, SYS_socket, SYS_bind, SYS_setsockopt, SYS_ioctl, SYS_read, SYS_write, SYS_close };
	enum { COUNT = sizeof calls };
	struct sock_filter code[COUNT + 9] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	unsigned short length = 4;

	for (int i = 0; i < COUNT; i++)
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], (unsigned char)(COUNT + 3 - i), 0);
	code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 3, 0);
	code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 2, 0);
	code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = length, .filter = code };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		_exit(EXIT_MOAT);
}

static int answered(int result)
{
	return result < 0 ? -errno : result;
}

/* Whether the sentry may have such a socket at all; what capabilities it takes the host knows. */
static int is_listed(int domain, int type, int protocol)
{
	if (domain == AF_NETLINK)
		return (type == SOCK_RAW || type == SOCK_DGRAM) && protocol == NETLINK_ROUTE;
	if (domain != AF_INET && domain != AF_INET6)
		return 0;
	switch (type) {
	case SOCK_STREAM:
		return protocol == 0 || protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP;
	case SOCK_DGRAM:
		return protocol == 0 || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
		       protocol == (domain == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	case SOCK_RAW:
		return protocol > 0 && protocol <= 255;
	default:
		return 0;
	}
}

static int make_socket(void)
{
	int protocol;

	if (message.header.text_length != sizeof protocol)
		return -EINVAL;
	memcpy(&protocol, message.text, sizeof protocol);
	if (!is_listed(message.header.x, message.header.y, protocol))
		return -EPROTONOSUPPORT;
	return answered(socket(message.header.x, message.header.y | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

static int set_option(void)
{
	static const struct { int level, name; } listed[] = {
		{ SOL_SOCKET, SO_DEBUG }, { SOL_SOCKET, SO_PRIORITY }, { SOL_SOCKET, SO_MARK }, { SOL_SOCKET, SO_BINDTODEVICE },
		{ SOL_SOCKET, SO_BINDTOIFINDEX }, { SOL_SOCKET, SO_SNDBUFFORCE }, { SOL_SOCKET, SO_RCVBUFFORCE },
		{ SOL_IP, IP_TRANSPARENT }, { SOL_IPV6, IPV6_TRANSPARENT },
	};

	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
		if (listed[i].level == message.header.x && listed[i].name == message.header.y)
			return answered(setsockopt(message.fds[0], listed[i].level, listed[i].name, message.text, message.header.text_length));
	return -EPERM;
}

static int open_below(int directory, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return answered((int)syscall(SYS_openat2, directory, path, &how, sizeof how));
}

/* The names replace the request's text. */
static int list_names(void)
{
	static char entries[32768], names[MSG_TEXT_MAX];
	size_t length = 0;
	long got = 0;
	int fd = open_below(SYSCTL_FD, message.text, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	while ((got = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
		for (long at = 0; at < got;) {
			const struct dirent64 *entry = (const void *)(entries + at);
			size_t size = strlen(entry->d_name);
			at += entry->d_reclen;
			if (entry->d_name[0] == '.' || length + size + 2 > sizeof names)
				continue;
			memcpy(names + length, entry->d_name, size);
			length += size;
			if (entry->d_type == DT_DIR)
				names[length++] = '/';
			names[length++] = '\0';
		}
	}
	close(fd);
	memcpy(message.text, names, length);
	message.header.text_length = (uint32_t)length;
	return got < 0 ? -EIO : 0;
}

/* The value replaces the request's text. */
static int read_sysctl(void)
{
	int fd = open_below(SYSCTL_FD, message.text, O_RDONLY);

	if (fd < 0)
		return fd;
	ssize_t got = read(fd, message.text, MSG_TEXT_MAX);
	int result = got < 0 ? -errno : 0;
	message.header.text_length = got < 0 ? 0 : (uint32_t)got;
	close(fd);
	return result;
}

static int write_sysctl(void)
{
	size_t path_length = strlen(message.text);

	if (!may_administer)
		return -EPERM;
	if (path_length >= message.header.text_length)
		return -EINVAL;
	int fd = open_below(SYSCTL_FD, message.text, O_WRONLY);
	if (fd < 0)
		return fd;
	size_t length = message.header.text_length - path_length - 1;
	ssize_t written = write(fd, message.text + path_length + 1, length);
	int result = written < 0 ? -errno : 0;
	close(fd);
	return result;
}

static int send_to_kernel(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec data = { .iov_base = message.text, .iov_len = message.header.text_length };
	struct msghdr packet = { .msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = &data, .msg_iovlen = 1 };

	return answered((int)sendmsg(message.fds[0], &packet, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int change_interface(void)
{
	static const int listed[] = {
		SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFBRDADDR, SIOCSIFNETMASK, SIOCSIFMTU, SIOCSIFHWADDR, SIOCSIFTXQLEN, SIOCSIFNAME,
	};

	if (message.header.text_length != sizeof(struct ifreq))
		return -EINVAL;
	for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
		if (listed[i] == message.header.x)
			return answered(ioctl(message.fds[0], (unsigned long)message.header.x, message.text));
	return -EPERM;
}

/* A descriptor (is_fd) or a result. */
static int act(int *is_fd)
{
	int takes_socket = message.header.kind == BROKER_BIND || message.header.kind == BROKER_OPTION || message.header.kind == BROKER_NETLINK ||
	                   message.header.kind == BROKER_IOCTL;

	if (message.fd_count != takes_socket)
		return -EINVAL;
	*is_fd = message.header.kind == BROKER_SOCKET || message.header.kind == BROKER_OPEN;
	switch (message.header.kind) {
	case BROKER_SOCKET:
		return make_socket();
	case BROKER_BIND:
		return answered(bind(message.fds[0], (struct sockaddr *)message.text, message.header.text_length));
	case BROKER_OPTION:
		return set_option();
	case BROKER_OPEN:
		return open_below(NET_FD, message.text, O_RDONLY);
	case BROKER_LIST:
		return list_names();
	case BROKER_READ:
		return read_sysctl();
	case BROKER_WRITE:
		return write_sysctl();
	case BROKER_NETLINK:
		return send_to_kernel();
	case BROKER_IOCTL:
		return change_interface();
	default:
		return -EINVAL;
	}
}

static void arrange(int channel, struct broker_directories directories)
{
	int sources[FIRST_FREE] = { channel, directories.net, directories.sysctl };

	/* Above all targets first. */
	for (int i = 0; i < FIRST_FREE; i++)
		if (sources[i] >= 0 && (sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 64)) < 0)
			_exit(EXIT_MOAT);
	for (int i = 0; i < FIRST_FREE; i++) {
		close(i);
		if (sources[i] >= 0 && dup2(sources[i], i) < 0)
			_exit(EXIT_MOAT);
	}
	syscall(SYS_close_range, FIRST_FREE, ~0u, 0);
}

_Noreturn void broker_serve(int channel, struct broker_directories directories, int has_admin)
{
	may_administer = has_admin;
	arrange(channel, directories);
	install_filter();
	for (;;) {
		int got = channel_receive(CHANNEL_FD, &message, 0);
		if (got == 0)
			syscall(SYS_exit_group, 0);
		if (got < 0)
			continue;
		int is_fd = 0;
		int result = act(&is_fd);
		for (int i = 0; i < message.fd_count; i++)
			close(message.fds[i]);
		struct message_header answer = { .kind = BROKER_ANSWER, .x = result < 0 ? result : 0 };
		if ((message.header.kind == BROKER_LIST || message.header.kind == BROKER_READ) && result == 0)
			answer.text_length = message.header.text_length;
		channel_send_fds(CHANNEL_FD, &answer, message.text, &result, is_fd && result >= 0);
		if (is_fd && result >= 0)
			close(result);
	}
}
