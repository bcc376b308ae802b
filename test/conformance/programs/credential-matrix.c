/* setuid, setreuid, setresuid, groups, capabilities, keepcaps, securebits, no_new_privs, exec of set-id programs. */
#include "../check.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>

static uint32_t effective(void) {
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2];
  if (syscall(SYS_capget, &h, d)) return 1;
  return d[0].effective != 0;
}
static uint32_t permitted(void) {
  struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct d[2];
  if (syscall(SYS_capget, &h, d)) return 1;
  return d[0].permitted != 0;
}
static void ids(const char *name) {
  uid_t r, e, s;
  gid_t rg, eg, sg;
  getresuid(&r, &e, &s);
  getresgid(&rg, &eg, &sg);
  printf("%s: uid %d %d %d fs %d gid %d %d %d caps %d %d dumpable %d\n", name, r, e, s, setfsuid(-1), rg, eg, sg, effective(), permitted(), prctl(PR_GET_DUMPABLE));
}

int main(int argc, char **argv) {
  if (argc > 1) {
    printf("exec'ed: ");
    ids(argv[1]);
    return 0;
  }
  gid_t groups[70000];
  ids("start");
  IN_CHILD("setuid", T(setuid(1000)); ids("a"); T(setuid(0)); T(setuid(1000)));
  IN_CHILD("seteuid", T(seteuid(1000)); ids("a"); T(setuid(1001)); T(seteuid(0)); ids("b"); T(setuid(1000)); ids("c"));
  IN_CHILD("setreuid", T(setreuid(1000, 2000)); ids("a"); T(setreuid(2000, 1000)); ids("b"); T(setreuid(-1, 3000)); T(setreuid(3000, -1)); T(setreuid(-1, -1)));
  IN_CHILD("setreuid -1", T(setreuid(-1, 2000)); ids("a"); T(setreuid(2000, 0)); ids("b"));
  IN_CHILD("setresuid", T(setresuid(1000, 2000, 3000)); ids("a"); T(setresuid(3000, 1000, 2000)); ids("b"); T(setresuid(4000, -1, -1)); T(setuid(2000)); ids("c"));
  IN_CHILD("setresuid keeps saved", T(setresuid(-1, 1000, -1)); ids("a"); T(setresuid(0, 0, 0)); ids("b"));
  IN_CHILD("setgid", T(setgid(500)); ids("a"); T(setresuid(1, 1, 1)); T(setgid(0)); T(setregid(500, 0)); T(setresgid(500, 500, 0)); T(setgid(500)));
  IN_CHILD("setegid", T(setegid(500)); ids("a"); T(setresuid(1, 1, 1)); T(setegid(0)); ids("b"));
  T(syscall(SYS_setresuid, -1, -1, -1));
  T(setgroups(65537, groups));
  T(setgroups(-1, groups));
  IN_CHILD("groups", gid_t g[] = {5, 3, 3, 9}; T(setgroups(4, g)); T(getgroups(0, NULL)); T(getgroups(2, g)); T(getgroups(-1, g)); T(getgroups(10, g));
           printf("%d %d %d %d\n", g[0], g[1], g[2], g[3]); setuid(1000); T(setgroups(0, NULL)); T(syscall(SYS_getgroups, 10, 8)));
  /* capabilities */
  struct __user_cap_header_struct h = {0x1234, 0};
  struct __user_cap_data_struct d[2] = {{0}};
  T(syscall(SYS_capget, &h, d));
  printf("version %x\n", h.version);
  h.version = _LINUX_CAPABILITY_VERSION_3;
  h.pid = 1 << 22;
  T(syscall(SYS_capget, &h, d));
  h.pid = -1;
  T(syscall(SYS_capget, &h, d));
  h.pid = 0;
  T(syscall(SYS_capget, &h, NULL));
  IN_CHILD("drop", syscall(SYS_capget, &h, d); d[0].effective = 0; T(syscall(SYS_capset, &h, d)); T(setuid(5)); T(open("/dev/null", O_RDONLY) >= 0);
           d[0].permitted = 0; T(syscall(SYS_capset, &h, d)); d[0].permitted = 1; T(syscall(SYS_capset, &h, d)); d[0].permitted = 0; d[0].effective = 1;
           T(syscall(SYS_capset, &h, d)); h.pid = getppid(); T(syscall(SYS_capset, &h, d)); ids("after"));
  IN_CHILD("keepcaps", T(prctl(PR_GET_KEEPCAPS)); T(prctl(PR_SET_KEEPCAPS, 2)); T(prctl(PR_SET_KEEPCAPS, 1)); setresuid(1000, 1000, 1000); ids("a");
           T(prctl(PR_GET_KEEPCAPS)); execl("/proc/self/exe", "x", "after keepcaps", NULL));
  IN_CHILD("securebits", T(prctl(PR_GET_SECUREBITS)); T(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)); setresuid(1000, 1000, 1000); ids("a"));
  IN_CHILD("noroot", T(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED)); T(prctl(PR_SET_SECUREBITS, 0)); execl("/proc/self/exe", "x", "noroot", NULL));
  IN_CHILD("bounding", T(prctl(PR_CAPBSET_READ, CAP_CHOWN)); T(prctl(PR_CAPBSET_READ, 64)); T(prctl(PR_CAPBSET_DROP, CAP_CHOWN)); T(prctl(PR_CAPBSET_READ, CAP_CHOWN));
           T(prctl(PR_CAPBSET_DROP, 99)); setresuid(1, 1, 1); T(prctl(PR_CAPBSET_DROP, CAP_KILL)));
  IN_CHILD("ambient", T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)); T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
           syscall(SYS_capget, &h, d); d[0].inheritable = d[0].permitted; T(syscall(SYS_capset, &h, d)); T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
           T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0)); T(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0)); prctl(PR_SET_KEEPCAPS, 1); setresuid(1000, 1000, 1000);
           T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0)); T(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)); execl("/proc/self/exe", "x", "ambient", NULL));
  /* set-id programs */
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  self[n] = 0;
  umask(0);
  chmod(".", 0777);
  int in = open(self, O_RDONLY), out = open("suid", O_CREAT | O_WRONLY, 0755);
  static char buf[1 << 20];
  while ((n = read(in, buf, sizeof buf)) > 0) write(out, buf, n);
  close(out);
  close(in);
  chown("suid", 0, 0);
  chmod("suid", 04755);
  char *env[] = {NULL}, *args[] = {"suid", "x", NULL};
  IN_CHILD("suid root", setresgid(7, 7, 7); setresuid(7, 7, 7); ids("before"); execve("./suid", args, env); printf("%s\n", error_name(errno)));
  chown("suid", 1234, 4321);
  chmod("suid", 06755);
  IN_CHILD("suid 1234", execve("./suid", args, env));
  IN_CHILD("suid 1234 by 7", setresgid(7, 7, 7); setresuid(7, 7, 7); execve("./suid", args, env));
  chmod("suid", 02745);
  IN_CHILD("sgid without group x", setresgid(7, 7, 7); setresuid(7, 7, 7); execve("./suid", args, env));
  chmod("suid", 06755);
  IN_CHILD("no_new_privs", T(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); T(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)); T(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 1));
           T(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); T(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); setresuid(7, 7, 7); execve("./suid", args, env));
  IN_CHILD("dumpable", T(prctl(PR_SET_DUMPABLE, 2)); T(prctl(PR_SET_DUMPABLE, 0)); T(prctl(PR_GET_DUMPABLE)); T(prctl(PR_SET_DUMPABLE, 1)); setresuid(7, 7, 7); T(prctl(PR_GET_DUMPABLE)));
  T(prctl(99999));
  T(prctl(PR_SET_NAME, 8));
  IN_CHILD("kill across users", pid_t p = getppid(); setresuid(7, 7, 7); T(kill(p, 0)); T(kill(p, SIGCONT)); T(kill(getpid(), 0)); T(setpriority(PRIO_PROCESS, p, 5)));
  IN_CHILD("priority", T(getpriority(PRIO_PROCESS, 0)); T(setpriority(PRIO_PROCESS, 0, 30)); T(getpriority(PRIO_PROCESS, 0)); T(setpriority(PRIO_PROCESS, 0, -30));
           T(getpriority(PRIO_PROCESS, 0)); T(getpriority(9, 0)); T(getpriority(PRIO_PROCESS, 1 << 22)); T(nice(3)); T(nice(100)));
  return 0;
}
