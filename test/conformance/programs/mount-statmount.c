/* statmount(2) and listmount(2): mounts by number. */
#include "../check.h"
#include <sys/mount.h>
#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

struct request {
  uint32_t size, spare;
  uint64_t mount, param, namespace, more;
};
struct answer {
  uint32_t size, options;
  uint64_t mask;
  uint32_t major, minor;
  uint64_t magic;
  uint32_t super_flags, type;
  uint64_t id, parent;
  uint32_t old_id, old_parent;
  uint64_t attributes, propagation, group, master, from;
  uint32_t root, point;
  uint64_t namespace;
  uint32_t subtype, source, option_count, option_array, secure_count, secure_array;
  uint64_t supported;
  uint64_t rest[45];
  char text[1024];
};

static uint64_t id_of(const char *path) {
  unsigned char buffer[256] = {0};
  if (syscall(SYS_statx, AT_FDCWD, path, 0, 0x4000, buffer)) return 0;
  uint64_t id;
  memcpy(&id, buffer + 144, 8);
  return id;
}

static struct answer a;
static int ask(uint64_t id, uint64_t mask, size_t size) {
  struct request request = {32, 0, id, mask, 0, 0};
  memset(&a, 0x55, sizeof a);
  return syscall(SYS_statmount, &request, &a, size, 0);
}
static int list(uint64_t id, uint64_t last, uint64_t *ids, size_t count, unsigned flags) {
  struct request request = {32, 0, id, last, 0, 0};
  return syscall(SYS_listmount, &request, ids, count, flags);
}

static char here[4096];
static const char *below(const char *path) {
  size_t length = strlen(here);
  return strncmp(path, here, length) ? path : path + length;
}

static void put(const char *path, const char *format, unsigned value) {
  int fd = open(path, O_WRONLY);
  dprintf(fd, format, value);
  close(fd);
}

int main(void) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  T(unshare(CLONE_NEWUSER | CLONE_NEWNS));
  mkdir("unmapped", 0755);
  T(mount("none", "unmapped", "tmpfs", 0, NULL));
  T(mkdir("unmapped/dir", 0755));
  put("/proc/self/setgroups", "deny", 0);
  put("/proc/self/uid_map", "0 %d 1", uid);
  put("/proc/self/gid_map", "0 %d 1", gid);
  T(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  getcwd(here, sizeof here);
  mkdir("m", 0755);
  T(mount("source of m", "m", "tmpfs", MS_NOSUID | MS_NOEXEC | MS_NOATIME, "size=1m,mode=700"));
  mkdir("m/one", 0755), mkdir("m/two", 0755), mkdir("m/one/deep", 0755);
  T(mount("one", "m/one", "tmpfs", MS_RDONLY | MS_NODEV, NULL));
  T(mount("m/two", "m/two", NULL, MS_BIND, NULL));
  T(mount(NULL, "m/two", NULL, MS_SHARED, NULL));
  uint64_t m = id_of("m"), one = id_of("m/one"), two = id_of("m/two");
  IS(m > (1ull << 31) && one > m && two > one);
  T(ask(m, 0x3, sizeof a));
  printf("size %u mask %lx magic %lx flags %x attributes %lx propagation %lx group %lu master %lu\n", a.size, a.mask, a.magic, a.super_flags,
         a.attributes, a.propagation, a.group, a.master);
  IS(a.id == m && a.parent == id_of("."));
  T(ask(one, 0x3, sizeof a));
  printf("attributes %lx flags %x\n", a.attributes, a.super_flags);
  IS(a.parent == m);
  T(ask(two, 0x2 | 0x8 | 0x10 | 0x20 | 0x200, sizeof a));
  printf("mask %lx root %s point %s type %s source %s propagation %lx group %d\n", a.mask, a.text + a.root, below(a.text + a.point),
         a.text + a.type, a.text + a.source, a.propagation, a.group > 0);
  printf("text begins with %d, size %d\n", a.text[0], a.size == 512 + 1 + 5 + strlen(a.text + a.point) + 1 + 6 + strlen(a.text + a.source) + 1);
  T(ask(m, 0x40, sizeof a));
  IS(a.namespace > 0 && a.mask == 0x40 && a.size == 512);
  T(ask(m, 0, sizeof a));
  printf("mask %lx size %u\n", a.mask, a.size);
  T(ask(m, 0x3, 100));
  printf("size %u mask %lx\n", a.size, a.mask);
  T(ask(m, 0x20, 512));
  T(ask(m, 0x20, 514));
  T(ask(m, 0x20, 519));
  printf("size %u\n", a.size);
  T(ask(m, 0x100, sizeof a));
  printf("mask %lx\n", a.mask);
  T(ask(5, 0x3, sizeof a));
  T(ask(1ull << 60, 0x3, sizeof a));
  struct request request = {16, 0, m, 3, 0, 0};
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));
  request.size = 5000;
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));
  request.size = 40;
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));
  request.more = 1;
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));
  request.size = 24;
  T(syscall(SYS_statmount, &request, &a, sizeof a, 1));
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));
  T(syscall(SYS_statmount, NULL, &a, sizeof a, 0));
  T(syscall(SYS_statmount, &request, 8, sizeof a, 0));
  request.size = 32, request.namespace = 12345;
  T(syscall(SYS_statmount, &request, &a, sizeof a, 0));

  uint64_t ids[64];
  T(list(m, 0, ids, 64, 0));
  IS(ids[0] == one && ids[1] == two);
  T(list(m, 0, ids, 64, 1));
  IS(ids[0] == two && ids[1] == one);
  T(list(m, 0, ids, 1, 0));
  T(list(m, one, ids, 64, 0));
  T(list(m, two, ids, 64, 0));
  T(list(m, two, ids, 64, 1));
  T(list(one, 0, ids, 64, 0));
  T(list(m, 5, ids, 64, 0));
  T(list(5, 0, ids, 64, 0));
  T(list(1ull << 60, 0, ids, 64, 0));
  T(list(m, 0, ids, 64, 2));
  T(list(m, 0, ids, 2000000, 0));
  T(list(m, 0, NULL, 64, 0));
  T(list(m, 0, ids, 0, 0));
  IS(list(-1, 0, ids, 64, 0) > 2);
  IN_CHILD("from inside", {
    T(chroot("m"));
    chdir("/");
    T(list(-1, 0, ids, 64, 0));
    IS(ids[0] == m);
    T(ask(one, 0x10, sizeof a));
    printf("point %s\n", a.text + a.point);
    T(ask(id_of("/"), 0x10, sizeof a));
    printf("point %s\n", a.text + a.point);
  });
  T(umount("m/two"));
  T(ask(two, 0x3, sizeof a));
  return 0;
}
