/* The life of a carrier: its private block, and its first steps. */
#include "stub.h"

#define ALT_STACK_OFFSET 0x2000
#define ALT_STACK_SIZE 0x8000

struct stack { u64 sp; i32 flags, gap; u64 size; };

void stub_setup_thread(struct thread *thread, u64 bed) {
  u64 block = (u64)thread;
  thread->self = block;
  thread->stack_top = block + ALT_STACK_OFFSET;
  thread->pending = 0;
  thread->slot = 0;
  thread->bed = (struct slot *)(STUB_SLOTS + bed * SLOT_SIZE);
  thread->saved = 0;
}

/* Runs on the carrier's own stack, below its register frame. Only the zygote has a guest thread from the start. */
void stub_thread_main(struct thread *thread) {
  struct stack alt = {(u64)thread + ALT_STACK_OFFSET, 0, 0, ALT_STACK_SIZE};
  struct frame *frame = (struct frame *)(thread->stack_top - sizeof(struct frame));
  u64 none = 0;
  __asm__ volatile("wrgsbase %0" : : "r"(thread));
  host3(NR_sigaltstack, &alt, 0, 0);
  if (thread->slot) frame->regs = thread->slot->regs;
  frame->continuation = frame->return_rip = NOWHERE;
  stub_serve_frame(thread, frame, thread->slot ? KIND_STARTED : 0);
  host6(NR_rt_sigprocmask, 2, (u64)&none, 0, 8, 0, 0);
  stub_leave(thread, frame);
}

struct sock_fprog { unsigned short length; u8 *filter; };

/*
 * The zygote's first steps inside the stub (zygote.c jumps here, on this thread's stack):
 * the address ranges listed in the slot's data go away, the filter is installed that
 * stands there too, and from then on this is a pristine guest process like its children.
 */
void stub_zygote_start(void) {
  struct thread *thread = (struct thread *)STUB_THREADS;
  struct zygote_setup *setup = (struct zygote_setup *)(thread->slot->data + ZYGOTE_SETUP);
  for (u64 i = 0; i < setup->range_count; i++) host3(NR_munmap, setup->ranges[i][0], setup->ranges[i][1] - setup->ranges[i][0], 0);
  struct sock_fprog program = {(unsigned short)(setup->filter_length / 8), thread->slot->data};
  i64 result = host3(NR_seccomp, 1, 0, &program);
  if (result) host3(NR_exit_group, 126, 0, 0);
  stub_thread_main(thread);
}
