/* Names of what lies outside the caller's root: only getcwd(2) marks them, the links of /proc do not (d_path, getcwd). */
#include "../check.h"
#include <sys/mount.h>

static void show_link(const char *what, const char *path) {
  char b[200];
  ssize_t n = readlink(path, b, sizeof b - 1);
  b[n < 0 ? 0 : n] = 0;
  printf("%s: %s\n", what, n < 0 ? error_name(errno) : b);
}

static void show_all(int fd) {
  char link[64], b[200];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  show_link("fd", link);
  show_link("cwd", "/proc/self/cwd");
  show_link("root", "/proc/self/root");
  long n = syscall(SYS_getcwd, b, sizeof b);
  printf("getcwd: %s\n", n < 0 ? error_name(errno) : b);
}

int main(void) {
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mkdir("/tmp/place", 0755);
  if (mount("none", "/tmp/place", "tmpfs", 0, NULL)) printf("mount: %s\n", error_name(errno));
  mkdir("/tmp/place/in", 0755);
  mkdir("/tmp/place/root", 0755);
  mkdir("/tmp/place/root/proc", 0755);
  mount("none", "/tmp/place/root/proc", "proc", 0, NULL);
  chdir("/tmp/place/in");
  int fd = open("/tmp/place/in", O_RDONLY);
  printf("another mount namespace\n");
  pid_t child = fork();
  if (child == 0) {
    unshare(CLONE_NEWNS);
    int copied = open("/tmp/place/root", O_RDONLY);
    show_all(fd);
    show_all(copied);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    printf("another root\n");
    T(chroot("/tmp/place/root"));
    show_all(fd);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  printf("a mount that is gone\n");
  umount("/tmp/place/root/proc");
  T(umount2("/tmp/place", MNT_DETACH));
  show_all(fd);
  rmdir("/tmp/place");
  return 0;
}
