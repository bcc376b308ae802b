/* Requests and answers: what a trapped thread does between the guest's instruction and the sentry's answer. */
#include "stub.h"

#define FUTEX_WAIT 0
/* Pauses of a carrier without a guest thread: about 4 µs. */
#define IDLE_SPINS 150

static inline u64 read_fs_base(void) {
  u64 base;
  __asm__ volatile("rdfsbase %0" : "=r"(base));
  return base;
}

/* What the guest has set; trampolines need it to be the carrier's block, which counts as 0. */
static inline u64 read_gs_base(struct thread *thread) {
  u64 base;
  __asm__ volatile("rdgsbase %0" : "=r"(base));
  return base == (u64)thread ? 0 : base;
}

static inline void set_bases(struct thread *thread, struct slot *slot) {
  __asm__ volatile("wrfsbase %0" : : "r"(slot->fs_base));
  __asm__ volatile("wrgsbase %0" : : "r"(slot->gs_base ? slot->gs_base : (u64)thread));
}

static void save(struct thread *thread, void *fpu) {
  struct slot *slot = thread->slot;
  if (!slot || thread->saved) return;
  stub_fpu_save(slot, fpu);
  thread->saved = 1;
  __atomic_store_n(&slot->saved, 1, __ATOMIC_SEQ_CST);
}

/* Spins for as long as the sentry says it is worth it, then sleeps on the command word. */
static u32 wait_for_command(struct thread *thread, void *fpu) {
  struct slot *bed = thread->bed;
  u32 spins = GLOBAL_U32(GLOBAL_SPIN);
  u32 command = 0;
  if (!thread->slot && spins > IDLE_SPINS) spins = IDLE_SPINS;
  for (; spins > 0; spins--) {
    command = __atomic_load_n(&bed->command, __ATOMIC_ACQUIRE);
    if (command) break;
    if (thread->slot && stub_copy_ready(thread->slot)) spins++;
    __builtin_ia32_pause();
  }
  if (command == 0 || command & COMMAND_PARK) {
    if (command != COMMAND_PARK) save(thread, fpu);
    __atomic_store_n(&bed->sleeping, 1, __ATOMIC_SEQ_CST);
    for (;;) {
      command = __atomic_load_n(&bed->command, __ATOMIC_SEQ_CST);
      if (command & COMMAND_SAVE) save(thread, fpu);
      if (command && !(command & COMMAND_PARK)) break;
      host6(NR_futex, (u64)&bed->command, FUTEX_WAIT, command, 0, 0, 0);
    }
    __atomic_store_n(&bed->sleeping, 0, __ATOMIC_SEQ_CST);
  }
  /*
   * While an answer is carried out no other command comes, so the way to the guest need not wait until the sentry's CPU has lost the
   * line: it has when the next request is posted.
   */
  if (command > COMMAND_THREAD) return __atomic_exchange_n(&bed->command, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&bed->command, 0, __ATOMIC_RELEASE);
  return command;
}

/* Obeys a command: afterwards thread->slot is the guest thread whose answer is to be carried out, 0 when there is none. Returns the bits to add to its answer. */
static u32 obey(struct thread *thread, u32 command, struct gregs *regs, void *fpu) {
  u32 number = command & COMMAND_THREAD;
  if (command & COMMAND_EXIT)
    for (;;) host3(NR_exit_group, 0, 0, 0);
  if (command & COMMAND_QUIT)
    for (;;) host3(NR_exit, 0, 0, 0);
  if (command & COMMAND_DROP) thread->slot = 0;
  if (!number) return 0;
  struct slot *slot = (struct slot *)(STUB_SLOTS + (u64)(number - 1) * SLOT_SIZE);
  if (!(command & COMMAND_LOAD)) return 0;
  save(thread, fpu);
  thread->slot = slot;
  thread->saved = 0;
  *regs = slot->regs;
  set_bases(thread, slot);
  stub_fpu_load(slot, fpu);
  return ANSWER_REGS;
}

static void post(struct thread *thread, u32 kind) {
  struct slot *slot = thread->slot;
  u32 cpu;
  if (slot->saved) slot->saved = 0;
  slot->kind = kind;
  __atomic_store_n(&slot->state, slot->state + 1, __ATOMIC_SEQ_CST);
  __asm__ volatile("rdtscp" : "=c"(cpu) : : "eax", "edx");
  if (thread->bed->cpu != (cpu & 0xfff)) thread->bed->cpu = cpu & 0xfff;
  if (GLOBAL_U32(GLOBAL_SENTRY_SLEEPS)) {
    u64 one = 1;
    host3(NR_write, DOORBELL_FD, &one, 8);
  }
}

/* The frame's registers go to the slot: a new request. The child of a clone gets a copy of the FPU state, too. */
static void begin(struct thread *thread, const struct gregs *regs, u32 kind, void *fpu) {
  struct slot *slot = thread->slot;
  slot->regs = *regs;
  slot->fs_base = read_fs_base();
  slot->gs_base = kind == KIND_SYSCALL_PATCHED ? 0 : read_gs_base(thread);
  slot->fetched = FETCHED_ALL;
  slot->copied = 0;
  if (slot->ready) slot->ready = 0;
  if (slot->taken) slot->taken = 0;
  if (kind != KIND_SYSCALL && kind != KIND_SYSCALL_PATCHED) {
    slot->prefetch_count = 0;
    return;
  }
  u64 nr = regs->rax;
  if (nr == NR_clone || nr == NR_vfork || nr == NR_clone3) stub_fpu_save(slot, fpu);
  struct prefetched prefetched = stub_prefetch(slot, regs);
  slot->late_arguments[0] = regs->r8;
  slot->late_arguments[1] = regs->r9;
  /* From here on all goes to the line that the sentry polls. */
  slot->prefetch[0] = prefetched.first;
  slot->prefetch_count = prefetched.count;
  slot->number = (u32)nr;
  slot->arguments[0] = regs->rdi;
  slot->arguments[1] = regs->rsi;
  slot->arguments[2] = regs->rdx;
  slot->arguments[3] = regs->r10;
}

u32 stub_serve(struct thread *thread, struct gregs *regs, u32 kind, void *fpu) {
  if (kind) begin(thread, regs, kind, fpu);
  /* Once restored, the state is live and the host's frame is stale. */
  u32 restored = 0;
  /* Stays set over operations and reports: the thread may have no way back but all of its registers. */
  u32 loaded = 0;
  u64 return_rip = NOWHERE, continuation = NOWHERE;
  for (;;) {
    if (kind) {
      thread->saved = 0;
      post(thread, kind);
      if (thread->slot->fetched == 0) stub_fetch_late(thread);
    }
    loaded |= obey(thread, wait_for_command(thread, fpu), regs, fpu);
    struct slot *slot = thread->slot;
    kind = 0;
    if (!slot) continue;
    u32 answer = slot->answer;
    return_rip = slot->return_rip;
    continuation = slot->continuation;
    if (slot->op_count) {
      u32 failed = stub_run_ops(thread, slot, fpu);
      slot->op_count = 0;
      if (failed == OP_MAX + 1) { /* the child of a fork: it reports from its own slot */
        thread->slot->return_rip = return_rip;
        thread->slot->continuation = continuation;
        begin(thread, regs, KIND_STARTED, fpu);
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
    u32 bad = slot->copyout_count ? stub_copy_out(slot) : 0;
    if (answer & ANSWER_REGS) {
      *regs = slot->regs;
      set_bases(thread, slot);
    }
    /* Both: a handler has returned, and the next one interrupts what it returned to. */
    if (answer & ANSWER_FPU_RESTORE) {
      bad |= stub_fpu_from_frame(slot);
      restored = ANSWER_FPU_RESTORE;
      fpu = 0;
    }
    if (answer & ANSWER_FPU_SAVE) bad |= stub_fpu_to_frames(slot, fpu);
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
    return answer | loaded | restored;
  }
}

u32 stub_serve_frame(struct thread *thread, struct frame *frame, u32 kind) {
  if (thread->slot) {
    thread->slot->return_rip = frame->return_rip;
    thread->slot->continuation = frame->continuation;
  }
  u32 answer = stub_serve(thread, &frame->regs, kind, 0);
  /* Another guest thread may run from here on. */
  frame->return_rip = thread->slot->return_rip;
  frame->continuation = thread->slot->continuation;
  if (answer & ANSWER_REGS && frame->regs.rip == frame->return_rip) frame->regs.rip = frame->continuation;
  return answer;
}

/* entry.S. Returns 1 when all registers must be set, 0 when those of a system call suffice. */
u32 stub_patched_syscall(struct thread *thread, struct frame *frame) {
  return (stub_serve_frame(thread, frame, KIND_SYSCALL_PATCHED) & ANSWER_REGS) != 0;
}

u32 stub_patched_interrupt(struct thread *thread, struct frame *frame) {
  thread->pending = 0;
  if (frame->regs.rip == frame->continuation) frame->regs.rip = frame->return_rip;
  stub_serve_frame(thread, frame, KIND_INTERRUPT);
  return 1;
}
