/* PIDFD_GET_INFO and the namespaces of a pidfd: living, dead and reaped; sizes and bits the kernel does not know. */
#include "../check.h"
#include <sys/ioctl.h>

struct info {
  uint64_t mask, cgroup;
  uint32_t pid, tgid, ppid, ids[8];
  int32_t exit_code;
  uint32_t coredump, more[9];
};
#define GET_INFO(size) (0xc000ff0bU | (size) << 16)
enum { PID = 1, CREDS = 2, CGROUP = 4, EXIT = 8, COREDUMP = 16 };

static struct info info;

static int ask(int fd, unsigned size, uint64_t mask) {
  memset(&info, 0xee, sizeof info);
  info.mask = mask;
  return ioctl(fd, GET_INFO(size), &info);
}

static void say(void) {
  printf("mask %x exit %d coredump %d beyond %x\n", (unsigned)info.mask, info.exit_code, (int)info.coredump, info.more[8]);
}

static pid_t start(int dumpable) {
  pid_t child = fork();
  if (child) return child;
  prctl(PR_SET_DUMPABLE, dumpable);
  for (;;) pause();
}

int main(void) {
  for (int dumpable = 0; dumpable < 2; dumpable++) {
    pid_t child = start(dumpable);
    wait_state(child, 'S');
    int fd = syscall(SYS_pidfd_open, child, 0);
    T(ask(fd, 64, PID));
    IS(info.mask == (PID | CREDS | CGROUP) && info.pid == child && info.tgid == child && info.ppid == getpid());
    for (int i = 0; i < 8; i++) IS(info.ids[i] == (i % 2 ? getgid() : getuid()));
    for (unsigned size = 64; size <= 88; size += 8) {
      T(ask(fd, size, PID | EXIT | COREDUMP | 1UL << 40));
      say();
    }
    kill(child, SIGKILL);
    siginfo_t end;
    waitid(P_PID, child, &end, WEXITED | WNOWAIT);
    T(ask(fd, 72, EXIT | COREDUMP));
    IS((info.mask & EXIT) == 0 && info.pid == child);
    waitpid(child, NULL, 0);
    T(ask(fd, 64, PID));
    for (unsigned size = 64; size <= 88; size += 8) {
      T(ask(fd, size, EXIT | COREDUMP));
      say();
    }
    T(ioctl(fd, 0xff01, 0));
    close(fd);
  }
  pid_t child = fork();
  if (child == 0) _exit(100);
  int fd = syscall(SYS_pidfd_open, child, 0);
  waitpid(child, NULL, 0);
  T(ask(fd, 64, EXIT));
  T(info.exit_code);
  fd = syscall(SYS_pidfd_open, getpid(), 0);
  T(ioctl(fd, GET_INFO(64), NULL));
  T(ioctl(fd, GET_INFO(64), -1L));
  T(ioctl(fd, GET_INFO(56), &info));
  T(ioctl(fd, 0xff00, 0));
  T(ioctl(fd, 0xff0c, 0));
  T(ioctl(fd, 0xff01, 1));
  static const char *names[] = {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"};
  for (int i = 0; i < 10; i++) {
    char path[40];
    struct stat one, two;
    int namespace = ioctl(fd, 0xff01 + i, 0);
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    printf("%s: %s, cloexec %d\n", names[i], !fstat(namespace, &one) && !stat(path, &two) && one.st_ino == two.st_ino ? "the same" : "different",
           fcntl(namespace, F_GETFD));
    close(namespace);
  }
  child = start(1);
  wait_state(child, 'S');
  IN_CHILD("a stranger", {
    int other = syscall(SYS_pidfd_open, child, 0);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) == 0) T(ioctl(other, 0xff0a, 0));
    else puts("ioctl(other, 0xff0a, 0) = -1 EACCES");
    T(ask(other, 64, PID));
  });
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}
