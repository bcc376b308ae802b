/* Returning from many handlers: registers, flags, floating point, masks and stacks come back; unwinding through the frame; restorers. */
#include "../check.h"
#include <setjmp.h>
#include <ucontext.h>
#include <unwind.h>

enum { ROUNDS = 40 };

/* Everything that a handler must not change, around a call that sends the signal. */
static volatile double divisor = 3.0;
static void spoil(int s, siginfo_t *info, void *context) {
  (void)s, (void)info, (void)context;
  __asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm6\n movdqa %%xmm0, %%xmm15\n fninit\n fldz\n fldz\n"
                   : : : "xmm0", "xmm6", "xmm15");
  unsigned mxcsr = 0x1f80 | 0x6000;
  __asm__ volatile("ldmxcsr %0\n std\n cld" : : "m"(mxcsr));
  divisor = 3.0;
}

static void state(void) {
  struct sigaction sa = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  int good = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double in[2] = {i + 0.5, -i}, out[2] = {0}, out15[2] = {0};
    long double x87 = (long double)i / 7, back = 0;
    unsigned mxcsr = 0x1f80 | 0x2000, after = 0;
    long rbx = 0, r12 = 0, r15 = 0, result, flags = 0;
    __asm__ volatile("ldmxcsr %[mxcsr]\n fldt %[x87]\n movupd %[in], %%xmm6\n movupd %[in], %%xmm15\n"
                     "mov $0x1111, %%rbx\n mov $0x2222, %%r12\n mov $0x3333, %%r15\n"
                     "mov %[nr], %%eax\n stc\n syscall\n"
                     "pushf\n pop %[flags]\n mov %%rbx, %[rbx]\n mov %%r12, %[r12]\n mov %%r15, %[r15]\n"
                     "movupd %%xmm6, %[out]\n movupd %%xmm15, %[out15]\n fstpt %[back]\n stmxcsr %[after]\n"
                     : "=&a"(result), [flags] "=m"(flags), [rbx] "=m"(rbx), [r12] "=m"(r12), [r15] "=m"(r15), [out] "=m"(out), [out15] "=m"(out15),
                       [back] "=m"(back), [after] "=m"(after)
                     : [nr] "i"(SYS_kill), "D"(getpid()), "S"(SIGUSR1), [in] "m"(in), [x87] "m"(x87), [mxcsr] "m"(mxcsr)
                     : "rbx", "r12", "r15", "rcx", "r11", "xmm6", "xmm15", "memory");
    unsigned normal = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(normal));
    good += result == 0 && rbx == 0x1111 && r12 == 0x2222 && r15 == 0x3333 && (flags & 1) == 1 && out[0] == in[0] && out[1] == in[1] &&
            out15[0] == in[0] && out15[1] == in[1] && back == x87 && after == mxcsr;
  }
  printf("state kept: %d of %d\n", good, ROUNDS);
}

/* What the handler writes into its context is what goes on. */
static void rewrite(int s, siginfo_t *info, void *context) {
  (void)s, (void)info;
  ucontext_t *uc = context;
  uc->uc_mcontext.gregs[REG_RAX] = 77;
  uc->uc_mcontext.gregs[REG_R12] = 0x7766554433221100;
  uc->uc_mcontext.fpregs->_xmm[6].element[0] = 0xabcd;
  sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void changes(void) {
  struct sigaction sa = {.sa_sigaction = rewrite, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  int good = 0;
  for (int i = 0; i < ROUNDS; i++) {
    long result, r12;
    unsigned out[4];
    sigset_t none, now;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    __asm__ volatile("pxor %%xmm6, %%xmm6\n syscall\n mov %%r12, %[r12]\n movdqu %%xmm6, %[out]\n"
                     : "=a"(result), [r12] "=m"(r12), [out] "=m"(out) : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "r12", "rcx", "r11", "xmm6", "memory");
    sigprocmask(SIG_SETMASK, &none, &now);
    good += result == 77 && r12 == 0x7766554433221100 && out[0] == 0xabcd && out[1] == 0 && sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1);
  }
  printf("changes taken: %d of %d\n", good, ROUNDS);
}

/* From the handler to main, by the tables and by the frame's form. */
static int depth, found_main;
static int main_seen(void *ip);
static _Unwind_Reason_Code count_frame(struct _Unwind_Context *context, void *unused) {
  (void)unused;
  depth++;
  found_main |= main_seen(_Unwind_FindEnclosingFunction((void *)(_Unwind_GetIP(context) - 1)));
  return depth > 100 ? _URC_END_OF_STACK : _URC_NO_REASON;
}
static void look_up(int s) {
  (void)s;
  depth = found_main = 0;
  _Unwind_Backtrace(count_frame, NULL);
}

/* rt_sigreturn in the form that unwinders without a table look for. */
__asm__(".text\n nop\n .p2align 4\n.globl own_restorer\nown_restorer:\n mov $15,%rax\n syscall\n ud2\n");
extern char own_restorer[];
static const unsigned char form[] = {0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05};

struct kernel_action {
  void (*handler)(int);
  unsigned long flags;
  void *restorer;
  unsigned long mask;
};

static void unwinding(const char *name, void *restorer) {
  struct kernel_action action = {look_up, 0x04000000, restorer, 0};
  struct sigaction plain = {.sa_handler = look_up};
  if (restorer) syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
  else sigaction(SIGUSR1, &plain, NULL);
  int first = 0, same = 0, mains = 0;
  for (int i = 0; i < ROUNDS; i++) {
    kill(getpid(), SIGUSR1);
    if (i == 0) first = depth;
    same += depth == first;
    mains += found_main;
  }
  printf("unwound %s: alike %d, to main %d of %d\n", name, same, mains, ROUNDS);
}

/* A jump out, handlers inside handlers, an alternate stack, threads at once. */
static sigjmp_buf place;
static void jump(int s) { siglongjmp(place, s); }
static volatile int level, deepest, returned;
static void nest(int s) {
  if (++level > deepest) deepest = level;
  if (level < 5) raise(s);
  level--;
  returned++;
}
static char stack_memory[65536];
static volatile int on_stack;
static void where(int s) {
  char here;
  (void)s;
  on_stack += &here >= stack_memory && &here < stack_memory + sizeof stack_memory;
}
static _Thread_local volatile long counted;
static void count(int s) { (void)s, counted++; }
static void *many(void *unused) {
  for (int i = 0; i < 2000; i++) raise(SIGHUP);
  return (void *)(counted == 2000 ? (long)1 : 0l) + 0 * (long)unused;
}

static void ways(void) {
  signal(SIGUSR1, jump);
  int jumps = 0;
  for (int i = 0; i < ROUNDS; i++) {
    if (sigsetjmp(place, 1) == SIGUSR1) jumps++;
    else raise(SIGUSR1);
  }
  struct sigaction sa = {.sa_handler = nest, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR2, &sa, NULL);
  for (int i = 0; i < ROUNDS; i++) raise(SIGUSR2);
  stack_t alternate = {.ss_sp = stack_memory, .ss_size = sizeof stack_memory}, now;
  sigaltstack(&alternate, NULL);
  sa = (struct sigaction){.sa_handler = where, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &sa, NULL);
  for (int i = 0; i < ROUNDS; i++) raise(SIGUSR1);
  sigaltstack(NULL, &now);
  printf("jumps %d, deepest %d, returned %d, on the stack %d, flags after %d\n", jumps, deepest, returned, on_stack, now.ss_flags);
  signal(SIGHUP, count);
  pthread_t threads[4];
  long sum = 0;
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, many, NULL);
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("threads with all their signals: %ld\n", sum);
}

/* A frame that cannot be read, and one whose state is nonsense. */
static void far_away(int s, siginfo_t *info, void *context) {
  (void)s, (void)info, (void)context;
  __asm__ volatile("mov $0x100, %%rsp\n mov $15, %%eax\n syscall" : : : "memory");
}
static void bad_state(int s, siginfo_t *info, void *context) {
  (void)s, (void)info;
  memset((char *)((ucontext_t *)context)->uc_mcontext.fpregs + 512, 0xff, 64);
}
/* Without its marks the area is FXSAVE's, and the rest of the state is the initial one. */
static void old_state(int s, siginfo_t *info, void *context) {
  (void)s, (void)info;
  struct _libc_fpstate *state = ((ucontext_t *)context)->uc_mcontext.fpregs;
  memset((char *)state + 464, 0, 48);
  memset((char *)state + 512, 0xff, 64);
  state->_xmm[6].element[0] = 4321;
}
static void bad_frames(void) {
  struct sigaction sa = {.sa_sigaction = far_away, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &sa, NULL);
  IN_CHILD("frame out of reach", raise(SIGUSR1));
  sa.sa_sigaction = old_state;
  sigaction(SIGUSR1, &sa, NULL);
  unsigned out[4];
  __asm__ volatile("pcmpeqd %%xmm6, %%xmm6\n syscall\n movdqu %%xmm6, %[out]\n"
                   : [out] "=m"(out) : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "xmm6", "memory");
  printf("without marks: %u %x\n", out[0], out[1]);
  sa.sa_sigaction = bad_state;
  sigaction(SIGUSR1, &sa, NULL);
  IN_CHILD("nonsense in the extended state", for (int i = 0; i < 10; i++) raise(SIGUSR1));
}

int main(void) {
  state();
  changes();
  unwinding("by libc's restorer", NULL);
  unwinding("by an own restorer", own_restorer);
  printf("own restorer unchanged: %d\n", memcmp(own_restorer, form, sizeof form) == 0);
  ways();
  state();
  IN_CHILD("child", state(); unwinding("in a child", NULL));
  bad_frames();
  return 0;
}
static int main_seen(void *function) { return function == (void *)main; }
