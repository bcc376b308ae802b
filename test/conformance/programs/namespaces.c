/* Namespaces made by clone(2) and unshare(2), and entered by setns(2): identities, and what is apart. */
#include "../check.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/utsname.h>

static const char *kinds[] = {"cgroup", "ipc", "mnt", "net", "pid_for_children", "user", "uts"};
#define KINDS 7
static const int flags[] = {CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS};

static void identity(const char *kind, char *to) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
  ssize_t n = readlink(path, to, 63);
  to[n < 0 ? 0 : n] = 0;
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);
  if (write(fd, text, strlen(text)) < 0) printf("%s: %s\n", path, error_name(errno));
  close(fd);
}

static void one_by_one(void) {
  for (int i = 0; i < KINDS; i++) {
    pid_t child = fork();
    if (child == 0) {
      char before[KINDS][64], after[64];
      for (int k = 0; k < KINDS; k++) identity(kinds[k], before[k]);
      if (flags[i] != CLONE_NEWUSER) unshare(CLONE_NEWUSER);
      else for (int k = 0; k < KINDS; k++) identity(kinds[k], before[k]);
      T(unshare(flags[i]));
      printf("%s changes:", kinds[i]);
      for (int k = 0; k < KINDS; k++) {
        identity(kinds[k], after);
        if (strcmp(before[k], after)) printf(" %s", kinds[k]);
      }
      printf("\n");
      fflush(stdout);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
}

static void ipc_apart(void) {
  int queue = msgget(4242, IPC_CREAT | 0600), segment = shmget(4243, 4096, IPC_CREAT | 0600);
  char *memory = shmat(segment, NULL, 0);
  strcpy(memory, "shared");
  int mine = open("/proc/self/ns/ipc", O_RDONLY);
  pid_t child = fork();
  if (child == 0) {
    T(unshare(CLONE_NEWUSER | CLONE_NEWIPC));
    T(msgget(4242, 0));
    T(shmget(4243, 0, 0));
    int semaphores = semget(4244, 1, IPC_CREAT | 0600);
    printf("own semaphores %d, still attached: %s\n", semaphores >= 0, memory);
    printf("set back: %d %s\n", setns(mine, CLONE_NEWIPC), error_name(errno));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  T(semget(4244, 1, 0));
  shmdt(memory);
  msgctl(queue, IPC_RMID, NULL);
  shmctl(segment, IPC_RMID, NULL);
  close(mine);
}

/* Another process's namespaces, by its files and by its pidfd. */
static void entering(void) {
  int ready[2], done[2];
  pipe(ready);
  pipe(done);
  pid_t user = getuid();
  char map[32];
  snprintf(map, sizeof map, "0 %d 1", user);
  pid_t child = fork();
  if (child == 0) {
    unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", map);
    sethostname("inner", 5);
    msgget(7777, IPC_CREAT | 0600);
    write(ready[1], "x", 1);
    char byte;
    read(done[0], &byte, 1);
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  for (int by_pidfd = 0; by_pidfd < 2; by_pidfd++) {
    pid_t visitor = fork();
    if (visitor == 0) {
      char path[64], seen[64], theirs[64];
      const char *names[] = {"user", "uts", "ipc", "net"};
      if (by_pidfd) {
        int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        T(setns(pidfd, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
      } else {
        int fds[4];
        for (int i = 0; i < 4; i++) {
          snprintf(path, sizeof path, "/proc/%d/ns/%s", child, names[i]);
          fds[i] = open(path, O_RDONLY);
        }
        for (int i = 0; i < 4; i++) {
          printf("%s: ", names[i]);
          T(setns(fds[i], 0));
        }
      }
      for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "/proc/%d/ns/%s", child, names[i]);
        ssize_t n = readlink(path, theirs, 63);
        theirs[n < 0 ? 0 : n] = 0;
        identity(names[i], seen);
        printf("%s the same %d\n", names[i], !strcmp(seen, theirs));
      }
      struct utsname uts;
      uname(&uts);
      printf("%s, queue %d\n", uts.nodename, msgget(7777, 0) >= 0);
      fflush(stdout);
      _exit(0);
    }
    waitpid(visitor, NULL, 0);
  }
  write(done[1], "x", 1);
  waitpid(child, NULL, 0);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  one_by_one();
  ipc_apart();
  entering();
  return 0;
}
