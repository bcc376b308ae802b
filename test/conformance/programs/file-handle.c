/* name_to_handle_at(2) and open_by_handle_at(2): sizes, kinds of filesystems, what stays valid. */
#include "../check.h"
#include <sys/mount.h>

union handle {
  struct file_handle h;
  char bytes[300];
};

static int of(const char *path, union handle *u, int flags) {
  long mount_id[1] = {0};
  memset(u, 0, sizeof *u);
  u->h.handle_bytes = 128;
  return syscall(SYS_name_to_handle_at, AT_FDCWD, path, u, mount_id, flags);
}
static int by(union handle *u, int flags) { return syscall(SYS_open_by_handle_at, AT_FDCWD, u, flags); }

static void kinds(void) {
  static const char *const paths[] = {"/proc", "/proc/self/stat", "/sys", "/dev/pts", "t", "t/d", "/proc/self/ns/net"};
  union handle u;
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
    for (int fid = 0; fid < 2; fid++) {
      errno = 0;
      int r = of(paths[i], &u, AT_SYMLINK_FOLLOW | (fid ? 0x200 : 0));
      printf("%s%s: %d %s bytes %u type %x\n", paths[i], fid ? " as an id" : "", r, errno ? error_name(errno) : "", u.h.handle_bytes,
             (unsigned)u.h.handle_type);
    }
}

static void show(int fd) {
  char text[100] = "", link[300] = "";
  sprintf(text, "/proc/self/fd/%d", fd);
  readlink(text, link, sizeof link - 1);
  memset(text, 0, sizeof text);
  read(fd, text, sizeof text - 1);
  char *at = strstr(link, "/t/");
  printf("%s: %s\n", at ? at : "?", text);
  close(fd);
}

int main(void) {
  union handle u, dir, old;
  int id = 0, fd;
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mkdir("t", 0755);
  mkdir("b", 0755);
  T(mount("none", "t", "tmpfs", 0, NULL));
  mkdir("t/d", 0755);
  mkdir("t/e", 0755);
  fd = open("t/d/file", O_CREAT | O_WRONLY, 0644);
  write(fd, "text", 4);
  close(fd);
  symlink("file", "t/d/link");
  mkfifo("t/d/fifo", 0644);
  kinds();
  /* Sizes. */
  for (int size = 0; size <= 130; size += size == 16 ? 112 : size == 128 ? 1 : size > 16 ? 1 : 4) {
    memset(&u, 0, sizeof u);
    u.h.handle_bytes = size;
    errno = 0;
    int r = syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d/file", &u, &id, 0);
    printf("room %d: %d %s bytes %u type %x\n", size, r, errno ? error_name(errno) : "", u.h.handle_bytes, (unsigned)u.h.handle_type);
  }
  u.h.handle_bytes = 15;
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d/file", &u, &id, 0));
  T(u.h.handle_bytes);
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d/file", &u, NULL, 0));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d/file", NULL, &id, 0));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d/none", &u, &id, 0));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "", &u, &id, 0));
  T(syscall(SYS_name_to_handle_at, -1, "t", &u, &id, 0));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t", &u, &id, 0x800));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t", &u, &id, 0x202));
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t", &u, &id, 0x1002));
  /* The number of the mount. */
  struct statx sx;
  memset(&u, 0, sizeof u);
  u.h.handle_bytes = 128;
  syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d", &u, &id, 0);
  statx(AT_FDCWD, "t/d", 0, 0x1000, &sx);
  IS(id == (int)sx.stx_mnt_id);
  long unique = 0;
  T(syscall(SYS_name_to_handle_at, AT_FDCWD, "t/d", &u, &unique, 1));
  statx(AT_FDCWD, "t/d", 0, 0x4000, &sx);
  IS((unsigned long)unique == sx.stx_mnt_id);
  /* Opening. */
  int anchor = open("t", O_RDONLY);
  T(of("t/d/file", &u, 0));
  T(of("t/d", &dir, 0));
  T(chdir("t"));
  show(by(&u, O_RDONLY));
  T(rename("d/file", "e/other"));
  show(by(&u, O_RDONLY));
  T(of("e/other", &old, 0));
  IS(!memcmp(&u, &old, sizeof u));
  T(link("e/other", "d/second"));
  T(unlink("e/other"));
  T((fd = by(&u, O_RDWR)) >= 0);
  T(write(fd, "more", 4));
  T(unlink("d/second"));
  T(close(by(&u, O_RDONLY)));
  T(close(fd));
  T(by(&u, O_RDONLY));
  T((fd = open("e/other", O_CREAT | O_RDWR, 0644)) >= 0);
  T(by(&u, O_RDONLY));
  close(fd);
  T(by(&dir, O_RDWR));
  T((fd = by(&dir, O_RDONLY | O_DIRECTORY)) >= 0);
  T(fcntl(fd, F_GETFD));
  T(faccessat(fd, "fifo", F_OK, 0));
  close(fd);
  T((fd = by(&dir, O_PATH | O_CLOEXEC)) >= 0);
  T(fcntl(fd, F_GETFD));
  T(fcntl(fd, F_GETFL) == O_PATH);
  close(fd);
  T(of("d/link", &u, 0));
  T(by(&u, O_RDONLY));
  T((fd = by(&u, O_PATH)) >= 0);
  char text[20] = "";
  T(readlinkat(fd, "", text, sizeof text));
  close(fd);
  T(of("d/link", &u, AT_SYMLINK_FOLLOW));
  T(of("d/fifo", &u, 0));
  T((fd = by(&u, O_RDONLY | O_NONBLOCK)) >= 0);
  T(by(&u, O_RDONLY | O_DIRECTORY));
  close(fd);
  T(of("e/other", &u, 0));
  T(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  T(by(&u, O_RDWR));
  T(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND, NULL));
  /* What is no handle. */
  T(syscall(SYS_open_by_handle_at, -1, &u, O_RDONLY));
  T(syscall(SYS_open_by_handle_at, anchor, NULL, O_RDONLY));
  T(syscall(SYS_open_by_handle_at, anchor, &u, O_RDONLY) >= 0);
  u.h.handle_bytes = 0;
  T(by(&u, O_RDONLY));
  u.h.handle_bytes = 129;
  T(by(&u, O_RDONLY));
  u.h.handle_bytes = 8;
  T(by(&u, O_RDONLY));
  u.h.handle_bytes = 12;
  u.h.handle_type = -1;
  T(by(&u, O_RDONLY));
  u.h.handle_type = 0x40001;
  T(by(&u, O_RDONLY));
  u.h.handle_type = 0x77;
  T(by(&u, O_RDONLY));
  u.h.handle_type = 1;
  T(by(&u, O_RDONLY) >= 0);
  int proc = open("/proc", O_RDONLY);
  T(syscall(SYS_open_by_handle_at, proc, &u, O_RDONLY));
  u.h.f_handle[0] ^= 1;
  T(by(&u, O_RDONLY));
  T(of("e/other", &u, 0));
  u.h.f_handle[4] ^= 0x55;
  T(by(&u, O_RDONLY));
  T(of("e/other", &u, 0));
  T(chmod("e/other", 0));
  IN_CHILD("an ordinary user", setresuid(1000, 1000, 1000); T(of("e/other", &old, 0)); T(by(&u, O_RDONLY)); T(by(&u, O_PATH)));
  /* A mount that does not show the file opens it all the same. */
  T(chdir(".."));
  T(mount("t/d", "b", NULL, MS_BIND, NULL));
  int other = open("b", O_RDONLY);
  T(syscall(SYS_open_by_handle_at, other, &u, O_RDONLY) >= 0);
  return 0;
}
