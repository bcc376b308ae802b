/* Pseudo terminals: termios, canonical editing, echo, signals, window size, job control, hang-up. */
#include "../check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

static int m, s;
static char buf[200];
static void show(const char *name, int fd) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  ssize_t n = read(fd, buf, sizeof buf);
  printf("%s: ", name);
  if (n < 0) printf("%s", error_name(errno));
  for (int i = 0; i < n; i++) printf(buf[i] >= 32 && buf[i] < 127 ? "%c" : "\\%03o", buf[i] & 255);
  printf("%s\n", n == 0 ? "(end)" : "");
  fcntl(fd, F_SETFL, 0);
}
static void type(const char *text, int n) {
  write(m, text, n);
  sleep_ms(20); /* Linux hands it over from a work queue */
  show("echo", m);
}
static volatile int winch;
static void on(int sig) {
  winch++;
  printf("got %s\n", signal_name(sig));
}

int main(void) {
  struct termios t, u;
  struct winsize w = {24, 80, 0, 0};
  setsid();
  T(openpty(&m, &s, NULL, NULL, &w));
  T(isatty(s));
  T(isatty(m));
  T(tcgetattr(s, &t));
  printf("iflag %o oflag %o cflag %o lflag %o\n", t.c_iflag, t.c_oflag, t.c_cflag & ~(CBAUD), t.c_lflag);
  for (int i = 0; i < 17; i++) printf("%d ", t.c_cc[i]);
  printf("\n");
  T(ioctl(s, TIOCGWINSZ, &w));
  printf("%d %d\n", w.ws_row, w.ws_col);
  int n;
  T(ioctl(s, TIOCGSID, &n));
  T(tcgetpgrp(s));
  T(ioctl(s, TIOCSCTTY, 0));
  T(tcgetpgrp(s) == getpgrp());
  T(ioctl(s, TIOCGSID, &n));
  OK(open("/dev/tty", O_RDWR));
  type("abc\177d\n", 6);
  show("line", s);
  type("one two\027three\025four\n", 19);
  show("line", s);
  type("x\026\003y\n", 5);
  show("line", s);
  type("no newline\004", 11);
  show("eof after text", s);
  type("\004", 1);
  show("eof", s);
  type("two\nlines\n", 10);
  show("first", s);
  show("second", s);
  type("partial", 7);
  T(ioctl(s, FIONREAD, &n));
  show("incomplete", s);
  type("\n", 1);
  T(ioctl(s, FIONREAD, &n));
  printf("%d\n", n);
  T(read(s, buf, 3));
  show("rest", s);
  write(s, "a\tb\nc", 5);
  sleep_ms(20);
  show("output", m);
  type("\r", 1);
  show("cr", s);
  signal(SIGINT, on);
  signal(SIGQUIT, on);
  type("gone\003", 5);
  show("after interrupt", s);
  type("\034", 1);
  t.c_lflag &= ~(ICANON | ECHO);
  t.c_cc[VMIN] = 0;
  t.c_cc[VTIME] = 1;
  T(tcsetattr(s, TCSANOW, &t));
  T(read(s, buf, 10));
  type("raw\177", 4);
  show("raw", s);
  t.c_cc[VMIN] = 3;
  tcsetattr(s, TCSANOW, &t);
  write(m, "ab", 2);
  T(read(s, buf, 10));
  cfmakeraw(&t);
  T(tcsetattr(s, TCSAFLUSH, &t));
  tcgetattr(s, &u);
  T(memcmp(&t, &u, sizeof t));
  T(tcsetattr(s, 99, &t));
  write(s, "x\ny", 3);
  sleep_ms(20);
  show("raw output", m);
  write(m, "flushed", 7);
  sleep_ms(20);
  T(tcflush(s, TCIFLUSH));
  show("flushed", s);
  T(tcflush(s, 77));
  signal(SIGWINCH, on);
  w.ws_row = 50;
  T(ioctl(m, TIOCSWINSZ, &w));
  T(ioctl(m, TIOCSWINSZ, &w));
  T(ioctl(s, TIOCGWINSZ, &w));
  printf("rows %d winch %d\n", w.ws_row, winch);
  int lock = 1;
  T(ioctl(m, TIOCSPTLCK, &lock));
  T(ioctl(m, TIOCGPTN, &n));
  char name[40];
  sprintf(name, "/dev/pts/%d", n);
  T(open(name, O_RDWR | O_NOCTTY));
  lock = 0;
  T(ioctl(m, TIOCSPTLCK, &lock));
  OK(open(name, O_RDWR | O_NOCTTY));
  T(ioctl(s, TIOCGPTN, &n));
  struct stat st;
  fstat(s, &st);
  printf("major %d\n", (int)(st.st_rdev >> 8));
  /* job control */
  tcgetattr(s, &t);
  t.c_lflag |= ICANON | ISIG | TOSTOP;
  tcsetattr(s, TCSANOW, &t);
  signal(SIGTTOU, SIG_DFL);
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    setpgid(0, 0);
    write(s, "x", 1);
    read(s, buf, 1);
    tcsetpgrp(s, getpgrp());
    tcsetattr(s, TCSANOW, &t);
    _exit(tcgetpgrp(s) == getpgrp() ? 3 : 4);
  }
  setpgid(p, p);
  int status;
  for (int i = 0; i < 3; i++) {
    waitpid(p, &status, WUNTRACED);
    say_status("background", status);
    if (i == 1) type("q\n", 2);
    if (i == 1) tcsetpgrp(s, p);
    if (i == 1) kill(p, SIGCONT), waitpid(p, &status, 0), say_status("foreground", status), i = 3;
    else kill(p, SIGCONT);
  }
  signal(SIGTTOU, SIG_IGN);
  T(tcsetpgrp(s, getpgrp()));
  T(tcsetpgrp(s, 1 << 22));
  T(tcsetpgrp(s, -1));
  p = fork();
  if (p == 0) {
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    signal(SIGTTIN, SIG_IGN);
    T(read(s, buf, 1));
    T(write(s, "x", 1));
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    T(tcsetpgrp(s, getpgrp()));
    exit(0);
  }
  waitpid(p, &status, 0);
  T(tcgetpgrp(s) == p);
  T(tcsetpgrp(s, getpgrp()));
  IN_CHILD("other session", setsid(); T(tcgetpgrp(s)); T(ioctl(s, TIOCSCTTY, 0)); T(tcsetpgrp(s, getpid())); T(open("/dev/tty", O_RDWR)));
  signal(SIGHUP, on);
  signal(SIGCONT, on);
  close(m);
  show("hung up", s);
  T(write(s, "x", 1));
  T(tcgetattr(s, &t));
  T(open("/dev/tty", O_RDWR));
  return 0;
}
