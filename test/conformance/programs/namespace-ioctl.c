/* ioctl_ns(2): what a namespace is, whose it is, and what lies above it. */
#include "../check.h"
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static const char *kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts", "time"};

static int open_kind(const char *kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
  return open(path, O_RDONLY | O_CLOEXEC);
}

/* A new namespace's file is that of `kind` here. */
static int is_kind(int fd, const char *kind) {
  struct stat found, mine;
  int own = open_kind(kind);
  int both = fstat(fd, &found) == 0 && fstat(own, &mine) == 0 && found.st_ino == mine.st_ino;
  close(own);
  return both;
}

static void look(const char *kind, int outer) {
  int fd = open_kind(kind);
  uid_t uid = 77;
  printf("%s: ", kind);
  T(ioctl(fd, NS_GET_NSTYPE));
  int user = ioctl(fd, NS_GET_USERNS);
  if (user < 0) printf("  no owner: %s\n", error_name(errno));
  else printf("  owner is ours: %d, close-on-exec %d\n", is_kind(user, "user"), fcntl(user, F_GETFD));
  int parent = ioctl(fd, NS_GET_PARENT);
  if (parent < 0) printf("  no parent: %s\n", error_name(errno));
  else printf("  parent is ours: %d\n", is_kind(parent, kind));
  int result = ioctl(fd, NS_GET_OWNER_UID, &uid);
  if (result < 0) printf("  no uid: %s\n", error_name(errno));
  else printf("  uid %u\n", uid);
  T(ioctl(fd, 0xb7ff));
  if (outer >= 0) T(ioctl(outer, NS_GET_USERNS));
  close(user), close(parent), close(fd);
}

int main(void) {
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) look(kinds[i], -1);
  T(ioctl(open_kind("user"), NS_GET_OWNER_UID, NULL));
  int outer = open_kind("uts");
  IN_CHILD("own user namespace", {
    T(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
    look("user", outer);
    look("uts", outer);
    look("ipc", outer);
  });
  IN_CHILD("child's namespaces", {
    int channel[2];
    pipe(channel);
    T(unshare(CLONE_NEWUSER | CLONE_NEWPID));
    pid_t inner = fork();
    if (inner == 0) {
      char byte;
      read(channel[0], &byte, 1);
      look("pid", -1);
      fflush(stdout);
      _exit(0);
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/pid", inner);
    int fd = open(path, O_RDONLY);
    int parent = ioctl(fd, NS_GET_PARENT);
    IS(is_kind(parent, "pid"));
    T(ioctl(parent, NS_GET_PARENT));
    fflush(stdout);
    write(channel[1], "x", 1);
    waitpid(inner, NULL, 0);
  });
  /* A bind of its file keeps a namespace. */
  close(open("kept", O_CREAT | O_RDWR, 0600));
  IN_CHILD("bound", {
    T(unshare(CLONE_NEWUSER | CLONE_NEWNS));
    T(unshare(CLONE_NEWUTS));
    int own = open_kind("uts");
    T(mount("/proc/self/ns/uts", "kept", NULL, MS_BIND, NULL));
    T(unshare(CLONE_NEWUTS));
    int kept = open("kept", O_RDONLY);
    struct stat before, after;
    fstat(own, &before), fstat(kept, &after);
    IS(before.st_ino == after.st_ino);
    IS(is_kind(kept, "uts"));
    T(setns(kept, CLONE_NEWUTS));
    IS(is_kind(kept, "uts"));
    T(ioctl(kept, NS_GET_NSTYPE));
    close(kept);
    T(umount("kept"));
  });
  unlink("kept");
  return 0;
}
