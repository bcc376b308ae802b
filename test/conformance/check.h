/* What every conformance program prints with: deterministic lines, never a pid, an address or a time. */
#ifndef CHECK_H
#define CHECK_H
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wunused-result"
#pragma GCC diagnostic ignored "-Wrestrict"
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The value of a call, or the name of its errno. */
#define T(expression)                                                                  \
  do {                                                                                 \
    errno = 0;                                                                         \
    long result_ = (long)(expression);                                                 \
    int error_ = errno;                                                                \
    if (result_ == -1 && error_) printf("%s = -1 %s\n", #expression, error_name(error_)); \
    else printf("%s = %ld\n", #expression, result_);                                   \
  } while (0)

/* The same for results that differ from run to run: only whether it worked. */
#define OK(expression)                                                                 \
  do {                                                                                 \
    errno = 0;                                                                         \
    long result_ = (long)(expression);                                                 \
    int error_ = errno;                                                                \
    if (result_ == -1) printf("%s = -1 %s\n", #expression, error_name(error_));        \
    else printf("%s ok\n", #expression);                                               \
  } while (0)

/* A return code that is an errno itself (pthread_*). */
#define P(expression)                                                                  \
  do {                                                                                 \
    int error_ = (expression);                                                         \
    printf("%s = %s\n", #expression, error_name(error_));                              \
  } while (0)

/* A truth. */
#define IS(expression) printf("%s: %s\n", #expression, (expression) ? "yes" : "no")

__attribute__((unused)) static const char *error_name(int error) {
  const char *name = strerrorname_np(error);
  return name ? name : "?";
}

__attribute__((unused)) static const char *signal_name(int signal) {
  static char text[32];
  const char *name = sigabbrev_np(signal);
  if (name) return name;
  snprintf(text, sizeof text, "%d", signal);
  return text;
}

/* How a child ended, without the core bit, which depends on the host's limits. */
__attribute__((unused)) static void say_status(const char *name, int status) {
  if (WIFEXITED(status)) printf("%s: exited %d\n", name, WEXITSTATUS(status));
  else if (WIFSIGNALED(status)) printf("%s: killed %s\n", name, signal_name(WTERMSIG(status)));
  else if (WIFSTOPPED(status)) printf("%s: stopped %s event %d\n", name, signal_name(WSTOPSIG(status)), status >> 16);
  else if (WIFCONTINUED(status)) printf("%s: continued\n", name);
  else printf("%s: status %x\n", name, status);
}

/* Runs the block in a child and says how it ended. */
#define IN_CHILD(name, ...)                                                            \
  do {                                                                                 \
    fflush(stdout);                                                                    \
    pid_t child_ = fork();                                                             \
    if (child_ == 0) {                                                                 \
      __VA_ARGS__;                                                                     \
      fflush(stdout);                                                                  \
      _exit(0);                                                                        \
    }                                                                                  \
    int status_ = 0;                                                                   \
    while (waitpid(child_, &status_, 0) < 0 && errno == EINTR) {                       \
    }                                                                                  \
    say_status(name, status_);                                                         \
  } while (0)

__attribute__((unused)) static void sleep_ms(long ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) < 0 && errno == EINTR) {
  }
}

__attribute__((unused)) static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The letter of /proc/PID/stat; '?' when there is none. */
__attribute__((unused)) static char state_of(pid_t pid) {
  char path[40], line[512], *end;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY);
  ssize_t n = read(fd, line, sizeof line - 1);
  close(fd);
  line[n > 0 ? n : 0] = 0;
  end = strrchr(line, ')');
  return end ? end[2] : '?';
}

/* Longer than any machine is late. */
__attribute__((unused)) static void wait_state(pid_t pid, char state) {
  for (int i = 0; i < 2000; i++, sleep_ms(5))
    if (state_of(pid) == state) return;
  printf("never in state %c\n", state);
}

__attribute__((constructor)) static void line_buffered(void) { setvbuf(stdout, NULL, _IOLBF, 0); }
#endif
