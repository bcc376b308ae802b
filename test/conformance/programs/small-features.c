/* Small things that are easily left out: extents, seq files at an offset, the kernel's log, mq_notify by thread, queues per user. */
#include "../check.h"
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <mqueue.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/socket.h>

static void extents(void) {
  struct {
    struct fiemap map;
    struct fiemap_extent room[4];
  } m = {.map = {.fm_length = ~0ull, .fm_extent_count = 4}};
  int block = 0, pipes[2], fd;
  mkdir("t", 0755);
  T(mount("none", "t", "tmpfs", 0, NULL));
  T((fd = open("t/file", O_CREAT | O_RDWR, 0644)) >= 0);
  write(fd, "text", 4);
  T(ioctl(fd, FS_IOC_FIEMAP, &m));
  T(ioctl(fd, FIBMAP, &block));
  T(ioctl(fd, FIGETBSZ, &block));
  close(fd);
  T((fd = open("t", O_RDONLY)) >= 0);
  T(ioctl(fd, FS_IOC_FIEMAP, &m));
  T(ioctl(fd, FIBMAP, &block));
  close(fd);
  pipe(pipes);
  T(ioctl(pipes[0], FIBMAP, &block));
  T(ioctl(pipes[0], FS_IOC_FIEMAP, &m));
  IN_CHILD("without CAP_SYS_RAWIO", setresuid(1000, 1000, 1000); fd = open("t/file", O_RDONLY); T(ioctl(fd, FIBMAP, &block)));
}

static void sequences(void) {
  static const char *const names[] = {"comm", "uid_map", "gid_map", "setgroups", "timens_offsets", "timerslack_ns", "oom_score_adj", "coredump_filter"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    char path[60];
    snprintf(path, sizeof path, "/proc/self/%s", names[i]);
    int fd = open(path, O_RDWR);
    printf("%s: ", names[i]);
    T(fd >= 0);
    T(pwrite(fd, "x", 1, 1));
    if (!strcmp(names[i], "comm")) {
      T(write(fd, "named", 5));
      char text[20] = "";
      T(pread(fd, text, 19, 0));
      printf("%s", text);
    }
    close(fd);
  }
}

static void messages(void) {
  static char text[1 << 20];
  IS(klogctl(10, NULL, 0) > 0);
  IS(klogctl(3, text, sizeof text) > 20);
  IS(text[0] == '<');
  IS(strstr(text, "[") != NULL && text[strlen(text) - 1] == '\n');
  T(klogctl(3, text, 0));
  T(klogctl(3, text, 3));
  T(klogctl(3, NULL, 10));
  T(klogctl(3, text, -1));
  T(klogctl(2, NULL, 10));
  T(klogctl(11, NULL, 0));
  T(klogctl(-1, NULL, 0));
  T(klogctl(8, NULL, 0));
  T(klogctl(8, NULL, 9));
  T(klogctl(0, NULL, 0));
  T(klogctl(1, NULL, 0));
  IN_CHILD("without CAP_SYSLOG", setresuid(1000, 1000, 1000); T(klogctl(2, text, 10)); T(klogctl(5, NULL, 0)));
}

static int told[2];
static void on_message(union sigval value) {
  char c = value.sival_int;
  write(told[1], &c, 1);
}

static void threads(void) {
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16};
  struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_message, .sigev_value.sival_int = 'k'};
  char c = 0, text[16];
  mqd_t mq;
  pipe(told);
  mq_unlink("/small-features");
  T((mq = mq_open("/small-features", O_CREAT | O_RDWR, 0600, &attr)) >= 0);
  T(mq_notify(mq, &event));
  T(mq_notify(mq, &event));
  T(mq_send(mq, "one", 3, 1));
  T(read(told[0], &c, 1));
  printf("%c\n", c);
  T(mq_receive(mq, text, 16, NULL));
  event.sigev_value.sival_int = 'l';
  T(mq_notify(mq, &event));
  T(mq_notify(mq, NULL));
  T(mq_send(mq, "two", 3, 1));
  T(mq_receive(mq, text, 16, NULL));
  T(mq_notify(mq, &event));
  T(mq_send(mq, "three", 5, 1));
  T(read(told[0], &c, 1));
  printf("%c\n", c);
  /* The call itself: a cookie of 32 bytes by a netlink socket. */
  T(mq_receive(mq, text, 16, NULL));
  char cookie[32] = "cookie", got[40];
  int fd = socket(AF_NETLINK, SOCK_RAW, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
  event.sigev_value.sival_ptr = cookie;
  event.sigev_signo = 99;
  T(syscall(SYS_mq_notify, mq, &event));
  event.sigev_signo = other;
  T(syscall(SYS_mq_notify, mq, &event));
  event.sigev_signo = told[0];
  T(syscall(SYS_mq_notify, mq, &event));
  event.sigev_signo = fd;
  event.sigev_value.sival_ptr = (void *)1;
  T(syscall(SYS_mq_notify, mq, &event));
  event.sigev_value.sival_ptr = cookie;
  T(syscall(SYS_mq_notify, mq, &event));
  T(recv(fd, got, sizeof got, MSG_DONTWAIT));
  T(syscall(SYS_mq_notify, mq, NULL));
  T(recv(fd, got, sizeof got, 0));
  printf("%s %d\n", got, got[31]);
  T(syscall(SYS_mq_notify, mq, &event));
  T(mq_send(mq, "four", 4, 1));
  T(recv(fd, got, sizeof got, 0));
  printf("%s %d\n", got, got[31]);
  mq_close(mq);
  mq_unlink("/small-features");
}

static void queues(void) {
  struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 100};
  struct rlimit limit = {20000, 20000};
  mqd_t last = -1;
  char name[30];
  int i;
  T(setrlimit(RLIMIT_MSGQUEUE, &limit));
  T(setresuid(54321, 54321, 54321));
  for (i = 0; i < 50; i++) {
    snprintf(name, sizeof name, "/small-features-%d", i);
    mqd_t mq = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
    if (mq < 0) break;
    last = mq;
  }
  printf("%d queues, then %s\n", i, error_name(errno));
  snprintf(name, sizeof name, "/small-features-%d", i - 1);
  T(mq_unlink(name));
  T(mq_open("/small-features-x", O_CREAT | O_RDWR, 0600, &attr) >= 0);
  T(mq_close(last));
  T(mq_open("/small-features-x", O_CREAT | O_RDWR, 0600, &attr) >= 0);
  T(mq_unlink("/small-features-x"));
  while (i-- > 0) {
    snprintf(name, sizeof name, "/small-features-%d", i);
    mq_unlink(name);
  }
}

int main(void) {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  extents();
  sequences();
  messages();
  threads();
  IN_CHILD("queues", queues());
  return 0;
}
