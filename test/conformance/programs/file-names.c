/* link, unlink, rename, mkdir, rmdir, symlink, readlink, getcwd, chdir, directories read during change, openat2. */
#include "../check.h"
#include <dirent.h>
#include <linux/openat2.h>

static long how(const char *path, uint64_t flags, uint64_t resolve, uint64_t mode) {
  struct open_how h = {.flags = flags, .resolve = resolve, .mode = mode};
  long r = syscall(SYS_openat2, AT_FDCWD, path, &h, sizeof h);
  if (r > 0) close(r), r = 0;
  return r;
}
static long links(const char *p) {
  struct stat st;
  return stat(p, &st) ? -1 : (long)st.st_nlink;
}
static void touch(const char *p) { close(open(p, O_CREAT | O_WRONLY, 0644)); }

int main(void) {
  char buf[5000], name[300];
  struct stat st;
  memset(name, 'n', sizeof name);
  name[256] = 0;
  T(mkdir(name, 0755));
  name[255] = 0;
  T(mkdir(name, 0755));
  T(rmdir(name));
  T(mkdir("d", 0755));
  T(mkdir("d", 0755));
  T(mkdir("d/", 0755));
  T(mkdir("x/y", 0755));
  T(mkdir("new/", 01777));
  T((stat("new", &st), st.st_mode));
  T(links("d"));
  T(mkdir("d/e", 0755));
  T(rmdir("d"));
  T(rmdir("d/."));
  T(rmdir("d/e/.."));
  T(rmdir("/"));
  T(rmdir("none"));
  touch("f");
  T(rmdir("f"));
  T(unlink("d"));
  T(unlink("none"));
  T(unlink("f/"));
  T(unlink(""));
  T(unlinkat(AT_FDCWD, "d", 4));
  T(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
  T(link("f", "g"));
  T(links("f"));
  T(link("f", "g"));
  T(link("d", "h"));
  T(link("none", "h"));
  T(link("f", "none/h"));
  T(link("f", "/dev/shm/x"));
  T(linkat(AT_FDCWD, "f", AT_FDCWD, "h", 1));
  T(symlink("target", "s"));
  T(symlink("target", "s"));
  T(symlink("", "empty"));
  T(readlink("s", buf, 3));
  T(readlink("s", buf, 0));
  T(readlink("f", buf, 10));
  T(readlink("s/", buf, 10));
  T(link("s", "s2"));
  T((lstat("s2", &st), S_ISLNK(st.st_mode)));
  T(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
  T((lstat("s", &st), st.st_size));
  T(rename("none", "x"));
  T(rename("f", "none/x"));
  T(rename("f", "d"));
  T(rename("d", "f"));
  T(rename("d", "d/e/x"));
  T(rename("d/e", "d"));
  T(rename("f", "g"));
  T(access("f", F_OK));
  T(rename("f", "f"));
  T(rename(".", "x"));
  T(rename("d/..", "x"));
  T(rename("d", "."));
  T(rename("f", "x/"));
  T(rename("d", "dd/"));
  T(rename("dd/", "d"));
  T(mkdir("z", 0755));
  T(rename("z", "d"));
  T(rename("d", "z"));
  T(mkdir("d", 0755));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
  T((stat("f", &st), S_ISDIR(st.st_mode)));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "d", RENAME_EXCHANGE));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "nope", RENAME_EXCHANGE));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE | RENAME_NOREPLACE));
  T(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", 64));
  T(rename("f", "/proc/f"));
  T(access("s", F_OK));
  T(access("f", 8));
  T(access("f", X_OK));
  T(faccessat(AT_FDCWD, "s", F_OK, AT_SYMLINK_NOFOLLOW));
  T(chdir("f"));
  T(chdir("none"));
  T(mkdir("gone", 0755));
  T(chdir("gone"));
  T(rmdir("../gone"));
  T(getcwd(buf, sizeof buf) ? 0 : -1);
  T(open("x", O_CREAT | O_RDWR, 0600));
  T(mkdir("x", 0700));
  T(stat(".", &st));
  T(links("."));
  T(access("..", F_OK));
  T(open(".", O_RDONLY) >= 0);
  T(chdir(".."));
  T(syscall(SYS_getcwd, buf, 1));
  T(syscall(SYS_getcwd, 8, 4096));
  memset(buf, 'a', 4096);
  for (int i = 0; i < 4096; i += 2) buf[i] = '/';
  buf[4095] = 0;
  T(open(buf, O_RDONLY));
  buf[4095] = 'a', buf[4096] = 0;
  T(open(buf, O_RDONLY));
  /* directories */
  T(mkdir("many", 0755));
  T(chdir("many"));
  for (int i = 0; i < 500; i++) {
    sprintf(name, "file%d", i);
    touch(name);
  }
  DIR *d = opendir(".");
  struct dirent *e;
  int n = 0, dots = 0;
  while ((e = readdir(d))) {
    if (e->d_name[0] == '.') {
      dots++;
      continue;
    }
    n++;
    if (e->d_type != DT_REG) printf("type %d\n", e->d_type);
    unlink(e->d_name);
  }
  printf("saw %d and %d dots\n", n, dots);
  rewinddir(d);
  for (n = 0; (e = readdir(d));) n++;
  printf("left %d\n", n);
  T(syscall(SYS_getdents64, dirfd(d), buf, 10));
  lseek(dirfd(d), 0, SEEK_SET);
  T(syscall(SYS_getdents64, dirfd(d), buf, 10));
  T(syscall(SYS_getdents64, dirfd(d), 8, 100));
  T(syscall(SYS_getdents64, 1, buf, 100));
  chdir("..");
  T(rmdir("many"));
  T(syscall(SYS_getdents64, dirfd(d), buf, 100));
  /* openat2 */
  symlink("/etc", "abs");
  symlink("d", "rel");
  symlink("..", "up");
  touch("d/in");
  T(how("d/in", O_RDONLY, 0, 0));
  T(how("d/../d/in", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("../x", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("/etc", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("abs/passwd", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("up", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("rel/in", O_RDONLY, RESOLVE_BENEATH, 0));
  T(how("rel/in", O_RDONLY, RESOLVE_NO_SYMLINKS, 0));
  T(how("rel", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS, 0));
  T(how("/d/in", O_RDONLY, RESOLVE_IN_ROOT, 0));
  T(how("../../d/in", O_RDONLY, RESOLVE_IN_ROOT, 0));
  T(how("abs/passwd", O_RDONLY, RESOLVE_IN_ROOT, 0));
  T(how("/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS, 0));
  T(how("/proc/self", O_RDONLY, RESOLVE_NO_XDEV, 0));
  T(how("d", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT, 0));
  T(how("d", O_RDONLY, 0x100, 0));
  T(how("d", 1ull << 40, 0, 0));
  T(how("d", O_RDONLY, 0, 0644));
  T(how("q", O_CREAT | O_WRONLY, 0, 0644));
  T(how("q", O_CREAT | O_WRONLY, 0, 010644));
  T(how("d/in", O_PATH | O_WRONLY, 0, 0));
  struct open_how h = {0};
  T(syscall(SYS_openat2, AT_FDCWD, "d", &h, 8));
  T(syscall(SYS_openat2, AT_FDCWD, "d", &h, 5000));
  /* an unlinked open file lives on */
  int fd = open("q", O_RDWR);
  T(unlink("q"));
  T(write(fd, "abc", 3));
  T((fstat(fd, &st), st.st_nlink));
  T(linkat(AT_FDCWD, (sprintf(buf, "/proc/self/fd/%d", fd), buf), AT_FDCWD, "q", AT_SYMLINK_FOLLOW));
  ssize_t l = readlink(buf, name, sizeof name);
  IS(l > 10 && !memcmp(name + l - 10, " (deleted)", 10));
  return 0;
}
