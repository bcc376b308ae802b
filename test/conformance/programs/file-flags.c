/* chattr(1) on tmpfs: immutable, append-only and other flags (ioctl_iflags(2)), and what they forbid even to root. */
#include "../check.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

static long set(const char *path, int flags) {
  int fd = open(path, O_RDONLY);
  long result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
  int error = errno;
  close(fd);
  errno = error;
  return result;
}
static long get(const char *path) {
  int flags = -7, fd = open(path, O_RDONLY);
  long result = ioctl(fd, FS_IOC_GETFLAGS, &flags);
  int error = errno;
  close(fd);
  errno = error;
  return result ? result : flags;
}
static void attributes(const char *path) {
  unsigned char buffer[256] = {0};
  uint64_t bits, mask;
  syscall(SYS_statx, AT_FDCWD, path, 0, 0xfff, buffer);
  memcpy(&bits, buffer + 8, 8), memcpy(&mask, buffer + 56, 8);
  printf("statx %lx of %lx\n", bits & 0x70, mask & 0x70);
}
static int opens(const char *path, int flags) {
  int fd = open(path, flags, 0644);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static void attempts(void) {
  struct timespec times[2] = {{1, 0}, {1, 0}};
  T(opens("file", O_RDONLY));
  T(opens("file", O_WRONLY));
  T(opens("file", O_RDWR | O_APPEND));
  T(opens("file", O_WRONLY | O_APPEND | O_TRUNC));
  T(opens("file", O_RDONLY | O_TRUNC));
  T(truncate("file", 1));
  T(access("file", W_OK));
  T(access("file", R_OK));
  T(chmod("file", 0600));
  T(chown("file", 0, 0));
  T(utimensat(AT_FDCWD, "file", NULL, 0));
  T(utimensat(AT_FDCWD, "file", times, 0));
  T(setxattr("file", "user.a", "1", 1, 0));
  T(link("file", "again"));
  T(rename("file", "moved"));
  T(rename("other", "file"));
  T(unlink("file"));
}

int main(void) {
  mkdir("m", 0755);
  OK(unshare(CLONE_NEWNS));
  OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
  if (mount("none", "m", "tmpfs", 0, NULL) || chdir("m")) return 1;
  close(open("file", O_CREAT | O_WRONLY, 0644));
  close(open("other", O_CREAT | O_WRONLY, 0644));
  symlink("file", "link");
  mkdir("dir", 0755);
  T(get("file"));
  attributes("file");
  T(set("file", FS_NODUMP_FL | FS_NOATIME_FL));
  T(get("file"));
  attributes("file");
  T(set("file", FS_COMPR_FL));
  T(set("file", FS_SYNC_FL));
  int writer = open("file", O_RDWR);
  T(set("file", FS_IMMUTABLE_FL));
  attributes("file");
  attempts();
  T(write(writer, "x", 1));
  T(fallocate(writer, 0, 0, 10));
  T(set("file", FS_APPEND_FL));
  attributes("file");
  attempts();
  int appender = open("file", O_WRONLY | O_APPEND);
  T(write(appender, "more", 4));
  T(ftruncate(appender, 0));
  T(fcntl(appender, F_SETFL, 0));
  T(fallocate(appender, 0, 0, 10));
  T(fallocate(appender, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
  T(set("file", 0));
  T(ftruncate(appender, 0));
  T(set("dir", FS_APPEND_FL | FS_NODUMP_FL));
  T(opens("dir/new", O_CREAT | O_WRONLY));
  T(mkdir("dir/sub", 0755));
  T(get("dir/new"));
  T(get("dir/sub"));
  T(unlink("dir/new"));
  T(rename("dir/new", "dir/newer"));
  T(rmdir("dir/sub"));
  T(set("dir", FS_IMMUTABLE_FL));
  T(opens("dir/another", O_CREAT | O_WRONLY));
  T(opens("dir/new", O_WRONLY));
  T(unlink("dir/new"));
  T(rename("file", "dir/file"));
  T(chmod("dir", 0700));
  T(set("dir", 0));
  T(unlink("dir/new"));
  int null = open("/dev/null", O_RDONLY), flags = 0, pipes[2];
  T(ioctl(null, FS_IOC_GETFLAGS, &flags));
  pipe(pipes);
  T(ioctl(pipes[0], FS_IOC_GETFLAGS, &flags));
  T(ioctl(open("file", O_RDONLY), FS_IOC_SETFLAGS, NULL));
  chmod("file", 0666);
  IN_CHILD("nobody", {
    setgid(1), setuid(1);
    T(get("file"));
    T(set("file", FS_NODUMP_FL));
    T(set("file", FS_IMMUTABLE_FL));
  });
  IN_CHILD("without the capability", {
    prctl(PR_CAPBSET_DROP, 9, 0, 0, 0);
    setuid(0);
    chown("file", 1, 1);
    setgid(1), setuid(1);
    T(set("file", FS_NODUMP_FL));
    T(set("file", FS_NODUMP_FL | FS_IMMUTABLE_FL));
    T(get("file"));
  });
  return 0;
}
