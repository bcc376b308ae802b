/* execve's errors, #! scripts, argv and environment limits, what an exec keeps. */
#include "../check.h"

static char *none[] = {NULL};

static void put(const char *path, const char *text, int mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
  if (write(fd, text, strlen(text)) < 0) printf("write %s\n", error_name(errno));
  fchmod(fd, mode);
  close(fd);
}
#define RUN(name, path, ...)                                     \
  do {                                                           \
    char *argv_[] = {__VA_ARGS__, NULL};                         \
    IN_CHILD(name, execve(path, argv_, none); printf("%s: %s\n", name, error_name(errno))); \
  } while (0)

int main(int argc, char **argv) {
  if (argc < 1 || !argv[0][0] || !strcmp(argv[0], "show")) {
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    struct sigaction a, b;
    sigaction(SIGUSR1, NULL, &a);
    sigaction(SIGUSR2, NULL, &b);
    stack_t ss;
    sigaltstack(NULL, &ss);
    sigset_t pending;
    sigpending(&pending);
    printf("mask hup %d, usr1 %s, usr2 %s, altstack %s, pending hup %d, umask %o, argc %d, fd9 %d fd10 %d alarm %s\n",
           sigismember(&mask, SIGHUP), a.sa_handler == SIG_DFL ? "default" : "other", b.sa_handler == SIG_IGN ? "ignored" : "other",
           ss.ss_flags == SS_DISABLE ? "off" : "on", sigismember(&pending, SIGHUP), umask(0), argc, fcntl(9, F_GETFD), fcntl(10, F_GETFD),
           alarm(0) > 0 ? "kept" : "gone");
    char name[20] = "";
    prctl(PR_GET_NAME, name);
    printf("name is program's: %d\n", !strncmp(name, "process-exec", 12));
    return 12;
  }
  RUN("missing", "/nowhere/x", "x");
  RUN("directory", "/tmp", "x");
  RUN("not a directory", "/etc/passwd/x", "x");
  RUN("empty path", "", "x");
  put("plain", "echo hi\n", 0600);
  RUN("no x bit", "./plain", "x");
  put("garbage", "\1\2\3\4garbage", 0700);
  RUN("garbage", "./garbage", "x");
  put("empty", "", 0700);
  RUN("empty file", "./empty", "x");
  put("elf", "\177ELF\2\1\1", 0700);
  RUN("short elf", "./elf", "x");
  put("s1", "#!/bin/echo one two  three\nrest\n", 0700);
  RUN("script", "./s1", "zero", "four", "five");
  put("s2", "#!  /bin/echo   \n", 0700);
  RUN("script without argument", "./s2", "zero", "four");
  put("s3", "#!/nowhere/interpreter\n", 0700);
  RUN("no interpreter", "./s3", "zero");
  put("s4", "#!\n", 0700);
  RUN("empty interpreter", "./s4", "zero");
  put("s5", "#!./s1 nested\n", 0700);
  RUN("nested", "./s5", "zero", "four");
  put("s6", "#!./s6\n", 0700);
  RUN("loop", "./s6", "zero");
  put("s7", "#!/bin/echo", 0700);
  RUN("no newline", "./s7", "zero", "x");
  put("s8", "#!/bin\n", 0700);
  RUN("directory as interpreter", "./s8", "zero", "x");
  char longline[400];
  memset(longline, 'a', sizeof longline);
  memcpy(longline, "#!/bin/echo ", 12);
  longline[399] = 0;
  put("s9", longline, 0700);
  RUN("long argument", "./s9", "zero");
  memset(longline, 'a', sizeof longline);
  memcpy(longline, "#!/", 3);
  longline[399] = 0;
  put("s10", longline, 0700);
  RUN("long interpreter", "./s10", "zero");
  symlink("loop", "loop");
  RUN("symlink loop", "./loop", "zero");
  char name[300];
  memset(name, 'n', sizeof name);
  name[299] = 0;
  RUN("long name", name, "zero");
  int w = open("s1", O_WRONLY);
  RUN("written", "./s1", "zero", "x");
  close(w);
  int x = open("/proc/self/exe", O_RDONLY);
  char *show[] = {"show", "a", "b", NULL};
  T(open("/proc/self/exe", O_WRONLY));
  struct sigaction sa = {.sa_handler = (void (*)(int))main};
  sigaction(SIGUSR1, &sa, NULL);
  signal(SIGUSR2, SIG_IGN);
  static char alt[65536];
  stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt};
  sigaltstack(&ss, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  dup2(1, 9);
  dup2(1, 10);
  fcntl(10, F_SETFD, FD_CLOEXEC);
  umask(027);
  IN_CHILD("show", sigprocmask(SIG_BLOCK, &set, NULL); alarm(100); raise(SIGHUP); prctl(PR_SET_NAME, "other"); fexecve(x, show, none));
  IN_CHILD("no argv", sigprocmask(SIG_BLOCK, &set, NULL); execve("/proc/self/exe", show + 3, none));
  IN_CHILD("execveat at fd", syscall(SYS_execveat, x, "", show, none, AT_EMPTY_PATH));
  IN_CHILD("execveat empty", syscall(SYS_execveat, x, "", show, none, 0); printf("%s\n", error_name(errno)));
  IN_CHILD("execveat flags", syscall(SYS_execveat, x, "", show, none, 1); printf("%s\n", error_name(errno)));
  IN_CHILD("execveat bad fd", syscall(SYS_execveat, 77, "x", show, none, 0); printf("%s\n", error_name(errno)));
  symlink("s1", "link");
  IN_CHILD("execveat nofollow", syscall(SYS_execveat, AT_FDCWD, "link", show, none, AT_SYMLINK_NOFOLLOW); printf("%s\n", error_name(errno)));
  IN_CHILD("bad argv", syscall(SYS_execve, "/bin/true", 8, none); printf("%s\n", error_name(errno)));
  IN_CHILD("bad path", syscall(SYS_execve, 8, show, none); printf("%s\n", error_name(errno)));
  IN_CHILD("null argv", syscall(SYS_execve, "/bin/true", NULL, NULL));
  char *big = malloc(131073 + 1);
  memset(big, 'x', 131073);
  big[131072] = 0;
  char *one[] = {"true", big, NULL};
  IN_CHILD("argument of 128 KiB", execve("/bin/true", one, none); printf("%s\n", error_name(errno)));
  big[131071] = 0;
  IN_CHILD("argument of 128 KiB - 1", execve("/bin/true", one, none); printf("%s\n", error_name(errno)));
  char **many = calloc(40, sizeof *many);
  for (int i = 0; i < 39; i++) many[i] = i < 13 ? big : i < 38 ? "x" : NULL;
  IN_CHILD("1.7 MB", execve("/bin/true", many, none); printf("%s\n", error_name(errno)));
  for (int i = 0; i < 38; i++) many[i] = big;
  IN_CHILD("5 MB", execve("/bin/true", many, none); printf("%s\n", error_name(errno)));
  struct rlimit rl = {1 << 20, 1 << 20};
  for (int i = 3; i < 39; i++) many[i] = NULL;
  IN_CHILD("stack limit 1 MB, 384 kB", setrlimit(RLIMIT_STACK, &rl); execve("/bin/true", many, none); printf("%s\n", error_name(errno)));
  return 0;
}
