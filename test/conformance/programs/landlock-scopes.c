/* landlock(7): what is refused, what is kept between domains, and TCP ports. */
#include "../landlock.h"
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>

static int bound(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 4);
  struct sockaddr_in name = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
  int result = bind(fd, (void *)&name, sizeof name), error = errno;
  close(fd);
  errno = error;
  return result;
}
static int connected(uint16_t port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in name = {AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {0}};
  int result = connect(fd, (void *)&name, sizeof name), error = errno;
  close(fd);
  errno = error;
  return result;
}
static socklen_t abstract(struct sockaddr_un *name, const char *text) {
  *name = (struct sockaddr_un){.sun_family = AF_UNIX};
  strcpy(name->sun_path + 1, text);
  return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text);
}

static void refusals(void) {
  struct attr attr = {READ_FILE, 0, 0, {0, 0}};
  T(syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 7);
  T(syscall(SYS_landlock_create_ruleset, &attr, 0, 1));
  T(syscall(SYS_landlock_create_ruleset, NULL, 0, 1 << 20));
  T(syscall(SYS_landlock_create_ruleset, NULL, 24, 0));
  T(syscall(SYS_landlock_create_ruleset, &attr, 7, 0));
  T(syscall(SYS_landlock_create_ruleset, &attr, 5000, 0));
  T(syscall(SYS_landlock_create_ruleset, (void *)8, 24, 0));
  OK(syscall(SYS_landlock_create_ruleset, &attr, 8, 0));
  OK(syscall(SYS_landlock_create_ruleset, &attr, 40, 0));
  attr.more[0] = 1;
  T(syscall(SYS_landlock_create_ruleset, &attr, 40, 0));
  T(create(0, 0, 0));
  T(create(1ull << 40, 0, 0));
  T(create(0, 1 << 20, 0));
  T(create(0, 0, 1 << 20));
  int ruleset = create(READ_FILE | WRITE_FILE | READ_DIR, BIND_TCP, 0);
  printf("close-on-exec %d flags %x\n", fcntl(ruleset, F_GETFD), fcntl(ruleset, F_GETFL) & O_ACCMODE);
  char byte;
  T(read(ruleset, &byte, 1));
  T(write(ruleset, &byte, 1));
  T(allow(ruleset, "in", READ_FILE));
  T(allow(ruleset, "in", 0));
  T(allow(ruleset, "in", EXECUTE));
  T(allow(ruleset, "in", REFER));
  T(allow(ruleset, "in/file", READ_FILE));
  T(allow(ruleset, "in/file", READ_DIR));
  T(allow(ruleset, "none", READ_FILE));
  T(allow(1000, "in", READ_FILE));
  T(allow(open(".", O_RDONLY), "in", READ_FILE));
  T(allow(open(".", O_PATH), "in", READ_FILE));
  int pipes[2];
  pipe(pipes);
  struct beneath rule = {READ_FILE, pipes[0]};
  T(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0));
  rule.fd = ruleset;
  T(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0));
  T(syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 1));
  T(syscall(SYS_landlock_add_rule, ruleset, 3, &rule, 0));
  T(syscall(SYS_landlock_add_rule, ruleset, 1, NULL, 0));
  T(allow_port(ruleset, 80, BIND_TCP));
  T(allow_port(ruleset, 65536, BIND_TCP));
  T(allow_port(ruleset, 80, CONNECT_TCP));
  T(allow_port(ruleset, 80, 0));
  T(syscall(SYS_landlock_restrict_self, ruleset, 8));
  T(syscall(SYS_landlock_restrict_self, -1, 0));
  T(syscall(SYS_landlock_restrict_self, -1, 4));
  IN_CHILD("without the right", {
    setgid(1), setuid(1);
    T(syscall(SYS_landlock_restrict_self, ruleset, 0));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    T(syscall(SYS_landlock_restrict_self, ruleset, 0));
  });
  IN_CHILD("layers", {
    int other = create(MAKE_SYM, 0, 0);
    for (int i = 0; i < 16; i++)
      if (enforce(other)) printf("layer %d: %s\n", i, error_name(errno));
    T(enforce(other));
  });
}

/* A child that lives as long as its parent. */
static pid_t fork_waiter(void) {
  int life[2];
  char byte;
  pipe(life);
  pid_t pid = fork();
  if (pid == 0) close(life[1]), read(life[0], &byte, 1), _exit(0);
  close(life[0]);
  return pid;
}

static void domains(void) {
  int ready[2], go[2];
  pipe(ready), pipe(go);
  struct sockaddr_un name;
  int outer = socket(AF_UNIX, SOCK_STREAM, 0), outer_datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
  bind(outer, (void *)&name, abstract(&name, "landlock-outer"));
  listen(outer, 5);
  bind(outer_datagram, (void *)&name, abstract(&name, "landlock-outer-datagram"));
  int early = socket(AF_UNIX, SOCK_DGRAM, 0);
  connect(early, (void *)&name, abstract(&name, "landlock-outer-datagram"));
  pid_t main_pid = getpid();
  IN_CHILD("scoped", {
    int ruleset = create(0, 0, SCOPE_ABSTRACT | SCOPE_SIGNAL);
    pid_t sibling = fork_waiter();
    T(enforce(ruleset));
    T(kill(sibling, 0));
    T(kill(main_pid, 0));
    T(kill(main_pid, SIGCONT));
    T(kill(getpid(), 0));
    T(ptrace(PTRACE_ATTACH, sibling, 0, 0));
    pid_t inner = fork_waiter();
    T(kill(inner, 0));
    T(ptrace(PTRACE_SEIZE, inner, 0, 0));
    T(kill(inner, SIGKILL));
    int link = socket(AF_UNIX, SOCK_STREAM, 0);
    T(connect(link, (void *)&name, abstract(&name, "landlock-outer")));
    int datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    T(sendto(datagram, "x", 1, 0, (void *)&name, abstract(&name, "landlock-outer-datagram")));
    T(send(early, "x", 1, 0));
    int own = socket(AF_UNIX, SOCK_STREAM, 0);
    T(bind(own, (void *)&name, abstract(&name, "landlock-own")));
    T(listen(own, 1));
    T(connect(link, (void *)&name, abstract(&name, "landlock-own")));
  });
  IN_CHILD("unscoped", {
    int ruleset = create(MAKE_SYM, 0, 0);
    pid_t sibling = fork_waiter();
    T(enforce(ruleset));
    T(kill(sibling, 0));
    T(ptrace(PTRACE_SEIZE, sibling, 0, 0));
    char path[40];
    sprintf(path, "/proc/%d/environ", sibling);
    T(try(path, O_RDONLY));
    T(kill(sibling, SIGKILL));
    IN_CHILD("asks to be traced", T(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    int link = socket(AF_UNIX, SOCK_STREAM, 0);
    T(connect(link, (void *)&name, abstract(&name, "landlock-outer")));
  });
  /* Outside looks in. */
  pid_t inside = fork();
  if (inside == 0) {
    enforce(create(MAKE_SYM, 0, 3));
    write(ready[1], "r", 1);
    pause();
    _exit(0);
  }
  char byte;
  read(ready[0], &byte, 1);
  T(ptrace(PTRACE_SEIZE, inside, 0, 0));
  T(kill(inside, SIGKILL));
  waitpid(inside, NULL, 0);
}

static void ports(void) {
  int ruleset = create(0, 3, 0);
  T(allow_port(ruleset, 7101, BIND_TCP));
  T(allow_port(ruleset, 7102, CONNECT_TCP));
  T(enforce(ruleset));
  T(bound(7101));
  T(bound(7102));
  T(bound(0));
  T(connected(7101));
  T(connected(7102));
  int datagram = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in at = {AF_INET, htons(7103), {htonl(INADDR_LOOPBACK)}, {0}};
  T(bind(datagram, (void *)&at, sizeof at));
  T(connect(datagram, (void *)&at, sizeof at));
  int tcp = socket(AF_INET, SOCK_STREAM, 0);
  T(bind(tcp, (void *)&at, 1));
  T(bind(tcp, (void *)&at, 4));
  T(bind(tcp, (void *)&at, 8));
  at.sin_family = AF_INET6;
  T(bind(tcp, (void *)&at, sizeof at));
  at.sin_family = AF_UNSPEC;
  T(bind(tcp, (void *)&at, sizeof at));
  T(connect(tcp, (void *)&at, sizeof at));
  at.sin_addr.s_addr = 0, at.sin_port = htons(7101);
  T(bind(tcp, (void *)&at, sizeof at));
}

int main(void) {
  system("mkdir -p in; echo 1 > in/file");
  IN_CHILD("refusals", refusals());
  IN_CHILD("domains", domains());
  IN_CHILD("ports", ports());
  return 0;
}
