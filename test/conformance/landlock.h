/* Rulesets in short (landlock(7)). */
#ifndef LANDLOCK_TEST_H
#define LANDLOCK_TEST_H
#include "check.h"

struct attr {
  uint64_t fs, net, scoped, more[2];
};
struct beneath { uint64_t access; int32_t fd; } __attribute__((packed));
struct port { uint64_t access, port; };
enum { EXECUTE = 1, WRITE_FILE = 2, READ_FILE = 4, READ_DIR = 8, REMOVE_DIR = 16, REMOVE_FILE = 32, MAKE_CHAR = 64, MAKE_DIR = 128,
       MAKE_REG = 256, MAKE_SOCK = 512, MAKE_FIFO = 1024, MAKE_BLOCK = 2048, MAKE_SYM = 4096, REFER = 8192, TRUNCATE = 16384, IOCTL_DEV = 32768, BIND_TCP = 1, CONNECT_TCP = 2, SCOPE_ABSTRACT = 1, SCOPE_SIGNAL = 2 };
#define ALL 0xffffull

static int create(uint64_t fs, uint64_t net, uint64_t scoped) {
  struct attr attr = {fs, net, scoped, {0, 0}};
  return syscall(SYS_landlock_create_ruleset, &attr, 24, 0);
}
static int allow(int ruleset, const char *path, uint64_t access) {
  struct beneath rule = {access, open(path, O_PATH | O_CLOEXEC)};
  int result = syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0), error = errno;
  close(rule.fd);
  errno = error;
  return result;
}
__attribute__((unused)) static int allow_port(int ruleset, uint64_t port, uint64_t access) {
  return syscall(SYS_landlock_add_rule, ruleset, 2, &(struct port){access, port}, 0);
}
static int enforce(int ruleset) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_landlock_restrict_self, ruleset, 0);
}
/* Opens and closes. */
__attribute__((unused)) static int try(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}
#endif
