/* time_namespaces(7): offsets of the clocks, who is inside when, and what counts by them. */
#include "../check.h"
#include <linux/futex.h>
#include <linux/nsfs.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static long outer_mono, outer_boot;

static long seconds(clockid_t clock) {
  struct timespec now;
  return clock_gettime(clock, &now) ? -1 : now.tv_sec;
}
static long asked(clockid_t clock) {
  struct timespec now;
  return syscall(SYS_clock_gettime, clock, &now) ? -1 : now.tv_sec;
}
/* How much is added, to the nearest 10 s. */
static long about(long difference) { return (difference + (difference < 0 ? -5 : 5)) / 10 * 10; }

static void look(const char *who) {
  printf("%s: monotonic %+ld (call %+ld) raw %+ld coarse %+ld boot %+ld (call %+ld) real %d\n", who,
         about(seconds(CLOCK_MONOTONIC) - outer_mono), about(asked(CLOCK_MONOTONIC) - outer_mono),
         about(seconds(CLOCK_MONOTONIC_RAW) - outer_mono), about(seconds(CLOCK_MONOTONIC_COARSE) - outer_mono),
         about(seconds(CLOCK_BOOTTIME) - outer_boot), about(asked(CLOCK_BOOTTIME) - outer_boot),
         labs(seconds(CLOCK_REALTIME) - asked(CLOCK_REALTIME)) < 3);
}

static long put(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (fd < 0) return -1;
  long n = write(fd, text, strlen(text));
  int error = errno;
  close(fd);
  errno = error;
  return n;
}

static void show(const char *path) {
  char text[200];
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  printf("%s:\n%s", path, text);
}

static long number_in(const char *path, const char *key) {
  char text[8192];
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  char *at = strstr(text, key);
  return at ? atol(at + strlen(key)) : -1;
}

static int same(const char *a, const char *b) {
  struct stat first, second;
  return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_ino == second.st_ino;
}

#define OFFSETS "/proc/self/timens_offsets"

static void sleeps(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  struct timespec before = at;
  at.tv_nsec += 30000000;
  if (at.tv_nsec >= 1000000000) at.tv_sec++, at.tv_nsec -= 1000000000;
  P(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL));
  struct timespec after;
  clock_gettime(CLOCK_MONOTONIC, &after);
  long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  IS(ms >= 29 && ms < 5000);
  int word = 0;
  at = after;
  at.tv_sec += at.tv_nsec > 960000000, at.tv_nsec = (at.tv_nsec + 40000000) % 1000000000;
  T(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY));
  for (int boot = 0; boot < 2; boot++) {
    clockid_t clock = boot ? CLOCK_BOOTTIME : CLOCK_MONOTONIC;
    int fd = timerfd_create(clock, 0);
    struct itimerspec setting = {0};
    clock_gettime(clock, &setting.it_value);
    setting.it_value.tv_sec += 100;
    T(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
    timerfd_gettime(fd, &setting);
    printf("left %ld\n", about(setting.it_value.tv_sec));
    setting.it_value = (struct timespec){1, 0};
    T(timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL));
    uint64_t ticks;
    T(read(fd, &ticks, 8));
    close(fd);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    T(timer_create(clock, &event, &timer));
    clock_gettime(clock, &setting.it_value);
    setting.it_value.tv_sec += 50;
    T(timer_settime(timer, TIMER_ABSTIME, &setting, NULL));
    timer_gettime(timer, &setting);
    printf("left %ld\n", about(setting.it_value.tv_sec));
    timer_delete(timer);
  }
}

int main(int argc, char **argv) {
  if (argc > 3) {
    outer_mono = atol(argv[1]), outer_boot = atol(argv[2]);
    look(argv[3]);
    IS(same("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
    IS(getauxval(AT_SYSINFO_EHDR) != 0);
    return 0;
  }
  outer_mono = seconds(CLOCK_MONOTONIC), outer_boot = seconds(CLOCK_BOOTTIME);
  char mono[24], boot[24];
  sprintf(mono, "%ld", outer_mono), sprintf(boot, "%ld", outer_boot);
  look("outside");
  show(OFFSETS);
  T(put(OFFSETS, "monotonic 1 0\n"));
  IN_CHILD("nobody", {
    T(setgid(1));
    T(setuid(1));
    T(unshare(CLONE_NEWTIME));
    T(put(OFFSETS, "monotonic 1 0\n"));
  });
  int outside = open("/proc/self/ns/time", O_RDONLY);
  long start_before = number_in("/proc/stat", "btime ");
  IN_CHILD("inside", {
    T(unshare(CLONE_NEWUSER | CLONE_NEWTIME));
    IS(same("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
    look("maker");
    show(OFFSETS);
    T(put(OFFSETS, "monotonic 864000 500000000\nboottime -3 0\n"));
    T(put(OFFSETS, "7 864000 250000000"));
    T(put(OFFSETS, "1 864000 0\n7 864000 0\n1 3 0\n"));
    show(OFFSETS);
    T(put(OFFSETS, ""));
    T(put(OFFSETS, "\n"));
    T(put(OFFSETS, "realtime 1 0\n"));
    T(put(OFFSETS, "0 1 0\n"));
    T(put(OFFSETS, "monotonic 1\n"));
    T(put(OFFSETS, "monotonic 1 1000000000\n"));
    T(put(OFFSETS, "monotonic 1 -1\n"));
    T(put(OFFSETS, "monotonic 1 0 rest\n"));
    T(put(OFFSETS, "monotonic -99999999 0\n"));
    T(put(OFFSETS, "monotonic 9223372036 0\n"));
    T(put(OFFSETS, "monotonic 9223372037 0\n"));
    T(put(OFFSETS, "monotonicx 1 0\n"));
    T(put(OFFSETS, "  monotonic   864000\t0\nboottime 864000 0"));
    show(OFFSETS);
    int fd = open(OFFSETS, O_WRONLY);
    T(lseek(fd, 3, SEEK_SET));
    T(write(fd, "monotonic 5 0\n", 14));
    close(fd);
    look("maker still");
    int made = open("/proc/self/ns/time_for_children", O_RDONLY);
    T(ioctl(made, NS_GET_NSTYPE));
    T(ioctl(made, NS_GET_PARENT));
    OK(ioctl(made, NS_GET_USERNS));
    IN_CHILD("child", {
      look("child");
      T(put(OFFSETS, "monotonic 5 0\n"));
      show(OFFSETS);
      struct sysinfo info;
      sysinfo(&info);
      printf("uptime %+ld\n", about(number_in("/proc/uptime", "") - outer_boot));
      printf("sysinfo %+ld\n", about(info.uptime - outer_boot));
      printf("btime %+ld\n", about(number_in("/proc/stat", "btime ") - start_before));
      sleeps();
      T(setns(outside, CLONE_NEWTIME));
      fflush(stdout);
      pid_t again = vfork();
      if (again == 0) execl("/proc/self/exe", "again", mono, boot, "exec in child", NULL), _exit(1);
      waitpid(again, NULL, 0);
    });
    pid_t vforked = vfork();
    if (vforked == 0) {
      printf("vfork child %+ld\n", about(asked(CLOCK_MONOTONIC) - outer_mono));
      execl("/proc/self/exe", "vforked", mono, boot, "exec after vfork", NULL), _exit(1);
    }
    waitpid(vforked, NULL, 0);
    T(setns(made, CLONE_NEWUTS));
    T(setns(made, CLONE_NEWTIME));
    look("after setns");
    IS(same("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
    T(unshare(CLONE_NEWTIME));
    show(OFFSETS);
    T(put(OFFSETS, "monotonic 172800 0\n"));
    IN_CHILD("grandchild", look("grandchild"));
    fflush(stdout);
    execl("/proc/self/exe", "self", mono, boot, "exec of the maker", NULL);
  });
  IN_CHILD("clone3", {
    struct {
      uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } args = {.flags = CLONE_NEWTIME, .exit_signal = SIGCHLD};
    fflush(stdout);
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
      look("clone3 child");
      IS(same("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
      T(put(OFFSETS, "monotonic 5 0\n"));
      fflush(stdout);
      _exit(0);
    }
    if (pid < 0) printf("clone3: %s\n", error_name(errno));
    waitpid(pid, NULL, 0);
    IS(same("/proc/self/ns/time", "/proc/self/ns/time_for_children"));
  });
  IN_CHILD("thread", {
    T(unshare(CLONE_NEWTIME));
    T(put(OFFSETS, "boottime 1000 0\n"));
    pthread_t thread;
    P(pthread_create(&thread, NULL, (void *(*)(void *))(void *)pause, NULL));
    T(setns(outside, CLONE_NEWTIME));
    look("with a thread");
  });
  return 0;
}
