/* Host signal handlers: the trap itself (SIGSYS), faults of guest code, and the sentry's interrupt. */
#include "stub.h"

extern u8 stub_guarded_start[], stub_guarded_end[], stub_exit_start[], stub_exit_end[], stub_exit_redo[];

struct host_siginfo {
  i32 signal, error, code, gap;
  u64 addr;
};

struct host_ucontext {
  u64 flags, link;
  u64 stack[3];
  struct gregs regs;
  u64 segments, error, trap, old_mask, cr2;
  void *fpu;
};

static struct thread *this_thread(void) {
  u64 rsp;
  __asm__("mov %%rsp, %0" : "=r"(rsp));
  return (struct thread *)(rsp & ~(u64)(STUB_THREAD_SIZE - 1));
}

static u32 in_stub(u64 rip) {
  return rip >= STUB_BASE && rip < STUB_BASE + STUB_TEXT_SIZE;
}

static u32 in_trampoline(u64 rip) {
  u64 near = DATA->near_area;
  if (rip >= TRAMPOLINES + TRAMPOLINE_TABLE_SIZE && rip < TRAMPOLINES + TRAMPOLINES_SIZE) return 1;
  return near && rip >= near && rip < near + TRAMPOLINES_SIZE;
}

/* To where the guest would be without its trampoline. 0: it is on the way into the stub. */
static u32 leave_trampoline(struct gregs *regs) {
  u64 offset = regs->rip & (TRAMPOLINE_STRIDE - 1), start = regs->rip - offset;
  if (offset < TRAMPOLINE_MOVED) return 0;
  if (offset == TRAMPOLINE_MOVED) regs->rip = *(u64 *)(start + TRAMPOLINE_RETURN);
  else regs->rip = regs->rip + 5 + (u64)(i64) * (i32 *)(regs->rip + 1);
  return 1;
}

/* After an FPU restore the host's own frame must not be used: leave by another way, with signals unblocked. */
static void serve(struct thread *thread, struct gregs *regs, u32 kind, void *fpu) {
  thread->slot->return_rip = thread->slot->continuation = NOWHERE;
  u32 answer = stub_serve(thread, regs, kind, fpu);
  /* Another guest thread may run from here on. */
  struct slot *slot = thread->slot;
  if (regs->rip == slot->return_rip) regs->rip = slot->continuation;
  if (!(answer & ANSWER_FPU_RESTORE)) return;
  struct frame *frame = (struct frame *)(thread->stack_top - sizeof(struct frame));
  frame->regs = *regs;
  frame->return_rip = slot->return_rip;
  frame->continuation = slot->continuation;
  u64 none = 0;
  thread->frame = (u64)frame;
  host6(NR_rt_sigprocmask, 2, (u64)&none, 0, 8, 0, 0);
  stub_leave(thread, frame);
}

void stub_on_sigsys(i32 signal, struct host_siginfo *info, struct host_ucontext *context) {
  struct thread *thread = this_thread();
  (void)signal;
  (void)info;
  serve(thread, &context->regs, KIND_SYSCALL, context->fpu);
}

void stub_on_interrupt(i32 signal, struct host_siginfo *info, struct host_ucontext *context) {
  struct thread *thread = this_thread();
  u64 rip = context->regs.rip;
  (void)signal;
  (void)info;
  if (rip >= (u64)stub_exit_start && rip < (u64)stub_exit_end) {
    context->regs.rip = (u64)stub_exit_redo;
    context->regs.rsp = thread->frame;
    return;
  }
  if (in_stub(rip) || (in_trampoline(rip) && !leave_trampoline(&context->regs))) {
    thread->pending = 1;
    return;
  }
  serve(thread, &context->regs, KIND_INTERRUPT, context->fpu);
}

static u32 is_old_call(const u8 *bytes) {
  return bytes[0] == 0xff && bytes[1] == 0x24 && bytes[2] == 0x25 && bytes[5] == NO_OPCODE && bytes[6] == 0;
}

/* What a site begins with, before and after: instructions that every processor has. */
static u32 is_site(const u8 *bytes) {
  u32 is_mov = bytes[0] == 0xb8 || (bytes[0] == 0x48 && bytes[1] == 0xc7 && bytes[2] == 0xc0);
  return is_mov || bytes[0] == 0xe9 || is_old_call(bytes) || (bytes[0] == 0x0f && bytes[1] == 0x05);
}

/*
 * No instruction at rip: OTHER_BYTES when a site is or was just being changed there, and the guest is to
 * look again; OLD_CALL when somebody jumped to the `syscall` of a patched site, which is a 06 now.
 */
enum { NO_SITE, OTHER_BYTES, OLD_CALL };

static u32 site_at(u64 rip) {
  u8 here[7] = {0}, before[7];
  u64 patching = __atomic_load_n(&DATA->patching, __ATOMIC_SEQ_CST);
  if (patching && rip - patching < 7) return OTHER_BYTES;
  stub_copy(here, (const void *)rip, 7);
  if (is_site(here)) return OTHER_BYTES;
  return !stub_copy(before, (const void *)(rip - 5), 7) && is_old_call(before) ? OLD_CALL : NO_SITE;
}

void stub_on_fault(i32 signal, struct host_siginfo *info, struct host_ucontext *context) {
  struct thread *thread = this_thread();
  struct gregs *regs = &context->regs;
  if (regs->rip >= (u64)stub_guarded_start && regs->rip < (u64)stub_guarded_end) {
    regs->rip = regs->r11;
    return;
  }
  u32 site = signal == 4 ? site_at(regs->rip) : NO_SITE;
  if (site == OTHER_BYTES) return;
  if (site == OLD_CALL) {
    regs->rip += 2;
    serve(thread, regs, KIND_SYSCALL, context->fpu);
    return;
  }
  if (in_trampoline(regs->rip)) leave_trampoline(regs);
  struct slot *slot = thread->slot;
  slot->fault_signal = (u32)signal;
  slot->fault_code = (u32)info->code;
  slot->fault_addr = signal == 5 ? regs->rip : info->addr;
  slot->fault_trap = (u32)context->trap;
  slot->fault_error = (u32)context->error;
  serve(thread, regs, KIND_FAULT, context->fpu);
}
