#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "fail.h"
#include "listener.h"

/* FUSE_MIN_READ_BUFFER, and room for what one ioctl of ours writes. */
#define REQUEST_MAX 65536
#define OWN_MINOR 31

static void configure(int fs, const char *key, unsigned number)
{
	char text[16];

	snprintf(text, sizeof text, key[0] == 'r' ? "%o" : "%u", number);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, text, 0) < 0)
		fail("cannot make the seccomp agent's file (%s)", key);
}

/* A file system of one regular file, mounted nowhere. */
static int make_mount(int fuse)
{
	int fs = (int)syscall(SYS_fsopen, "fuse", FSOPEN_CLOEXEC);

	if (fs < 0)
		fail("SCMP_ACT_NOTIFY needs the right to mount, for the seccomp agent's file");
	configure(fs, "fd", (unsigned)fuse);
	configure(fs, "rootmode", S_IFREG | 0600);
	configure(fs, "user_id", geteuid());
	configure(fs, "group_id", getegid());
	/* The agent may be anybody: it has the file because it was given it. */
	if (geteuid() == 0)
		syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, "allow_other", NULL, 0);
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		fail("cannot make the seccomp agent's file");
	int mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (mount < 0)
		fail("cannot mount the seccomp agent's file");
	close(fs);
	return mount;
}

/* As Go's net.Dial takes the name: @ is an abstract one. */
static int connect_agent(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path), limit = sizeof address.sun_path - (path[0] != '@');
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	errno = EINVAL;
	if (length <= limit) {
		memcpy(address.sun_path, path, length);
		if (path[0] == '@')
			address.sun_path[0] = 0;
		socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0)
			return fd;
	}
	/* Go's words for it have no capital. */
	const char *reason = strerror(errno);
	dprintf(STDERR_FILENO, "failed to connect with seccomp agent specified in the seccomp profile: dial unix %s: connect: %c%s\n", path,
	        tolower(reason[0]), reason + 1);
	_exit(1);
}

static _Noreturn void send_file(int mount, const char *agent, const char *state)
{
	char own[64], control[CMSG_SPACE(sizeof(int))] = { 0 };
	int connection = connect_agent(agent);

	snprintf(own, sizeof own, "/proc/self/fd/%d", mount);
	int file = open(own, O_RDWR | O_CLOEXEC);
	if (file < 0)
		fail("cannot open the seccomp agent's file");
	struct iovec text = { .iov_base = (void *)(uintptr_t)state, .iov_len = strlen(state) };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof file);
	memcpy(CMSG_DATA(rights), &file, sizeof file);
	ssize_t sent = sendmsg(connection, &message, MSG_NOSIGNAL);
	for (size_t done = sent < 0 ? 0 : (size_t)sent; sent > 0 && done < text.iov_len; done += (size_t)sent)
		sent = send(connection, state + done, text.iov_len - done, MSG_NOSIGNAL);
	if (sent < 0) {
		dprintf(STDERR_FILENO, "cannot send seccomp fd to %s: %s\n", agent, strerror(errno));
		_exit(1);
	}
	_exit(0);
}

pid_t listener_file_send(const char *agent, const char *state, int *fuse, int *sender_pipe)
{
	int ends[2];

	*fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (*fuse < 0)
		fail("SCMP_ACT_NOTIFY needs /dev/fuse, for the seccomp agent's file");
	int mount = make_mount(*fuse);
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("cannot make a pipe");
	/* Who opens the file waits for this process to serve it. */
	pid_t sender = fork();
	if (sender < 0)
		fail("cannot fork");
	if (sender == 0) {
		close(*fuse);
		close(ends[0]);
		send_file(mount, agent, state);
	}
	close(mount);
	close(ends[1]);
	*sender_pipe = ends[0];
	return sender;
}

void listener_file_answer(int fuse, uint64_t unique, int error, const void *body, size_t length)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof header + length), .error = error, .unique = unique };
	struct iovec parts[] = { { &header, sizeof header }, { (void *)(uintptr_t)body, length } };

	/* ENOENT: the caller was killed meanwhile. */
	ssize_t written = writev(fuse, parts, 2);
	(void)written;
}

void listener_file_answer_ioctl(int fuse, uint64_t unique, int result, const void *out, size_t length)
{
	char body[sizeof(struct fuse_ioctl_out) + sizeof(struct seccomp_notif)];
	struct fuse_ioctl_out head = { .result = result };

	memcpy(body, &head, sizeof head);
	if (length > 0)
		memcpy(body + sizeof head, out, length);
	listener_file_answer(fuse, unique, 0, body, sizeof head + length);
}

void listener_file_wake(int fuse, uint64_t handle)
{
	struct fuse_notify_poll_wakeup_out body = { .kh = handle };

	listener_file_answer(fuse, 0, FUSE_NOTIFY_POLL, &body, sizeof body);
}

static void answer_init(int fuse, const struct listener_request *request)
{
	const struct fuse_init_in *in = (const void *)request->body;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = in->minor < OWN_MINOR ? in->minor : OWN_MINOR, .max_write = 4096, .max_background = 16,
		.congestion_threshold = 12, .time_gran = 1,
	};

	listener_file_answer(fuse, request->unique, 0, &out, sizeof out);
}

/* 1: it was not about notifications and is done. */
static int serve_file(int fuse, const struct listener_request *request)
{
	static const struct fuse_attr_out attributes = {
		.attr_valid = 3600, .attr = { .ino = FUSE_ROOT_ID, .mode = S_IFREG | 0600, .nlink = 1, .blksize = 4096 } };
	static const struct fuse_open_out opened = { .fh = 1, .open_flags = FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_STREAM };

	switch (request->opcode) {
	case FUSE_INIT:
		answer_init(fuse, request);
		return 1;
	case FUSE_GETATTR:
		listener_file_answer(fuse, request->unique, 0, &attributes, sizeof attributes);
		return 1;
	case FUSE_OPEN:
		listener_file_answer(fuse, request->unique, 0, &opened, sizeof opened);
		return 1;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return 1;
	case FUSE_IOCTL:
	case FUSE_POLL:
	case FUSE_INTERRUPT:
	case FUSE_RELEASE:
		return 0;
	default:
		/* Reading and writing a listener: EINVAL; FLUSH and the like are not needed. */
		listener_file_answer(fuse, request->unique, request->opcode == FUSE_READ || request->opcode == FUSE_WRITE ? -EINVAL : -ENOSYS, NULL, 0);
		return 1;
	}
}

int listener_file_read(int fuse, struct listener_request *request)
{
	static _Alignas(8) char buffer[REQUEST_MAX];

	for (;;) {
		ssize_t got = read(fuse, buffer, sizeof buffer);
		/* ENOENT: it was interrupted before it was read. */
		if (got < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (got < 0 && errno == EAGAIN)
			return -1;
		if (got < (ssize_t)sizeof(struct fuse_in_header))
			return 0;
		const struct fuse_in_header *header = (const void *)buffer;
		*request = (struct listener_request){ .unique = header->unique, .opcode = header->opcode, .caller = (pid_t)header->pid,
			.body = buffer + sizeof *header, .length = (uint32_t)((size_t)got - sizeof *header) };
		if (!serve_file(fuse, request))
			return 1;
	}
}
