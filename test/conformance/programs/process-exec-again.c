/* What an exec leaves of the program before it: its memory, its FPU modes, its GS; and execs again and again in one process. */
#include "../check.h"

#include <asm/prctl.h>
#include <xmmintrin.h>

#define LOW ((void *)0x20000)
#define HIGH ((void *)0x100000000)

static char *none[] = {NULL};

static u_int control_word(void) {
  unsigned short word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}

static void look(const char *what) {
  unsigned long gs = 1;
  syscall(SYS_arch_prctl, ARCH_GET_GS, &gs);
  printf("%s: mxcsr %x, control word %x, gs %d, low %d, high %d\n", what, _mm_getcsr(), control_word(), gs != 0, msync(LOW, 4096, MS_ASYNC),
         msync(HIGH, 4096, MS_ASYNC));
}

/* Leaves as much behind as it can. */
static void soil(void) {
  unsigned short word = 0x27f;
  static long own[8];
  T(mmap(LOW, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == LOW);
  T(mmap(HIGH, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == HIGH);
  _mm_setcsr(0x9fc0);
  __asm__ volatile("fldcw %0" : : "m"(word));
  syscall(SYS_arch_prctl, ARCH_SET_GS, own);
}

static long hot(int count) {
  long wrong = 0, self = getpid();
  for (int i = 0; i < count; i++) wrong += syscall(SYS_getpid) != self || getppid() <= 0;
  return wrong;
}

static void again(const char *step, const char *count, const char *pid) {
  char *argv[] = {"again", (char *)step, (char *)count, (char *)pid, NULL};
  execve("/proc/self/exe", argv, none);
  printf("exec %s\n", error_name(errno));
}

static void *sleeper(void *unused) {
  pause();
  return unused;
}

static int next(char **argv) {
  int left = atoi(argv[2]);
  char count[12];
  if (!strcmp(argv[1], "look")) {
    look("after");
    return 0;
  }
  if (getpid() != atoi(argv[3]) || hot(left % 3 ? 5 : 60)) {
    printf("with %d left something is wrong\n", left);
    return 1;
  }
  if (left == 0) {
    printf("the last of them\n");
    return 0;
  }
  /* A site that was changed, one with threads beside, and a child that goes on. */
  if (left % 4 == 1)
    for (int i = 0; i < 40; i++) execve("/nowhere", argv, none);
  if (left % 5 == 2) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeper, NULL);
  }
  if (left % 7 == 3) {
    pid_t child = fork();
    if (child == 0) _exit(hot(3) == 0 ? 3 : 4);
    int status = 0;
    waitpid(child, &status, 0);
    if (WEXITSTATUS(status) != 3) printf("a child ended with %d\n", WEXITSTATUS(status));
  }
  snprintf(count, sizeof count, "%d", left - 1);
  again("go", count, argv[3]);
  return 1;
}

static void chain(void) {
  char pid[12];
  snprintf(pid, sizeof pid, "%d", getpid());
  again("go", "40", pid);
}

/* The memory stays the parent's. */
static void borrowed(void) {
  static volatile int mark;
  mark = 5;
  pid_t child = vfork();
  if (child == 0) {
    char *argv[] = {"again", "look", NULL};
    mark = 6;
    execve("/proc/self/exe", argv, none);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  printf("vfork: ended with %d, mark %d, low %d, wrong %ld\n", WEXITSTATUS(status), mark, msync(LOW, 4096, MS_ASYNC), hot(40));
}

static volatile int alarms;
static void on_alarm(int signal) {
  (void)signal;
  alarms++;
}

/* Timers of an interval run on through an exec, and an exec may meet a signal. */
static void timed(void) {
  struct itimerval often = {{0, 500}, {0, 500}};
  signal(SIGALRM, on_alarm);
  int good = 0;
  for (int i = 0; i < 30; i++) {
    pid_t child = fork();
    if (child == 0) {
      char *argv[] = {"true", NULL};
      setitimer(ITIMER_REAL, &often, NULL);
      usleep(100 * (i % 8));
      signal(SIGALRM, SIG_IGN);
      execve("/bin/true", argv, none);
      _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    good += status == 0;
  }
  printf("under an alarm: %d of 30\n", good);
}

static void killed(void) {
  int ended = 0;
  for (int i = 0; i < 30; i++) {
    pid_t child = fork();
    if (child == 0) {
      char *argv[] = {"sleep", "100", NULL};
      execve("/bin/sleep", argv, none);
      _exit(1);
    }
    usleep(200 * (i % 10));
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    ended += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  printf("killed on the way: %d of 30\n", ended);
}

int main(int argc, char **argv) {
  if (argc > 1) return next(argv);
  look("before");
  IN_CHILD("soiled", soil(); look("in between"); again("look", "0", "0"));
  IN_CHILD("chain", chain());
  soil();
  borrowed();
  timed();
  killed();
  return 0;
}
