/* hidepid=, gid= and subset= of proc(5), map_files, /proc/loadavg's last pid; ramfs; clone3's set_tid with a namespace that it makes. */
#include "../check.h"
#include <linux/sched.h>
#include <sys/mount.h>

static void tries(const char *options) {
  if (mount("none", "/tmp/proc", "proc", 0, options)) {
    printf("%s: %s\n", options, error_name(errno));
    return;
  }
  FILE *f = fopen("/proc/self/mounts", "r");
  char line[400], shown[400] = "?";
  while (fgets(line, sizeof line, f))
    if (strstr(line, " /tmp/proc ")) sscanf(line, "%*s %*s %*s %399s", shown);
  fclose(f);
  printf("%s: %s\n", options, shown);
  struct stat st;
  printf("uptime %d, self %d, net %d\n", access("/tmp/proc/uptime", F_OK), access("/tmp/proc/self/stat", R_OK), access("/tmp/proc/net", F_OK));
  fflush(stdout);
  if (fork() == 0) {
    setgroups(0, NULL);
    setresgid(70, 70, 70);
    setresuid(70, 70, 70);
    int fd = open("/tmp/proc/1", O_RDONLY | O_DIRECTORY);
    printf("stat %s, ", stat("/tmp/proc/1", &st) ? error_name(errno) : "ok");
    printf("open %s, ", fd < 0 ? error_name(errno) : "ok");
    printf("status %s, ", stat("/tmp/proc/1/status", &st) ? error_name(errno) : "ok");
    printf("own %s\n", stat("/tmp/proc/self/status", &st) ? error_name(errno) : "ok");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  umount("/tmp/proc");
}

static void last_pid(const char *what) {
  char b[100];
  int fd = open("/proc/loadavg", O_RDONLY);
  ssize_t n = read(fd, b, sizeof b - 1);
  b[n < 0 ? 0 : n - 1] = 0;
  close(fd);
  printf("%s:%s\n", what, strrchr(b, ' '));
}

static void mapped(void) {
  int fd = open("/dev/zero", O_RDONLY);
  void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
  char name[80], to[80];
  snprintf(name, sizeof name, "/proc/self/map_files/%lx-%lx", (unsigned long)p, (unsigned long)p + 4096);
  ssize_t n = readlink(name, to, sizeof to - 1);
  to[n < 0 ? 0 : n] = 0;
  struct stat st;
  printf("map_files: %s, %o\n", n < 0 ? error_name(errno) : to, lstat(name, &st) ? 0 : (unsigned)st.st_mode);
  snprintf(name, sizeof name, "/proc/self/map_files/0%lx-%lx", (unsigned long)p, (unsigned long)p + 4096);
  T(readlink(name, to, sizeof to));
  munmap(p, 4096);
}

static long with_tid(pid_t tid, int flags) {
  struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1};
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(getpid() & 0x7f);
  if (pid < 0) return -1;
  int status;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

static int inside(void) {
  last_pid("first");
  if (fork() == 0) _exit(0);
  wait(NULL);
  last_pid("second");
  T(with_tid(1, 0));
  T(with_tid(1, CLONE_NEWPID));
  T(with_tid(2, CLONE_NEWPID));
  T(with_tid(77, 0));
  mapped();
  mkdir("/tmp/proc", 0755);
  tries("hidepid=0");
  tries("hidepid=1");
  tries("hidepid=2");
  tries("hidepid=invisible");
  tries("subset=pid");
  tries("subset=pid,hidepid=noaccess");
  tries("hidepid=3");
  tries("subset=all");
  tries("nothing=1");
  if (mount("none", "/tmp/proc", "ramfs", 0, "mode=0700,size=10")) printf("ramfs: %s\n", error_name(errno));
  struct stat st;
  T(stat("/tmp/proc", &st));
  printf("%o\n", st.st_mode);
  T(open("/tmp/proc/f", O_CREAT | O_RDWR | O_CLOEXEC, 0600) >= 0);
  T(mount(NULL, "/tmp/proc", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  fflush(stdout);
  return 0;
}

int main(void) {
  T(unshare(CLONE_NEWPID | CLONE_NEWNS));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount("none", "/tmp", "tmpfs", 0, NULL);
  fflush(stdout);
  if (fork() == 0) _exit(inside());
  wait(NULL);
  return 0;
}
