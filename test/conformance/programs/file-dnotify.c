/* fcntl(2) F_NOTIFY: which signal which change of a directory brings, and when it ends. */
#include "../check.h"

static volatile sig_atomic_t count;
static volatile int last_fd, last_band, last_code;
static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  count++;
  last_fd = info->si_fd;
  last_band = info->si_band;
  last_code = info->si_code;
}
static void told(const char *what) {
  printf("%s: %d\n", what, (int)count);
  count = 0;
}
static void make(const char *name) { close(open(name, O_CREAT | O_RDWR, 0600)); }

static void change(void) {
  char byte = 'x';
  make("d/f");
  told("create");
  int f = open("d/f", O_RDWR);
  told("open");
  write(f, &byte, 1);
  told("write");
  pread(f, &byte, 1, 0);
  told("read");
  ftruncate(f, 0);
  told("truncate");
  fchmod(f, 0640);
  told("chmod");
  close(f);
  told("close");
  rename("d/f", "d/g");
  told("rename");
  rename("d/g", "e/g");
  told("move out");
  rename("e/g", "d/g");
  told("move in");
  link("d/g", "d/h");
  told("link");
  unlink("d/h");
  told("unlink a link");
  unlink("d/g");
  told("unlink");
  mkdir("d/s", 0700);
  told("mkdir");
  rmdir("d/s");
  told("rmdir");
  chmod("d", 0755);
  told("chmod of the directory");
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
  sigaction(SIGIO, &action, NULL);
  sigaction(SIGRTMIN, &action, NULL);
  mkdir("d", 0755);
  mkdir("e", 0755);
  make("file");
  int file = open("file", O_RDONLY), path = open("d", O_PATH), d = open("d", O_RDONLY);
  T(fcntl(file, F_NOTIFY, DN_CREATE));
  T(fcntl(file, F_NOTIFY, 0));
  T(fcntl(path, F_NOTIFY, DN_CREATE));
  T(fcntl(99, F_NOTIFY, DN_CREATE));
  T(fcntl(d, F_NOTIFY, 0));
  T(fcntl(d, F_GETOWN));

  puts("once");
  T(fcntl(d, F_NOTIFY, DN_CREATE));
  T(fcntl(d, F_GETOWN) == getpid());
  make("d/1");
  told("first");
  printf("code %x\n", last_code);
  make("d/2");
  told("second");

  static const struct { const char *name; long bits; } kinds[] = {
      {"access", DN_ACCESS}, {"modify", DN_MODIFY}, {"create", DN_CREATE},
      {"delete", DN_DELETE}, {"rename", DN_RENAME}, {"attrib", DN_ATTRIB},
  };
  T(fcntl(d, F_SETSIG, SIGRTMIN));
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    printf("-- %s\n", kinds[i].name);
    T(fcntl(d, F_NOTIFY, kinds[i].bits | DN_MULTISHOT));
    change();
    T(fcntl(d, F_NOTIFY, DN_MULTISHOT));
  }
  puts("-- bits add up");
  T(fcntl(d, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
  T(fcntl(d, F_NOTIFY, DN_DELETE));
  make("d/3");
  unlink("d/3");
  told("both");
  printf("code %x fd %d band %x\n", last_code, last_fd == d, last_band);

  puts("-- a child");
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    make("d/3");
    unlink("d/3");
    close(d);
    make("d/3");
    _exit(count);
  }
  int status;
  while (waitpid(child, &status, 0) < 0) continue;
  printf("child saw %d\n", WEXITSTATUS(status));
  /* A signal that is pending already merges with the next of its kind: how many come is a race. */
  printf("parent saw: %s\n", count > 0 ? "some" : "none");
  count = 0;

  puts("-- closing a copy ends it");
  int copy = dup(d);
  close(copy);
  make("d/4");
  told("after close of a copy");

  puts("-- two descriptions, another signal and process");
  int d2 = open("d", O_RDONLY);
  T(fcntl(d, F_NOTIFY, DN_CREATE));
  T(fcntl(d2, F_NOTIFY, DN_CREATE));
  make("d/5");
  told("two");
  T(fcntl(d2, F_SETOWN, 0));
  T(fcntl(d2, F_NOTIFY, DN_CREATE));
  make("d/6");
  told("the owner is set anew");
  close(d2);
  close(d);
  make("d/7");
  told("closed");
  return 0;
}
