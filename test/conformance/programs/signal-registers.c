/* A handler that destroys every register, vector and x87 state changes nothing for the code it interrupts. */
#include "../check.h"
#include <ucontext.h>

static volatile long count;
static unsigned handler_csr;
static unsigned short handler_cw;
static void clobber(int s) {
  (void)s;
  if (count == 0 || handler_csr == 0x1f80) __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(handler_csr), "=m"(handler_cw));
  count++;
  __asm__ volatile(
      "fninit\n fldz\n fldz\n fldz\n fldz\n"
      "pcmpeqb %%xmm0,%%xmm0\n movaps %%xmm0,%%xmm1\n movaps %%xmm0,%%xmm2\n movaps %%xmm0,%%xmm3\n movaps %%xmm0,%%xmm4\n"
      "movaps %%xmm0,%%xmm5\n movaps %%xmm0,%%xmm6\n movaps %%xmm0,%%xmm7\n movaps %%xmm0,%%xmm8\n movaps %%xmm0,%%xmm15\n"
      "mov $-1,%%rax\n mov %%rax,%%rcx\n mov %%rax,%%rdx\n mov %%rax,%%rsi\n mov %%rax,%%rdi\n mov %%rax,%%r8\n mov %%rax,%%r9\n"
      "mov %%rax,%%r10\n mov %%rax,%%r11\n mov %%rax,%%r12\n mov %%rax,%%r13\n mov %%rax,%%r14\n mov %%rax,%%r15\n mov %%rax,%%rbx\n std\n cld\n"
      "movl $0x9f80, -4(%%rsp)\n ldmxcsr -4(%%rsp)\n emms\n"
      ::: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
      "xmm5", "xmm6", "xmm7", "xmm8", "xmm15", "memory", "cc");
  if (__builtin_cpu_supports("avx")) __asm__ volatile("vpcmpeqb %%xmm9,%%xmm9,%%xmm9\n vzeroall" ::: "xmm9", "memory");
}

struct state {
  uint64_t r[16];
  unsigned char xmm[16][16], ymm[16][32];
  double st;
  unsigned mxcsr;
  unsigned short cw;
  uint64_t flags;
};
static struct state before, after;

/* Loads everything, makes `call` (or spins when it is 0), stores everything. */
__attribute__((noinline)) static long around(long call, long a, long b, volatile long *until, long goal) {
  long result;
  register long r8 __asm__("r8") = 0x0808080808080808, r9 __asm__("r9") = 0x0909090909090909, r10 __asm__("r10") = 0x1010101010101010;
  register long r12 __asm__("r12") = 0x1212121212121212, r13 __asm__("r13") = 0x1313131313131313;
  register long r14 __asm__("r14") = 0x1414141414141414, r15 __asm__("r15") = 0x1515151515151515, rbx __asm__("rbx") = 0x0b0b0b0b0b0b0b0b;
  long rdx = 0x0d0d0d0d0d0d0d0d, rdi = a, rsi = b, rax = call;
  double st = 0;
  if (call)
    __asm__ volatile("syscall" : "+a"(rax), "+d"(rdx), "+D"(rdi), "+S"(rsi), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13), "+r"(r14),
                     "+r"(r15), "+r"(rbx)::"rcx", "r11", "memory");
  else
    __asm__ volatile("fld1\n fldpi\n faddp\n 1: cmp %[goal], %[until]\n jl 1b\n fstpl %[st]"
                     : "+d"(rdx), "+D"(rdi), "+S"(rsi), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15), "+r"(rbx), [st] "=m"(st)
                     : [goal] "r"(goal), [until] "m"(*until)
                     : "memory", "cc");
  after.st = st;
  uint64_t all[] = {rdx, rdi, rsi, r8, r9, r10, r12, r13, r14, r15, rbx};
  memcpy(after.r, all, sizeof all);
  result = rax;
  return result;
}
static int same(long a, long b) {
  uint64_t all[] = {0x0d0d0d0d0d0d0d0d, a, b, 0x0808080808080808, 0x0909090909090909, 0x1010101010101010, 0x1212121212121212,
                    0x1313131313131313, 0x1414141414141414, 0x1515151515151515, 0x0b0b0b0b0b0b0b0b};
  return !memcmp(after.r, all, sizeof all);
}

static int vectors(volatile long *until, long goal, long call) {
  unsigned char in[16][32], out[16][32];
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 32; j++) in[i][j] = i * 37 + j * 5 + 1;
  memset(out, 0, sizeof out);
  int avx = __builtin_cpu_supports("avx");
#define L(n) "vmovdqu " #n "*32(%[in]), %%ymm" #n "\n"
#define S(n) "vmovdqu %%ymm" #n ", " #n "*32(%[out])\n"
#define SL(n) "movdqu " #n "*32(%[in]), %%xmm" #n "\n"
#define SS(n) "movdqu %%xmm" #n ", " #n "*32(%[out])\n"
#define ALL(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define WAIT "test %%rax,%%rax\n jz 1f\n syscall\n jmp 2f\n 1: cmp %[goal], (%[until])\n jl 1b\n 2:\n"
  if (avx)
    __asm__ volatile(ALL(L) WAIT ALL(S) "vzeroupper\n" : "+a"(call) : [in] "r"(in), [out] "r"(out), [until] "r"(until), [goal] "r"(goal)
                     : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  else
    __asm__ volatile(ALL(SL) WAIT ALL(SS) : "+a"(call) : [in] "r"(in), [out] "r"(out), [until] "r"(until), [goal] "r"(goal)
                     : "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                       "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  for (int i = 0; i < 16; i++)
    if (memcmp(in[i], out[i], avx ? 32 : 16)) return 0;
  return 1;
}

int main(void) {
  struct sigaction sa = {.sa_handler = clobber, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, NULL);
  (void)before;
  int bad = 0;
  for (int i = 0; i < 100000; i++) {
    long r = around(SYS_getppid, 0x1111, 0x2222, NULL, 0);
    if (r <= 0 || !same(0x1111, 0x2222)) bad++;
  }
  printf("registers over getppid: %d bad\n", bad);
  bad = 0;
  for (int i = 0; i < 30000; i++)
    if (!vectors(&count, 0, SYS_getppid)) bad++;
  printf("vectors over getppid: %d bad\n", bad);
  bad = 0;
  for (int i = 0; i < 20000; i++) {
    long r = around(999, 5, 6, NULL, 0);
    if (r != -ENOSYS || !same(5, 6)) bad++;
  }
  printf("registers over an unknown call: %d bad\n", bad);
  struct itimerval every = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &every, NULL);
  bad = 0;
  for (int i = 0; i < 50; i++) {
    around(0, 3, 4, &count, count + 3);
    if (!same(3, 4) || after.st < 4.14 || after.st > 4.15) bad++;
  }
  printf("registers and x87 over signals: %d bad\n", bad);
  bad = 0;
  for (int i = 0; i < 50; i++)
    if (!vectors(&count, count + 3, 0)) bad++;
  printf("vectors over signals: %d bad\n", bad);
  bad = 0;
  unsigned csr = 0x1f80 | 0x2000, seen;
  unsigned short cw = 0x27f, now;
  __asm__ volatile("ldmxcsr %0\n fldcw %1" ::"m"(csr), "m"(cw));
  long goal = count + 20;
  while (count < goal) {
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(seen), "=m"(now));
    if ((seen & ~0x3fu) != csr || now != cw) bad++;
  }
  printf("control words over signals: %d bad\n", bad);
  printf("in the handler: mxcsr %x cw %x\n", handler_csr, handler_cw);
  csr = 0x1f80;
  cw = 0x37f;
  __asm__ volatile("ldmxcsr %0\n fldcw %1" ::"m"(csr), "m"(cw));
  bad = 0;
  for (int i = 0; i < 100000; i++) {
    long r = around(SYS_getppid, 0x1111, 0x2222, NULL, 0);
    if (r <= 0 || !same(0x1111, 0x2222)) bad++;
  }
  printf("registers over getppid with signals: %d bad\n", bad);
  every.it_value.tv_usec = every.it_interval.tv_usec = 0;
  setitimer(ITIMER_REAL, &every, NULL);
  return 0;
}
