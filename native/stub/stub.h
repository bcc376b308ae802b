/* Types of the stub. Everything here runs in the guest process and is not trusted by the sentry. */
#ifndef MOAT_STUB_H
#define MOAT_STUB_H

#include "layout.h"

typedef unsigned char u8;
typedef unsigned int u32;
typedef int i32;
typedef unsigned long u64;
typedef long i64;

/* The first 18 words of struct sigcontext: a signal frame's registers can be used in place. */
struct gregs {
  u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
};

/* What entry.S builds and leaves by. */
struct frame {
  struct gregs regs;
  /* Where the guest goes on after a patched call, and the address that it thinks it does; elsewhere NOWHERE. */
  u64 continuation, return_rip;
};
#define NOWHERE (~0ul)

struct op {
  u32 nr, unused;
  u64 args[6];
  i64 result;
};

struct span {
  u64 addr;
  u32 length, offset;
};

struct slot {
  u32 state, kind, number, prefetch_count;
  u64 arguments[4];
  struct span prefetch[PREFETCH_MAX];
  u64 late_arguments[2];
  u32 sleeping, cpu, tid, alive;
  u64 nonce[4];
  u64 fpu_addr;
  u32 fpu_count, gap0;
  u32 fault_signal, fault_code;
  u64 fault_addr;
  u32 fault_trap, fault_error, failed_op, failed_error;
  u32 copied, fetched, wakes, saved;
  /* As in struct frame, of the guest thread's call, for whichever carrier goes on with it. */
  u64 return_rip, continuation;
  struct gregs regs;
  u64 fs_base, gs_base;
  u64 fpu_addrs[FPU_ADDRS_MAX];
  u8 gap1[SLOT_TAKEN - SLOT_FPU_ADDRS - FPU_ADDRS_MAX * 8];
  u32 taken, turn;
  u8 gap2[SLOT_OPS - SLOT_TAKEN - 8];
  struct op ops[OP_MAX];
  u32 command, answer;
  i64 result;
  u32 op_count, copyout_count, ready, gap3;
  struct span copyouts[COPYOUT_MAX];
  u8 gap4[SLOT_DATA - SLOT_COPYOUTS - COPYOUT_MAX * sizeof(struct span)];
  u8 data[SLOT_DATA_SIZE];
  u8 fpu[SLOT_FPU_SIZE];
};

/* One carrier: at the start of its block, found by masking rsp, or through GS on the patched path. */
struct thread {
  u64 self;
  u64 stack_top;    /* gs:8, loaded by trampolines */
  u64 guest_rsp;    /* gs:16 */
  u64 frame;        /* gs:24, the register frame of the patched path */
  u64 return_rip;   /* gs:32 */
  u64 pending;      /* gs:40, an interrupt came while the stub was busy */
  struct slot *slot;   /* of the guest thread in the frame; 0: none */
  struct slot *bed;
  u64 saved;           /* the frame's state stands in its slot, too */
};

/* One page private to the process, inherited by fork. */
struct stub_data {
  i32 control_fd;
  i32 fds[FD_TABLE_SIZE];
  /* The last list of operations that waited for its turn and is done. */
  u32 turn;
  u32 xsave_size, has_xsave;
  /* The call site that is being changed. */
  u64 patching;
  /* Trampolines near the libraries; 0: none yet. */
  u64 near_area;
};

/* Left by zygote.c in the data area of the first slot; the sentry reads the facts from there. */
struct zygote_setup {
  u64 filter_length;
  u64 vdso_ehdr, vdso_start, vdso_end, vvar_start;
  u64 hwcap, hwcap2, xsave_size, min_signal_stack;
  u64 patched_entry;
  u64 range_count;
  u64 ranges[8][2];
};

/* No instruction of 64-bit code. */
#define NO_OPCODE 0x06

#define DATA ((struct stub_data *)STUB_DATA)
#define GLOBAL_U32(offset) (*(volatile u32 *)(STUB_GLOBAL + (offset)))

_Static_assert(__builtin_offsetof(struct slot, state) == SLOT_STATE, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, kind) == SLOT_KIND, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, number) == SLOT_NUMBER, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, prefetch_count) == SLOT_PREFETCH_COUNT, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, arguments) == SLOT_ARGUMENTS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, prefetch) == SLOT_PREFETCH, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, late_arguments) == SLOT_LATE_ARGUMENTS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, sleeping) == SLOT_SLEEPING, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, cpu) == SLOT_CPU, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, tid) == SLOT_TID, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, alive) == SLOT_ALIVE, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, nonce) == SLOT_NONCE, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fpu_addr) == SLOT_FPU_ADDR, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fpu_count) == SLOT_FPU_COUNT, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fault_addr) == SLOT_FAULT_ADDR, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, failed_op) == SLOT_FAILED_OP, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, copied) == SLOT_COPIED, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fetched) == SLOT_FETCHED, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, wakes) == SLOT_WAKES, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, saved) == SLOT_SAVED, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, return_rip) == SLOT_RETURN_RIP, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, regs) == SLOT_REGS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fs_base) == SLOT_FS_BASE, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, gs_base) == SLOT_GS_BASE, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fpu_addrs) == SLOT_FPU_ADDRS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, taken) == SLOT_TAKEN, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, turn) == SLOT_TURN, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, ops) == SLOT_OPS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, command) == SLOT_COMMAND, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, answer) == SLOT_ANSWER, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, result) == SLOT_RESULT, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, op_count) == SLOT_OP_COUNT, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, copyout_count) == SLOT_COPYOUT_COUNT, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, ready) == SLOT_READY, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, copyouts) == SLOT_COPYOUTS, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, data) == SLOT_DATA, "slot layout");
_Static_assert(__builtin_offsetof(struct slot, fpu) == SLOT_FPU, "slot layout");
_Static_assert(sizeof(struct slot) == SLOT_SIZE, "slot layout");
_Static_assert(sizeof(struct op) == OP_SIZE, "slot layout");

static inline i64 host6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  i64 result;
  register u64 r10 __asm__("r10") = d;
  register u64 r8 __asm__("r8") = e;
  register u64 r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
  return result;
}
#define host3(nr, a, b, c) host6(nr, (u64)(a), (u64)(b), (u64)(c), 0, 0, 0)

enum {
  NR_write = 1, NR_close = 3, NR_mmap = 9, NR_mprotect = 10, NR_munmap = 11, NR_rt_sigprocmask = 14, NR_rt_sigreturn = 15, NR_pread64 = 17, NR_madvise = 28, NR_recvmsg = 47,
  NR_clone = 56, NR_vfork = 58, NR_exit = 60, NR_sigaltstack = 131, NR_futex = 202, NR_exit_group = 231, NR_seccomp = 317,
  NR_clone3 = 435,
};

/* copy.S: bytes left undone after a fault (0: all copied). */
u64 stub_copy(void *to, const void *from, u64 length);
u64 stub_clear(void *to, u64 length);
/* copy.S: bytes of the string without NUL, -1 after a fault, or `max` when there is no NUL. */
i64 stub_copy_string(void *to, const void *from, u64 max);
/* copy.S: 0, or 1 after a fault. */
u64 stub_xsave(void *area);
u64 stub_xrstor(const void *area, u64 components);

/* entry.S: leaves the stub for good with the registers of `frame` (by iretq). */
__attribute__((noreturn)) void stub_leave(struct thread *thread, struct frame *frame);
/* entry.S: clones a host thread that starts in stub_thread_main(thread). */
i64 stub_clone_thread(u64 flags, u64 stack, u64 ptid, u64 ctid, struct thread *thread);

/* serve.c: posts a request of `kind` (0: none, waits for a guest thread to run), obeys answers until one resumes. Returns the answer. `fpu` is the signal frame's FPU area or null. */
u32 stub_serve(struct thread *thread, struct gregs *regs, u32 kind, void *fpu);
/* The same for registers in a frame of entry.S. */
u32 stub_serve_frame(struct thread *thread, struct frame *frame, u32 kind);
/* ops.c: the index of the failed operation + 1, or 0. */
u32 stub_run_ops(struct thread *thread, struct slot *slot, void *fpu);
void stub_thread_main(struct thread *thread);
void stub_setup_thread(struct thread *thread, u64 bed);
/* fpu.c: `fpu` is a signal frame's area, null: the registers hold the state. */
u32 stub_fpu_to_frames(struct slot *slot, void *fpu);
u32 stub_fpu_from_frame(struct slot *slot);
void stub_fpu_save(struct slot *slot, void *fpu);
void stub_fpu_load(struct slot *slot, void *fpu);
/* The state that a program starts with; the slot's area is used for it. */
void stub_fpu_start(struct slot *slot, void *fpu);
/* prefetch.c: what is fetched, as it is to stand in the request. */
struct prefetched {
  u32 count;
  struct span first;
};
struct prefetched stub_prefetch(struct slot *slot, const struct gregs *regs);
/* The rest of a prefetch that was put off until the request is posted. */
void stub_fetch_late(struct thread *thread);
/* ring.c: takes what is ready of the first copy-out; how much that was. */
u32 stub_copy_ready(struct slot *slot);
/* All copy-outs. 1: some memory was bad. */
u32 stub_copy_out(struct slot *slot);
#endif
