/* Requests and answers: what a trapped thread does between the guest's instruction and the sentry's answer. */
#include "stub.h"

#define FUTEX_WAIT 0

#define MXCSR_AT 24
#define MXCSR_DEFAULT 0x1f80
#define XFEATURE_PKRU 0x200ul

static inline u64 read_fs_base(void) {
  u64 base;
  __asm__ volatile("rdfsbase %0" : "=r"(base));
  return base;
}

/* Spins for as long as the sentry says it is worth it, then sleeps on the state word. */
static void wait_for_answer(struct slot *slot) {
  for (u32 spins = GLOBAL_U32(GLOBAL_SPIN); spins > 0; spins--) {
    u32 state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
    if (state == STATE_ANSWER) return;
    if (state == STATE_PARKED) break;
    __builtin_ia32_pause();
  }
  __atomic_store_n(&slot->sleeping, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    u32 state = __atomic_load_n(&slot->state, __ATOMIC_SEQ_CST);
    if (state == STATE_ANSWER) break;
    host6(NR_futex, (u64)&slot->state, FUTEX_WAIT, state, 0, 0, 0);
  }
  __atomic_store_n(&slot->sleeping, 0, __ATOMIC_SEQ_CST);
}

static void post(struct slot *slot) {
  u32 cpu;
  __asm__ volatile("rdtscp" : "=c"(cpu) : : "eax", "edx");
  slot->cpu = cpu & 0xfff;
  __atomic_store_n(&slot->state, STATE_REQUEST, __ATOMIC_SEQ_CST);
  if (GLOBAL_U32(GLOBAL_SENTRY_SLEEPS)) {
    u64 one = 1;
    host3(NR_write, DOORBELL_FD, &one, 8);
  }
}

static u32 copy_out(struct slot *slot) {
  u32 count = slot->copyout_count;
  u32 bad = 0;
  if (count > COPYOUT_MAX) count = COPYOUT_MAX;
  for (u32 i = 0; i < count; i++) {
    struct span *span = &slot->copyouts[i];
    u32 length = span->length;
    if (span->offset > SLOT_DATA_SIZE || length > SLOT_DATA_SIZE - span->offset) continue;
    if (stub_copy((void *)span->addr, slot->data + span->offset, length)) bad = 1;
  }
  slot->copyout_count = 0;
  return bad;
}

/* The extended state goes to a signal frame on the guest's stack, with the marks of the kernel's own frames. */
static u32 save_fpu_at(u8 *area, void *fpu) {
  u32 size = DATA->xsave_size;
  if (fpu) return stub_copy(area, fpu, size + 4) != 0;
  u64 header[8] = {0};
  if (stub_copy(area + 512, header, 64)) return 1;
  if (stub_xsave(area)) return 1;
  u32 low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  u32 marks[12] = {0x46505853, size + 4, low & ~0x60000u, high, size};
  u32 end = 0x46505845;
  return stub_copy(area + 464, marks, 48) || stub_copy(area + size, &end, 4);
}

static void initial_fpu(struct slot *slot) {
  for (u32 i = 0; i < 576; i++) slot->data[i] = 0;
  *(u32 *)(slot->data + MXCSR_AT) = MXCSR_DEFAULT;
}

/* The guest may have written anything into its frame: only the header words that XRSTOR accepts are kept. */
static u32 restore_fpu(struct slot *slot) {
  u64 *header = (u64 *)(slot->data + 512);
  u32 size = DATA->xsave_size;
  if (slot->fpu_addr) {
    if (stub_copy(slot->data, (void *)slot->fpu_addr, size)) return 1;
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    header[0] &= ((u64)high << 32 | low) & ~0x60000ul;
  } else initial_fpu(slot);
  for (u32 i = 1; i < 8; i++) header[i] = 0;
  return stub_xrstor(slot->data, ~0ul) != 0;
}

/* A handler starts with the initial state (fpu__clear_user_states), but keeps its protection keys. */
static void reset_fpu(struct slot *slot, u8 *fpu) {
  if (fpu) {
    *(u32 *)(fpu + MXCSR_AT) = MXCSR_DEFAULT;
    *(u64 *)(fpu + 512) &= XFEATURE_PKRU;
    return;
  }
  initial_fpu(slot);
  stub_xrstor(slot->data, ~XFEATURE_PKRU);
}

/* One frame after the other: each but the first interrupts the handler before it. */
static u32 save_fpu(struct slot *slot, void *fpu) {
  u32 bad = 0;
  for (u32 i = 0; i < slot->fpu_count && i < FPU_ADDRS_MAX; i++) {
    bad |= save_fpu_at((u8 *)slot->fpu_addrs[i], fpu);
    reset_fpu(slot, fpu);
  }
  return bad;
}

u32 stub_serve(struct thread *thread, struct gregs *regs, u32 kind, void *fpu) {
  struct slot *slot = thread->slot;
  slot->regs = *regs;
  slot->fs_base = read_fs_base();
  slot->prefetch_count = 0;
  if (kind == KIND_SYSCALL || kind == KIND_SYSCALL_PATCHED) stub_prefetch(slot, regs);
  /* Once restored, the state is live and the host's frame is stale. */
  u32 restored = 0;
  for (;;) {
    slot->kind = kind;
    post(slot);
    wait_for_answer(slot);
    __atomic_store_n(&slot->state, STATE_IDLE, __ATOMIC_RELAXED);
    u32 answer = slot->answer;
    if (slot->op_count) {
      u32 failed = stub_run_ops(thread, slot, fpu);
      slot = thread->slot;
      slot->op_count = 0;
      if (failed == OP_MAX + 1) { /* the child of a fork: it reports from its own slot */
        slot->regs = *regs;
        slot->fs_base = read_fs_base();
        kind = KIND_STARTED;
        continue;
      }
      if (failed) {
        slot->failed_op = failed - 1;
        slot->copyout_count = 0;
        kind = KIND_OPS_FAILED;
        continue;
      }
    }
    u32 bad = slot->copyout_count ? copy_out(slot) : 0;
    if (answer & ANSWER_REGS) {
      *regs = slot->regs;
      __asm__ volatile("wrfsbase %0" : : "r"(slot->fs_base));
    }
    /* Both: a handler has returned, and the next one interrupts what it returned to. */
    if (answer & ANSWER_FPU_RESTORE) {
      bad |= restore_fpu(slot);
      restored = ANSWER_FPU_RESTORE;
      fpu = 0;
    }
    if (answer & ANSWER_FPU_SAVE) bad |= save_fpu(slot, fpu);
    if (answer & ANSWER_EXIT_THREAD) {
      for (;;) host3(NR_exit, 0, 0, 0);
    }
    if (answer & ANSWER_EXIT_PROCESS)
      for (;;) host3(NR_exit_group, 0, 0, 0);
    if (bad && (answer & (ANSWER_REGS | ANSWER_REPORT))) {
      slot->failed_op = OP_MAX;
      slot->failed_error = 14;
      kind = KIND_OPS_FAILED;
      continue;
    }
    if (answer & ANSWER_REPORT) {
      kind = KIND_OPS_DONE;
      continue;
    }
    if (!(answer & ANSWER_REGS)) regs->rax = bad ? (u64)-14 : (u64)slot->result;
    return answer | restored;
  }
}

/* entry.S. Returns 1 when all registers must be set, 0 when those of a system call suffice. */
u32 stub_patched_syscall(struct thread *thread, struct gregs *regs) {
  return (stub_serve(thread, regs, KIND_SYSCALL_PATCHED, 0) & ANSWER_REGS) != 0;
}

u32 stub_patched_interrupt(struct thread *thread, struct gregs *regs) {
  thread->pending = 0;
  stub_serve(thread, regs, KIND_INTERRUPT, 0);
  return 1;
}
