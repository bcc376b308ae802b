/* Shared, slave, private and unbindable mounts between namespaces, user namespaces and descriptors (mount_namespaces(7)). */
#include "../check.h"
#include <sys/mount.h>

static int to_child[2], to_parent[2];
static char base[200];

static void say(const char *where) {
  char line[1000];
  int seen[60], count = 0;
  FILE *f = fopen("/proc/self/mountinfo", "r");
  printf("%s:\n", where);
  while (fgets(line, sizeof line, f)) {
    char point[300], root[300], *p;
    sscanf(line, "%*d %*d %*s %299s %299s", root, point);
    if (strncmp(point, base, strlen(base))) continue;
    *strstr(line, " - ") = 0;
    printf("  %s %s", root, point + strlen(base));
    static const char *const tags[] = {" shared:", " master:", " propagate_from:"};
    for (int i = 0; i < 3; i++) {
      if (!(p = strstr(line, tags[i]))) continue;
      int id = atoi(p + strlen(tags[i])), k = 0;
      while (k < count && seen[k] != id) k++;
      if (k == count) seen[count++] = id;
      printf("%s%d", tags[i], k);
    }
    printf("%s\n", strstr(line, " unbindable") ? " unbindable" : "");
  }
  fclose(f);
  fflush(stdout);
}

static void put(const char *p, const char *text) {
  int fd = open(p, O_WRONLY);
  write(fd, text, strlen(text));
  close(fd);
}

static void turn(void) {
  char c;
  write(to_child[1], "x", 1);
  read(to_parent[0], &c, 1);
}
static void wait_turn(void) {
  char c;
  write(to_parent[1], "x", 1);
  if (read(to_child[0], &c, 1) != 1) _exit(0);
}

/* What a namespace of less privilege gets, and may do with it. */
static void guest(void) {
  char c;
  read(to_child[0], &c, 1);
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  put("/proc/self/setgroups", "deny");
  put("/proc/self/uid_map", "0 0 1");
  put("/proc/self/gid_map", "0 0 1");
  say("guest at first");
  wait_turn();
  say("guest after a mount outside");
  T(umount("s/x/x"));
  T(umount("s/x"));
  T(mount("none", "s/y", "tmpfs", 0, NULL));
  say("guest after its own mount");
  wait_turn();
  say("guest after umount outside");
  T(mount(NULL, "s", NULL, MS_SHARED, NULL));
  T(umount("s"));
  write(to_parent[1], "x", 1);
}

static void tree(void) {
  int fd;
  T(mount("none", "p", "tmpfs", 0, NULL));
  T(mount(NULL, "p", NULL, MS_SHARED, NULL));
  mkdir("p/in", 0755);
  T((fd = syscall(428, AT_FDCWD, "p", 1)) >= 0);
  T(mount("none", "p/in", "tmpfs", 0, NULL));
  /* The tree that is nowhere does not hear of it. */
  T(syscall(429, fd, "", AT_FDCWD, "q", 4));
  close(fd);
  say("tree");
  T(umount("q/in"));
  say("after the unmount");
  T(syscall(429, AT_FDCWD, "p", AT_FDCWD, "q", 0x100));
  T(mount(NULL, "q", NULL, MS_PRIVATE, NULL));
  T(syscall(429, AT_FDCWD, "p", AT_FDCWD, "q", 0x300));
  T(syscall(429, AT_FDCWD, "p", AT_FDCWD, "q/in", 0x100));
  T(syscall(429, AT_FDCWD, "p", AT_FDCWD, "q", 0x100));
  T(mount(NULL, "p", NULL, MS_SLAVE, NULL));
  say("a slave of what joined it");
  struct {
    unsigned long set, clear, propagation, fd;
  } attributes = {0, 0, MS_PRIVATE, 0};
  T(syscall(442, AT_FDCWD, "p", 0, &attributes, sizeof attributes));
  attributes.propagation = MS_PRIVATE | MS_SHARED;
  T(syscall(442, AT_FDCWD, "p", 0, &attributes, sizeof attributes));
  attributes.propagation = MS_UNBINDABLE;
  T(syscall(442, AT_FDCWD, "p", 0x8000, &attributes, sizeof attributes));
  say("by mount_setattr");
  T(mount("p", "q/in", NULL, MS_BIND, NULL));
  T(syscall(428, AT_FDCWD, "p", 1) >= 0);
  T(mount("p", "q/in", NULL, MS_MOVE, NULL));
  T(umount("p"));
  T(umount("q"));
}

static void busy(void) {
  T(mount("none", "p", "tmpfs", 0, NULL));
  T(mount(NULL, "p", NULL, MS_SHARED, NULL));
  mkdir("p/in", 0755);
  T(mount("p", "q", NULL, MS_BIND, NULL));
  T(mount("none", "p/in", "tmpfs", 0, NULL));
  int fd = open("q/in", O_RDONLY | O_DIRECTORY);
  T(umount("p/in"));
  close(fd);
  T(mount("none", "p/in", "tmpfs", 0, NULL));
  T(mount(NULL, "q", NULL, MS_PRIVATE, NULL));
  mkdir("q/in/deep", 0755);
  T(mount("none", "q/in/deep", "tmpfs", 0, NULL));
  T(mount(NULL, "q", NULL, MS_SHARED, NULL));
  say("busy");
  T(umount2("p/in", MNT_DETACH));
  T(umount2("q", MNT_DETACH));
  T(umount2("p", MNT_DETACH));
}

static void pivot(void) {
  T(mount("none", "p", "tmpfs", 0, NULL));
  mkdir("p/old", 0755);
  T(mount(NULL, "p", NULL, MS_SHARED, NULL));
  T(syscall(SYS_pivot_root, "p", "p/old"));
  T(mount(NULL, "p", NULL, MS_PRIVATE, NULL));
  T(syscall(SYS_pivot_root, "p", "p/old"));
  T(access("/old/proc/self", F_OK));
  T(mount(NULL, "/", NULL, MS_SHARED | MS_SLAVE, NULL));
  T(mount(NULL, "/old", NULL, MS_SHARED | MS_RDONLY, NULL));
  T(mount(NULL, "/old/usr", NULL, MS_SHARED, NULL));
}

int main(void) {
  pipe(to_child);
  pipe(to_parent);
  getcwd(base, sizeof base);
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mkdir("s", 0755);
  mkdir("p", 0755);
  mkdir("q", 0755);
  T(mount("none", "s", "tmpfs", 0, NULL));
  mkdir("s/x", 0755);
  mkdir("s/y", 0755);
  T(mount(NULL, "s", NULL, MS_SHARED, NULL));
  pid_t pid = fork();
  if (!pid) {
    guest();
    _exit(0);
  }
  turn();
  mkdir("q/x", 0755);
  T(mount("none", "q", "tmpfs", 0, NULL));
  mkdir("q/x", 0755);
  T(mount("none", "q/x", "tmpfs", 0, NULL));
  T(mount("q", "s/x", NULL, MS_BIND | MS_REC, NULL));
  say("host");
  turn();
  say("host after the guest's mount");
  T(umount2("s/x", MNT_DETACH));
  T(umount2("q", MNT_DETACH));
  turn();
  waitpid(pid, NULL, 0);
  T(mount(NULL, "s", NULL, MS_SHARED | MS_PRIVATE, NULL));
  T(mount(NULL, "s/x", NULL, MS_SHARED, NULL));
  T(umount("s"));
  IN_CHILD("tree", tree());
  IN_CHILD("busy", busy());
  IN_CHILD("pivot", pivot());
  return 0;
}
