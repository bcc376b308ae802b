/* PR_SET_SYSCALL_USER_DISPATCH: calls that the program answers itself by SIGSYS, while a byte says so. */
#include "../check.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define SET(mode, start, length, byte) syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, (long)(mode), (long)(start), (long)(length), (long)(byte))

static volatile char selector;
static volatile int seen_code, seen_call, seen_errno;

static void answer(int sig, siginfo_t *info, void *context) {
  selector = 0;
  seen_code = info->si_code;
  seen_call = info->si_syscall;
  seen_errno = info->si_errno;
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = 4242;
}

static void in_child(const char *what, char byte) {
  fflush(stdout);
  if (fork() == 0) {
    SET(1, 0, 0, &selector);
    selector = byte;
    syscall(SYS_gettid);
    selector = 0;
    _exit(3);
  }
  int status;
  wait(&status);
  printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "killed" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int main(void) {
  T(SET(0, 1, 0, 0));
  T(SET(0, 0, 0, &selector));
  T(SET(1, 1, 0, &selector));
  T(SET(1, -1, 2, &selector));
  T(SET(1, 8, -1, &selector));
  T(SET(1, 0, 0, -1));
  T(SET(7, 0, 0, 0));
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  T(SET(1, 0, 0, &selector));
  selector = 1;
  long result = syscall(SYS_getppid);
  printf("%ld: code %d, call %d, errno %d\n", result, seen_code, seen_call == SYS_getppid, seen_errno);
  selector = 1;
  result = syscall(1000);
  printf("%ld: call %d\n", result, seen_call);
  printf("through: %d\n", syscall(SYS_getpid) == getpid());
  /* A child starts without it. */
  fflush(stdout);
  if (fork() == 0) {
    selector = 1;
    _exit(syscall(SYS_getppid) == 4242);
  }
  int status;
  wait(&status);
  printf("child %d\n", WEXITSTATUS(status));
  T(SET(0, 0, 0, 0));
  selector = 1;
  printf("off: %d\n", syscall(SYS_getpid) == getpid());
  signal(SIGSYS, SIG_DFL);
  in_child("blocked without a handler", 1);
  in_child("a byte that means nothing", 9);
  in_child("let through", 0);
  return 0;
}
