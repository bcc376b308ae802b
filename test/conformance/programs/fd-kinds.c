/* One call on every kind of descriptor: which have the operation, and which error comes first where they have not. */
#include "../check.h"
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

enum { FILE_, PATH, DIRECTORY, ZERO, NULL_, FULL, PIPE_OUT, PIPE_IN, UNIX, TCP, PAIR, EPOLL, EVENT, SIGNAL, TIMER, PIDFD, INOTIFY, MEMFD, QUEUE, KINDS };
static const char *names[KINDS] = {"file", "path", "directory", "zero", "null", "full", "pipe-out", "pipe-in", "unix", "tcp",
                                   "pair", "epoll", "eventfd", "signalfd", "timerfd", "pidfd", "inotify", "memfd", "mqueue"};
static int other;
static char buffer[65536];
static void *const bad = (void *)-1;

static int make(int kind) {
  int two[2] = {-1, -1};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  other = -1;
  switch (kind) {
  case FILE_: return open("file", O_RDWR);
  case PATH: return open("file", O_PATH);
  case DIRECTORY: return open(".", O_DIRECTORY);
  case ZERO: return open("/dev/zero", O_RDWR);
  case NULL_: return open("/dev/null", O_RDWR);
  case FULL: return open("/dev/full", O_RDWR);
  case PIPE_OUT:
  case PIPE_IN:
    if (pipe2(two, O_NONBLOCK)) return -1;
    write(two[1], "abcdefgh", 8);
    other = two[kind == PIPE_OUT];
    return two[kind == PIPE_IN];
  case UNIX: return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  case TCP: return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  case PAIR:
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, two)) return -1;
    other = two[1];
    return two[0];
  case EPOLL: return epoll_create1(0);
  case EVENT: return eventfd(0, EFD_NONBLOCK);
  case SIGNAL: return signalfd(-1, &set, SFD_NONBLOCK);
  case TIMER: return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  case PIDFD: return syscall(SYS_pidfd_open, getpid(), 0);
  case INOTIFY: return inotify_init1(IN_NONBLOCK);
  case MEMFD: return memfd_create("memfd", 0);
  case QUEUE: mq_unlink("/fd-kinds"); return mq_open("/fd-kinds", O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL);
  default: return -1;
  }
}

#define EACH(text, expression)                                                    \
  do {                                                                            \
    printf("%s:", text);                                                          \
    for (int kind = 0; kind < KINDS; kind++) {                                    \
      if (truncate("file", 4096)) printf("?");                                    \
      int fd = make(kind);                                                        \
      if (fd < 0) {                                                               \
        printf(" no %s", names[kind]);                                            \
        continue;                                                                 \
      }                                                                           \
      alarm(5);                                                                   \
      errno = 0;                                                                  \
      long result = (long)(expression);                                           \
      int error = errno;                                                          \
      alarm(0);                                                                   \
      if (result == -1) printf(" %s=%s", names[kind], error_name(error));         \
      else printf(" %s=%ld", names[kind], result);                                \
      close(fd);                                                                  \
      if (other >= 0) close(other);                                               \
    }                                                                             \
    puts("");                                                                     \
  } while (0)

static int ready(long n) { return n < 0 ? -1 : 0; }

/* splice(2) between a pipe of its own and the descriptor. */
static long from_pipe(int fd, int bytes) {
  int two[2];
  if (pipe2(two, O_NONBLOCK)) return -2;
  if (bytes) write(two[1], "abcdefgh", bytes);
  long n = splice(two[0], NULL, fd, NULL, 8, 0);
  int error = errno;
  close(two[0]), close(two[1]);
  errno = error;
  return n;
}

static long to_pipe(int fd) {
  int two[2];
  if (pipe2(two, O_NONBLOCK)) return -2;
  long n = splice(fd, NULL, two[1], NULL, 4, 0);
  int error = errno;
  close(two[0]), close(two[1]);
  errno = error;
  return n;
}

static void reads_and_writes(void) {
  struct iovec one = {buffer, 4};
  EACH("read into nowhere", read(fd, bad, 8));
  EACH("write from nowhere", kind == PIPE_OUT || kind == UNIX || kind == TCP ? 0 : write(fd, bad, 8));
  EACH("write nothing", write(fd, buffer, 0));
  EACH("pread", ready(pread(fd, buffer, 8, 0)));
  EACH("pwrite", pwrite(fd, buffer, 8, 0));
  EACH("preadv2", ready(preadv2(fd, &one, 1, 0, 0)));
  EACH("pwritev2", pwritev2(fd, &one, 1, 0, RWF_DSYNC) == 4 || kind == FULL ? 4 : -1);
  EACH("preadv2 unknown flag", kind == MEMFD ? 0 : preadv2(fd, &one, 1, 0, 0x40000000));
  EACH("pwritev2 unknown flag", pwritev2(fd, &one, 1, 0, 0x40000000));
  EACH("lseek", lseek(fd, 0, SEEK_CUR));
  EACH("lseek before the start", lseek(fd, -1, SEEK_SET));
}

static void copies(void) {
  int whole = open("whole", O_RDWR | O_CREAT, 0644);
  if (whole < 0 || ftruncate(whole, 8192)) return;
  EACH("splice from", ready(to_pipe(fd)));
  EACH("splice to", from_pipe(fd, 8));
  EACH("splice nothing to", from_pipe(fd, 0));
  EACH("sendfile from", (lseek(whole, 0, SEEK_SET), sendfile(whole, fd, NULL, 4)) < 0 ? -1 : 0);
  EACH("sendfile to", (lseek(whole, 0, SEEK_SET), sendfile(fd, whole, NULL, 4)));
  EACH("copy_file_range from", kind == PIDFD ? 0 : (lseek(whole, 0, SEEK_SET), copy_file_range(fd, NULL, whole, NULL, 4, 0)));
  EACH("copy_file_range to", kind == PIDFD ? 0 : (lseek(whole, 0, SEEK_SET), copy_file_range(whole, NULL, fd, NULL, 4, 0)));
  loff_t before = -1, zero = 0;
  int second = open("second", O_RDWR | O_CREAT, 0644);
  T(copy_file_range(whole, &before, second, &zero, 10, 0));
  T(copy_file_range(whole, &zero, second, &before, 10, 0));
  before = -100;
  T(copy_file_range(whole, &before, second, &zero, 10, 0));
  T(copy_file_range(whole, &before, second, &zero, 10, 1));
}

static void settings(void) {
  uint64_t hint = 2, none = 9, found = 7;
  EACH("fchmod", kind >= ZERO && kind <= FULL ? 0 : fchmod(fd, 0755));
  EACH("fchown", kind >= ZERO && kind <= FULL ? 0 : fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
  EACH("F_SETFL O_DIRECT", kind == FILE_ || kind == DIRECTORY || kind == MEMFD ? 0 : fcntl(fd, F_SETFL, O_DIRECT | O_NONBLOCK));
  EACH("F_SET_RW_HINT", fcntl(fd, F_SET_RW_HINT, &hint));
  EACH("F_SET_RW_HINT 9", fcntl(fd, F_SET_RW_HINT, &none));
  EACH("F_SET_RW_HINT nowhere", fcntl(fd, F_SET_RW_HINT, bad));
  EACH("F_GET_RW_HINT", fcntl(fd, F_SET_RW_HINT, &hint) || fcntl(fd, F_GET_RW_HINT, &found) ? -1 : (long)found);
  EACH("F_GET_FILE_RW_HINT", fcntl(fd, F_GET_FILE_RW_HINT, &found));
  EACH("F_CREATED_QUERY", fcntl(fd, 1028, 0));
  EACH("FD_CLOEXEC", fcntl(fd, F_GETFD));
  EACH("accept4 with unknown flags", accept4(fd, NULL, NULL, 1));
  struct pollfd one = {.events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM};
  EACH("poll", (one.fd = fd, poll(&one, 1, 0) < 0 ? -1 : one.revents));
}

int main(void) {
  close(open("file", O_RDWR | O_CREAT, 0644));
  signal(SIGPIPE, SIG_IGN);
  reads_and_writes();
  copies();
  settings();
  mq_unlink("/fd-kinds");
  return 0;
}
