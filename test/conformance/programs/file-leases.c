/* fcntl(2) F_SETLEASE: who may have one, who breaks it, who waits. */
#include "../check.h"

static sigset_t signals;
static volatile int *released;

static void on_alarm(int signal) { (void)signal; }

/* The holder's signal, or none. */
static void told(const char *what, int fd) {
  struct timespec limit = {.tv_sec = 10}, none = {0};
  siginfo_t info;
  int signal = sigtimedwait(&signals, &info, fd < 0 ? &none : &limit);
  if (signal < 0) printf("%s: no signal\n", what);
  else if (signal == SIGRTMIN) printf("%s: SIGRTMIN code %d band %x fd %s\n", what, info.si_code, (int)info.si_band, info.si_fd == fd ? "ok" : "wrong");
  else printf("%s: signal %s\n", what, signal == SIGIO ? "SIGIO" : "other");
}

/* Begins the call in a child; its exit says whether the lease was given back before it returned. */
static pid_t begin(int what, int lease) {
  fflush(stdout);
  *released = 0;
  pid_t child = fork();
  if (child != 0) return child;
  close(lease);
  int result = what == 0 ? open("f", O_WRONLY) : what == 1 ? open("f", O_RDONLY) : what == 2 ? truncate("f", 3) : open("f", O_WRONLY | O_TRUNC);
  _exit((result < 0 ? 100 : 10) + *released);
}
static void end(const char *what, pid_t child) {
  int status;
  waitpid(child, &status, 0);
  printf("%s: %d\n", what, WEXITSTATUS(status));
}
static int try(int flags) {
  int fd = open("f", flags | O_NONBLOCK);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

int main(void) {
  released = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sigemptyset(&signals);
  sigaddset(&signals, SIGIO);
  sigaddset(&signals, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  int w = open("f", O_CREAT | O_RDWR, 0600), p[2], dir = open(".", O_RDONLY), path = open("f", O_PATH);
  write(w, "0123456789", 10);
  pipe(p);
  T(fcntl(99, F_SETLEASE, F_RDLCK));
  T(fcntl(path, F_SETLEASE, F_RDLCK));
  T(fcntl(p[0], F_SETLEASE, F_RDLCK));
  T(fcntl(dir, F_SETLEASE, F_RDLCK));
  T(fcntl(w, F_SETLEASE, 7));
  T(fcntl(w, F_SETLEASE, F_UNLCK));
  T(fcntl(w, F_GETLEASE));

  puts("-- who may have one");
  T(fcntl(w, F_SETLEASE, F_RDLCK));
  T(fcntl(w, F_SETLEASE, F_WRLCK));
  T(fcntl(w, F_GETLEASE));
  T(fcntl(w, F_GETOWN) == getpid());
  T(fcntl(w, F_SETLEASE, F_RDLCK));
  T(fcntl(w, F_SETLEASE, F_UNLCK));
  T(fcntl(w, F_GETOWN));
  int r = open("f", O_RDONLY);
  T(fcntl(r, F_SETLEASE, F_RDLCK));
  T(fcntl(w, F_SETLEASE, F_WRLCK));
  close(w);
  T(fcntl(r, F_SETLEASE, F_RDLCK));
  int r2 = open("f", O_RDONLY);
  T(fcntl(r2, F_SETLEASE, F_RDLCK));
  T(fcntl(r2, F_SETLEASE, F_WRLCK));
  T(fcntl(r2, F_SETLEASE, F_UNLCK));
  T(fcntl(r2, F_SETLEASE, F_UNLCK));
  close(r2);
  int copy = dup(r);
  T(fcntl(copy, F_GETLEASE));
  close(copy);
  T(fcntl(r, F_GETLEASE));

  puts("-- a read lease");
  T(try(O_RDONLY));
  told("reader", -1);
  T(try(O_WRONLY));
  told("writer", r);
  T(fcntl(r, F_GETLEASE));
  T(try(O_RDWR));
  told("another writer", -1);
  T(fcntl(r, F_SETLEASE, F_UNLCK));
  T(try(O_WRONLY));
  T(fcntl(r, F_SETLEASE, F_RDLCK));
  T(fcntl(r, F_SETSIG, SIGRTMIN));
  pid_t child = begin(0, r);
  told("blocked writer", r);
  *released = 1;
  T(fcntl(r, F_SETLEASE, F_UNLCK));
  end("blocked writer", child);
  T(fcntl(r, F_GETSIG));
  static const char *const calls[] = {"open", "open", "truncate", "open with O_TRUNC"};
  for (int i = 2; i < 4; i++) {
    struct stat before, after;
    T(fcntl(r, F_SETLEASE, F_RDLCK));
    child = begin(i, r);
    told(calls[i], r);
    fstat(r, &before);
    *released = 1;
    T(fcntl(r, F_SETLEASE, F_UNLCK));
    end(calls[i], child);
    fstat(r, &after);
    printf("size %d, then %d\n", (int)before.st_size, (int)after.st_size);
  }

  puts("-- a write lease");
  T(fcntl(r, F_SETLEASE, F_WRLCK));
  child = begin(1, r);
  told("reader", r);
  T(fcntl(r, F_GETLEASE));
  *released = 1;
  T(fcntl(r, F_SETLEASE, F_RDLCK));
  end("reader", child);
  T(fcntl(r, F_GETLEASE));
  T(fcntl(r, F_SETLEASE, F_WRLCK));
  child = begin(0, r);
  told("writer", r);
  T(fcntl(r, F_GETLEASE));
  *released = 1;
  close(r);
  end("writer after close", child);

  puts("-- a signal ends the wait");
  r = open("f", O_RDONLY);
  T(fcntl(r, F_SETLEASE, F_RDLCK));
  struct sigaction action = {.sa_handler = on_alarm};
  struct itimerval soon = {.it_value.tv_usec = 50000, .it_interval.tv_usec = 50000}, never = {0};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  T(open("f", O_WRONLY));
  setitimer(ITIMER_REAL, &never, NULL);
  told("own open", r);
  T(fcntl(r, F_GETLEASE));
  return 0;
}
