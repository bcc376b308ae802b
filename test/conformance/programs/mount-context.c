/* What is wrong is refused where it is said: fsconfig(2) of tmpfs, swapon(2), quotactl(2), umount(2) without the right, seals of executables. */
#include "../check.h"
#include <sys/mount.h>
#include <sys/swap.h>

#define CONFIG(command, key, value, aux) T(syscall(SYS_fsconfig, context, command, key, value, aux))
enum { FLAG, STRING, BINARY, PATH, PATH_EMPTY, FD, CREATE, RECONFIGURE };

static void contexts(void) {
  int context = syscall(SYS_fsopen, "tmpfs", 0);
  CONFIG(FLAG, "ro", NULL, 0);
  CONFIG(FLAG, "sync", NULL, 0);
  CONFIG(FLAG, "nolazytime", NULL, 0);
  CONFIG(FLAG, "zork", NULL, 0);
  CONFIG(FLAG, "ro", "x", 0);
  CONFIG(FLAG, NULL, NULL, 0);
  CONFIG(STRING, "size", "abc", 0);
  CONFIG(STRING, "size", "1m", 0);
  CONFIG(STRING, "zork", "1m", 0);
  CONFIG(STRING, "source", "one", 0);
  CONFIG(STRING, "source", "two", 0);
  CONFIG(FD, "x", NULL, -1);
  CONFIG(99, NULL, NULL, 0);
  CONFIG(RECONFIGURE, NULL, NULL, 0);
  T(syscall(SYS_fsmount, context, 0, 0));
  CONFIG(CREATE, NULL, NULL, 0);
  CONFIG(CREATE, NULL, NULL, 0);
  CONFIG(FLAG, "rw", NULL, 0);
  OK(syscall(SYS_fsmount, context, 0, 0));
  T(syscall(SYS_fsmount, context, 0, 0));
  close(context);
  context = syscall(SYS_fspick, AT_FDCWD, "mounted", 0);
  T(syscall(SYS_fsmount, context, 0, 0));
  CONFIG(CREATE, NULL, NULL, 0);
  CONFIG(FLAG, "ro", NULL, 0);
  CONFIG(RECONFIGURE, NULL, NULL, 0);
  T(mkdir("mounted/new", 0755));
}

static void seals(void) {
  int fd = memfd_create("program", MFD_ALLOW_SEALING);
  if (fd < 0 || ftruncate(fd, 4096)) return;
  void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  T(fcntl(fd, F_ADD_SEALS, 0x20));
  T(fcntl(fd, F_GET_SEALS));
  munmap(mapped, 4096);
  T(fcntl(fd, F_ADD_SEALS, 0x20));
  T(fcntl(fd, F_GET_SEALS));
  T(fchmod(fd, 0666));
  T(write(fd, "x", 1));
}

int main(void) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
    puts("not permitted");
    return 0;
  }
  mkdir("mounted", 0755);
  mkdir("plain", 0755);
  close(open("file", O_RDWR | O_CREAT, 0644));
  if (mount("tmpfs", "mounted", "tmpfs", 0, NULL)) return 1;
  contexts();
  seals();
  T(swapon("missing", 0));
  T(swapon("plain", 0));
  T(swapon("file", 0));
  T(swapon("file", 0x100000));
  T(swapoff("missing"));
  T(swapoff("file"));
  T(syscall(SYS_quotactl, 0x80000700, "missing", 0, NULL));
  T(umount("plain"));
  IN_CHILD("a stranger", {
    if (setresuid(65534, 65534, 65534)) _exit(1);
    T(umount("plain"));
    T(umount("mounted"));
    T(umount("missing"));
    T(umount2("mounted", -1));
    T(swapon("missing", 0));
  });
  T(umount("mounted"));
  return 0;
}
