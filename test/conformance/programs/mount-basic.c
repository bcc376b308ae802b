/* mount, umount, bind, remount, chroot, pivot_root's errors, tmpfs limits, statfs. */
#include "../check.h"
#include <sys/mount.h>
#include <sys/statfs.h>

static void put(const char *p, const char *text) {
  int fd = open(p, O_CREAT | O_WRONLY, 0644);
  write(fd, text, strlen(text));
  close(fd);
}
static void get(const char *p) {
  char b[100] = "";
  int fd = open(p, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof b - 1);
  printf("%s: %s\n", p, n < 0 ? error_name(errno) : b);
  close(fd);
}

int main(void) {
  struct statfs sf;
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mkdir("t", 0755);
  mkdir("b", 0755);
  put("file", "below");
  put("t/hidden", "hidden");
  T(mount("none", "nowhere", "tmpfs", 0, NULL));
  T(mount("none", "file", "tmpfs", 0, NULL));
  T(mount("none", "t", "nonsense", 0, NULL));
  T(mount("none", "t", NULL, 0, NULL));
  T(mount("none", "t", "tmpfs", 0, "nonsense=1"));
  T(umount("t"));
  T(mount("none", "t", "tmpfs", 0, "size=64k,mode=0700,nr_inodes=10"));
  struct stat a, b;
  T((stat("t", &a), a.st_mode));
  IS((stat(".", &b), a.st_dev != b.st_dev));
  T(access("t/hidden", F_OK));
  T(statfs("t", &sf));
  printf("type %lx blocks %ld files %ld bsize %ld\n", (long)sf.f_type, (long)sf.f_blocks, (long)sf.f_files, (long)sf.f_bsize);
  put("t/x", "on tmpfs");
  char big[100000];
  memset(big, 1, sizeof big);
  int fd = open("t/big", O_CREAT | O_RDWR, 0600);
  T(write(fd, big, sizeof big));
  T(write(fd, big, 10));
  T(ftruncate(fd, 0));
  T(umount("t"));
  close(fd);
  T(rmdir("t"));
  T(rename("t", "t2"));
  T(rename("t/x", "x"));
  T(link("t/x", "x"));
  T(mount("t", "b", NULL, MS_BIND, NULL));
  get("b/x");
  T(mount("none", "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  T(open("b/new", O_CREAT | O_RDWR, 0600));
  T(unlink("b/x"));
  T(chmod("b/x", 0600));
  T(access("b/x", W_OK));
  T(open("b/x", O_WRONLY));
  T(open("b/x", O_RDONLY | O_TRUNC));
  chmod(".", 0755), chmod("t", 0755), chmod("t/x", 0644);
  IN_CHILD("user", setresuid(7, 7, 7); T(open("b/x", O_WRONLY)); T(open("b/x", O_WRONLY | O_TRUNC)));
  T(utimensat(AT_FDCWD, "b/x", NULL, 0));
  T(mkdir("b/d", 0700));
  T(mkdir("t/d", 0700));
  T(mount("none", "b", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_NOSUID | MS_NODEV, NULL));
  put("b/script", "#!/bin/sh\n");
  chmod("b/script", 0755);
  T(access("b/script", X_OK));
  T(execl("b/script", "x", NULL));
  T(mknod("b/null", S_IFCHR | 0666, 0x103));
  T(open("b/null", O_RDWR));
  T(mount("file", "b/x", NULL, MS_BIND, NULL));
  get("b/x");
  get("t/x");
  T(umount("b"));
  T(unlink("b/x"));
  T(umount2("b/x", MNT_FORCE | 64));
  T(umount("b/x"));
  T(umount2("b", MNT_DETACH));
  T(umount("b"));
  T(umount("file"));
  T(umount("none"));
  T(umount2("t", UMOUNT_NOFOLLOW));
  get("t/hidden");
  T(mount("nothing", "b", NULL, MS_BIND, NULL));
  T(mount("t", "file", NULL, MS_BIND, NULL));
  T(mount("none", "t", NULL, MS_REMOUNT, NULL));
  T(mount("none", "t", NULL, MS_MOVE, NULL));
  T(mount("none", "/proc/self/fd", "tmpfs", 0, NULL));
  T(mount("none", "t", "tmpfs", 0, NULL));
  T(mkdir("t/in", 0755));
  T(mount("none", "t/in", "tmpfs", 0, NULL));
  put("t/in/deep", "deep");
  T(mount("t", "b", NULL, MS_BIND, NULL));
  get("b/in/deep");
  T(umount("b"));
  T(mount("t", "b", NULL, MS_BIND | MS_REC, NULL));
  get("b/in/deep");
  T(umount2("b", MNT_DETACH));
  T(mount("t/in", "b", NULL, MS_MOVE, NULL));
  get("b/deep");
  T(access("t/in/deep", F_OK));
  T(syscall(SYS_pivot_root, "t", "b"));
  T(syscall(SYS_pivot_root, "file", "b"));
  IN_CHILD("chroot", T(chroot("file")); T(chroot("none")); T(chroot("b")); T(chdir("/")); get("/deep"); T(chdir("..")); get("deep"); get("/../../deep");
           T(symlink("/deep", "abs")); get("abs"); char cwd[100]; T(getcwd(cwd, 100) != NULL); printf("%s\n", cwd));
  IN_CHILD("outside the root", T(chroot("b")); char cwd[300]; long n = syscall(SYS_getcwd, cwd, 300); printf("%.13s\n", n > 0 ? cwd : error_name(errno)); T(access("deep", F_OK)); T(access("/deep", F_OK)));
  IN_CHILD("user", setresuid(7, 7, 7); T(mount("none", "t", "tmpfs", 0, NULL)); T(umount("t")); T(unshare(CLONE_NEWNS)));
  T(umount("b"));
  T(umount("t"));
  return 0;
}
