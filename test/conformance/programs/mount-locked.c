/* What a mount namespace under another user namespace may not change (mount_namespaces(7)), and who may mount what. */
#include "../check.h"
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void put(const char *p, const char *text) {
  int fd = open(p, O_WRONLY);
  write(fd, text, strlen(text));
  close(fd);
}

/* Runs `act` as root of a user namespace, with the namespaces of `flags` besides. */
static void inside(const char *name, int flags, void (*act)(void)) {
  printf("-- %s\n", name);
  fflush(stdout);
  if (fork() == 0) {
    if (unshare(CLONE_NEWUSER | flags)) printf("unshare: %s\n", error_name(errno));
    put("/proc/self/setgroups", "deny");
    put("/proc/self/uid_map", "0 0 1");
    put("/proc/self/gid_map", "0 0 1");
    if (flags & CLONE_NEWPID) {
      fflush(stdout);
      if (fork() == 0) {
        act();
        fflush(stdout);
        _exit(0);
      }
      wait(NULL);
    } else
      act();
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

static void locked(void) {
  T(umount("over"));
  T(umount2("over", MNT_DETACH));
  T(access("over/hidden", F_OK));
  T(mount("over", "to", NULL, MS_MOVE, NULL));
  T(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND, NULL));
  T(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  T(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
  T(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL));
  T(mount(NULL, "ro", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOATIME, NULL));
  T(mount(NULL, "over", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  T(mount(NULL, "over", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  T(mount(NULL, "over", NULL, MS_REMOUNT | MS_BIND, NULL));
  struct {
    unsigned long set, clear, propagation, fd;
  } attributes = {0, 1, 0, 0};
  T(syscall(442, AT_FDCWD, "ro", 0, &attributes, sizeof attributes));
  T(mount(".", "to", NULL, MS_BIND, NULL));
  T(mount("over", "to", NULL, MS_BIND, NULL));
  T(umount("to"));
  T(mount(".", "to", NULL, MS_BIND | MS_REC, NULL));
  T(umount("to/over"));
  T(access("to/over/hidden", F_OK));
  T(umount2("to", MNT_DETACH));
  T(mount("none", "to", "tmpfs", 0, NULL));
  T(mount(NULL, "to", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  T(umount("to"));
  T(syscall(SYS_pivot_root, "over", "over"));
  /* A second namespace with the same owner locks nothing more. */
  T(mount("none", "to", "tmpfs", 0, NULL));
  T(unshare(CLONE_NEWNS));
  T(umount("to"));
  T(umount("over"));
}

static void types(void) {
  static const char *const all[] = {"proc", "sysfs", "tmpfs", "mqueue", "devpts", "devtmpfs"};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    printf("%s ", all[i]);
    T(mount("none", "to", all[i], 0, NULL));
    umount("to");
    int fd = syscall(430, all[i], 0), made;
    IS((made = fd, made >= 0));
    T(syscall(431, fd, 6, NULL, NULL, 0));
    IS((made = syscall(432, fd, 0, 0), made >= 0));
    close(made);
    close(fd);
  }
}

static void procAgain(void) {
  T(mount("none", "to", "proc", 0, NULL));
  T(mount("none", "to", "proc", MS_RDONLY, NULL));
}

int main(void) {
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mkdir("over", 0755);
  mkdir("over/hidden", 0755);
  mkdir("ro", 0755);
  mkdir("to", 0755);
  T(mount("none", "over", "tmpfs", 0, NULL));
  T(mount("none", "ro", "tmpfs", MS_RDONLY | MS_NOSUID, NULL));
  inside("locked", CLONE_NEWNS, locked);
  inside("types", CLONE_NEWNS, types);
  inside("types with a network", CLONE_NEWNS | CLONE_NEWNET, types);
  inside("types with IPC", CLONE_NEWNS | CLONE_NEWIPC, types);
  inside("types with processes", CLONE_NEWNS | CLONE_NEWPID, types);
  inside("no namespace of mounts", 0, procAgain);
  /* What is covered in /proc stays covered in another one. */
  T(mount("/dev/null", "/proc/uptime", NULL, MS_BIND, NULL));
  inside("proc masked", CLONE_NEWNS | CLONE_NEWPID, procAgain);
  T(umount("/proc/uptime"));
  T(mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  inside("proc read-only", CLONE_NEWNS | CLONE_NEWPID, procAgain);
  return 0;
}
