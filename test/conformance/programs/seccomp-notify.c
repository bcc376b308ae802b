/* Seccomp user notification: what a listener reads, answers, lets through and hands over; its end, signals, and the filters' end. */
#include "../check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int install(unsigned flags, int nr) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {4, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

static void send_fd(int socket, int fd) {
  char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET, part->cmsg_type = SCM_RIGHTS, part->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(part), &fd, sizeof fd);
  sendmsg(socket, &message, 0);
}

static int receive_fd(int socket) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec vector = {&byte, 1};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(socket, &message, 0) == 1) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static long ask(long a, long b) {
  errno = 0;
  long result = syscall(SYS_getppid, a, b);
  return result == -1 ? -errno : result;
}

static volatile int hits;
static void hit(int signal) { (void)signal, hits++; }

static void target(int socket, long parent) {
  int listener = install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid);
  send_fd(socket, listener);
  close(listener);
  printf("told %ld\n", ask(11, 22));
  printf("refused %s\n", error_name((int)-ask(0, 0)));
  printf("let through %d\n", ask(0, 0) == parent);
  long fd = ask(0, 0);
  char text[8] = "";
  ssize_t n = read((int)fd, text, 5);
  printf("handed over %d, read %zd %s\n", fd > 2, n, text);
  fd = ask(0, 0);
  printf("handed over and answered %ld %d\n", fd, fcntl(77, F_GETFD));
  struct sigaction action = {.sa_handler = hit, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  long result = ask(5, 5);
  printf("after a signal %ld, hits %d\n", result, hits);
  printf("nobody listens: %s\n", error_name((int)-ask(0, 0)));
  printf("still not: %s\n", error_name((int)-ask(0, 0)));
  fflush(stdout);
}

static struct seccomp_notif read_one(int listener) {
  struct seccomp_notif request;
  memset(&request, 0, sizeof request);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request)) printf("recv: %s\n", error_name(errno));
  return request;
}

static int answer(int listener, unsigned long long id, long value, int error, unsigned flags) {
  struct seccomp_notif_resp response = {id, value, error, flags};
  errno = 0;
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) ? -errno : 0;
}

static void supervise(void) {
  int sockets[2], pipes[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
  pipe(pipes);
  write(pipes[1], "hello", 5);
  long parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    target(sockets[1], parent);
    _exit(0);
  }
  int listener = receive_fd(sockets[0]);
  struct seccomp_notif request = read_one(listener);
  printf("pid %d nr %d arch %x args %lld %lld flags %u\n", request.pid == (unsigned)child, request.data.nr == SYS_getppid, request.data.arch, request.data.args[0],
         request.data.args[1], request.flags);
  struct pollfd poller = {listener, POLLIN | POLLOUT, 0};
  poll(&poller, 1, 1000);
  printf("poll %x\n", poller.revents);
  T(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id));
  unsigned long long wrong = request.id + 12345;
  T(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &wrong));
  printf("bad flags %s\n", error_name(-answer(listener, request.id, 0, 0, 4)));
  printf("continue with a value %s\n", error_name(-answer(listener, request.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE)));
  printf("unknown %s\n", error_name(-answer(listener, wrong, 0, 0, 0)));
  struct seccomp_notif filled = {.flags = 1};
  T(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &filled));
  fflush(stdout);
  answer(listener, request.id, 4711, 0, 0);
  request = read_one(listener);
  answer(listener, request.id, 0, -EXDEV, 0);
  request = read_one(listener);
  answer(listener, request.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  request = read_one(listener);
  struct seccomp_notif_addfd add = {request.id, 0, (unsigned)pipes[0], 0, 0};
  int fd = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
  printf("added %d\n", fd > 2);
  add.newfd = 5;
  T(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
  /* A struct of another length: what is behind the known part must be zeros. */
  struct {
    struct seccomp_notif_addfd known;
    char rest[8];
  } longer = {.known = add, .rest = {1}};
  T(ioctl(listener, _IOWR('!', 3, longer), &longer));
  T(ioctl(listener, _IOW('!', 3, char[16]), &longer));
  fflush(stdout);
  answer(listener, request.id, fd, 0, 0);
  request = read_one(listener);
  struct seccomp_notif_addfd set = {request.id, SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND, (unsigned)pipes[1], 77, O_CLOEXEC};
  int fd_set_to = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &set);
  request = read_one(listener);
  kill(child, SIGUSR1);
  struct seccomp_notif again = read_one(listener);
  printf("set %d\n", fd_set_to);
  printf("asked again %d %d\n", again.id != request.id, again.data.args[0] == 5);
  printf("the first is gone %s\n", error_name(-answer(listener, request.id, 0, 0, 0)));
  fflush(stdout);
  answer(listener, again.id, 99, 0, 0);
  request = read_one(listener);
  close(listener);
  int status;
  waitpid(child, &status, 0);
  printf("status %x\n", status);
}

static void ends(void) {
  int sockets[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
  pid_t child = fork();
  if (child == 0) {
    send_fd(sockets[1], install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid));
    int second = install(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getppid);
    printf("a second listener: %d %s\n", second, error_name(errno));
    fflush(stdout);
    ask(0, 0);
    _exit(0);
  }
  int listener = receive_fd(sockets[0]);
  read_one(listener);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  struct pollfd poller = {listener, POLLIN, 0};
  poll(&poller, 1, 1000);
  printf("without users: poll %x\n", poller.revents);
  close(listener);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct seccomp_notif_sizes sizes;
  T(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
  printf("sizes %d %d %d\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
  unsigned action = SECCOMP_RET_USER_NOTIF;
  T(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  supervise();
  ends();
  return 0;
}
