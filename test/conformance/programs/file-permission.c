/* Permissions as an ordinary user: mode bits, sticky and setgid directories, chown, chmod, utimes, umask, xattrs. */
#include "../check.h"
#include <sys/fsuid.h>
#include <sys/xattr.h>

static mode_t mode(const char *p) {
  struct stat st;
  return stat(p, &st) ? 0 : st.st_mode & 07777;
}
#define MODE(p) printf("%s: %o\n", p, mode(p))
static void touch(const char *p, mode_t m) {
  int fd = open(p, O_CREAT | O_WRONLY, 0600);
  fchmod(fd, m);
  close(fd);
}

int main(void) {
  char buf[100];
  struct stat st;
  umask(0);
  chmod(".", 0755);
  touch("root600", 0600);
  touch("root644", 0644);
  touch("group", 0060);
  T(chown("group", 1000, 2000));
  touch("suid", 06755);
  T(chown("suid", 1000, 1000));
  MODE("suid");
  mkdir("sticky", 01777);
  touch("sticky/root", 0666);
  touch("sticky/user", 0666);
  chown("sticky/user", 1000, 1000);
  mkdir("setgid", 02777);
  chown("setgid", 0, 2000);
  chmod("setgid", 02777);
  mkdir("closed", 0700);
  touch("closed/x", 0666);
  mkdir("noexec", 0766);
  touch("noexec/x", 0666);
  mkdir("mine", 0755);
  chown("mine", 1000, 1000);
  touch("mine/script", 0755);
  touch("suid2", 06777);
  T(open("suid2", O_WRONLY) >= 0);
  char parent[PATH_MAX];
  getcwd(parent, sizeof parent);
  IN_CHILD("user", gid_t groups[] = {2000}; setgroups(1, groups); setresgid(1000, 1000, 1000); setresuid(1000, 1000, 1000);
    T(open("root600", O_RDONLY));
    OK(open("root644", O_RDONLY));
    T(open("root644", O_WRONLY));
    T(open("group", O_RDONLY));
    T(access("root600", R_OK));
    T(access("root644", W_OK));
    T(access("closed/x", F_OK));
    T(access("noexec", R_OK));
    T(access("noexec/x", F_OK));
    T(stat("noexec/x", &st));
    T(open("newfile", O_CREAT | O_RDWR, 0600));
    T(unlink("root644"));
    T(unlink("sticky/root"));
    T(rename("sticky/root", "sticky/other"));
    T(rename("sticky/user", "sticky/root"));
    T(unlink("sticky/user"));
    T(chmod("root644", 0600));
    T(chown("root644", 1000, -1));
    T(chown("suid", 0, -1));
    T(chown("suid", -1, 2000));
    MODE("suid");
    T(chown("suid", -1, 3000));
    T(chown("suid", -1, -1));
    T(chmod("suid", 06755));
    MODE("suid");
    int fd = open("suid2", O_WRONLY); T(write(fd, "x", 1)); MODE("suid2");
    T(mkdir("setgid/sub", 0755)); T((stat("setgid/sub", &st), st.st_gid)); MODE("setgid/sub");
    T(open("setgid/file", O_CREAT | O_RDWR, 02755) >= 0); T((stat("setgid/file", &st), st.st_gid)); MODE("setgid/file");
    T(open("mine/f", O_CREAT | O_RDWR, 0) >= 0); T(open("mine/f", O_RDWR)); T(chmod("mine/f", 0400)); T(open("mine/f", O_RDONLY) >= 0);
    T(chmod("mine", 0)); T(open("mine/f", O_RDONLY)); T(chmod("mine", 0755));
    T(chmod("mine/f", 02777)); MODE("mine/f"); T(chown("mine/f", 1000, 2000)); T(chmod("mine/f", 02777)); MODE("mine/f");
    T(utimensat(AT_FDCWD, "root644", NULL, 0));
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}; T(utimensat(AT_FDCWD, "suid2", now, 0));
    struct timespec set[2] = {{1, 0}, {2, 0}}; T(utimensat(AT_FDCWD, "suid2", set, 0));
    struct timespec omit[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}}; T(utimensat(AT_FDCWD, "root644", omit, 0));
    set[0].tv_nsec = 1000000000; T(utimensat(AT_FDCWD, "suid", set, 0)); T(utimensat(AT_FDCWD, "suid", set, 77));
    T(mknod("mine/fifo", S_IFIFO | 0600, 0)); T(mknod("mine/dev", S_IFCHR | 0600, 0x103)); T(mknod("mine/sock", S_IFSOCK | 0600, 0));
    T(mknod("mine/bad", S_IFDIR | 0600, 0)); T(chroot(".")); T(link("root600", "mine/l")); T(link("root644", "mine/l2")); T(link("suid", "mine/l3"));
    T(setxattr("root644", "user.a", "1", 1, 0)); T(setxattr("mine/script", "user.a", "1", 1, 0));
    T(execl("mine/script", "x", NULL)); T(execl("root644", "x", NULL)); T(nice(-5)); T(setpriority(PRIO_PROCESS, 0, -1)); T(sethostname("x", 1)));
  /* effective and real ids, as access(2) sees them */
  IN_CHILD("access uses the real uid", setresuid(0, 1000, 0); T(open("root600", O_RDONLY)); T(access("root600", R_OK)); T(faccessat(AT_FDCWD, "root600", R_OK, AT_EACCESS)));
  IN_CHILD("fsuid", setfsuid(1000); T(setfsuid(-1)); T(open("root600", O_RDONLY)); T(seteuid(0)); T(setfsuid(-1)));
  chmod("root644", 0644);
  T(access("root644", X_OK));
  T(access("mine/script", X_OK));
  touch("own", 0666);
  IN_CHILD("umask", umask(027); touch("u1", 0); int fd = open("u2", O_CREAT | O_RDWR, 0777); close(fd); MODE("u2"); mkdir("u3", 0777); MODE("u3"); T(umask(0777777)); T(umask(0)));
  /* fallocate(2) takes set-user-ID away as writing does. */
  chmod("own", 06777);
  IN_CHILD("fallocate", int fd = open("own", O_RDWR); setresuid(1000, 1000, 1000); T(fallocate(fd, 0, 0, 10)); struct stat st; fstat(fd, &st); printf("%o\n", st.st_mode));
  /* xattrs */
  T(setxattr("own", "user.a", "value", 5, XATTR_REPLACE));
  T(setxattr("own", "user.a", "value", 5, XATTR_CREATE));
  T(setxattr("own", "user.a", "value", 5, XATTR_CREATE));
  T(setxattr("own", "user.a", "value", 5, 7));
  T(getxattr("own", "user.a", buf, 0));
  T(getxattr("own", "user.a", buf, 2));
  T(getxattr("own", "user.a", buf, 100));
  T(getxattr("own", "user.none", buf, 100));
  T(getxattr("own", "nonsense", buf, 100));
  T(setxattr("own", "nonsense", buf, 1, 0));
  T(setxattr("own", "user.", buf, 1, 0));
  T(setxattr("own", "", buf, 1, 0));
  T(setxattr("own", "trusted.t", "1", 1, 0));
  T(listxattr("own", NULL, 0));
  T(listxattr("own", buf, 3));
  T(removexattr("own", "user.a"));
  T(removexattr("own", "user.a"));
  T(lsetxattr("own", "user.b", "", 0, 0));
  T(lgetxattr("own", "user.b", buf, 10));
  T(chmod("none", 0));
  T(lchown("none", 0, 0));
  T(fchmodat(AT_FDCWD, "own", 0600, 0x40));
  T(fchownat(AT_FDCWD, "own", 0, 0, 1));
  struct statx sx;
  T(statx(AT_FDCWD, "own", 0x4000 | 0x2000, STATX_ALL, &sx));
  T(statx(AT_FDCWD, "own", 0, 0x80000000, &sx));
  T(statx(AT_FDCWD, "", 0, STATX_ALL, &sx));
  T(statx(AT_FDCWD, "", AT_EMPTY_PATH, STATX_ALL, &sx));
  T(statx(99, "", AT_EMPTY_PATH, STATX_ALL, &sx));
  T(S_ISDIR(sx.stx_mode));
  return 0;
}
