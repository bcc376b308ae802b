/*
 * The ways into and out of the stub without a signal.
 *
 * stub_patched_entry: a trampoline jumps here with
 *   rsp = the thread's stub stack top, gs:16 = guest rsp, eax = number, r11 = the address behind the
 *   call, rcx = where the guest goes on (there, or at what was moved into the trampoline);
 *   all other registers are the guest's.
 * Register contract: as for `syscall`, rcx and r11 are lost, all others are kept.
 *
 * The window [stub_exit_start, stub_exit_end) is restartable: until its last instruction the
 * frame is intact, so an interrupt that lands in it goes to stub_exit_redo instead, with rsp at
 * the frame. GS is the guest's own on all ways but those from and to a trampoline.
 */
#define FRAME_SIZE 160
#define THREAD_MASK -0x10000

  .text
  .globl stub_patched_entry
stub_patched_entry:
  sub $(FRAME_SIZE + 0), %rsp
  mov %rcx, 144(%rsp)
  mov %r11, 152(%rsp)
  mov %r8, 0(%rsp)
  mov %r9, 8(%rsp)
  mov %r10, 16(%rsp)
  mov %r12, 32(%rsp)
  mov %r13, 40(%rsp)
  mov %r14, 48(%rsp)
  mov %r15, 56(%rsp)
  mov %rdi, 64(%rsp)
  mov %rsi, 72(%rsp)
  mov %rbp, 80(%rsp)
  mov %rbx, 88(%rsp)
  mov %rdx, 96(%rsp)
  mov %rax, 104(%rsp)
  mov %r11, 112(%rsp)
  mov %r11, 128(%rsp)
  mov %gs:16, %rcx
  mov %rcx, 120(%rsp)
  pushf
  pop %rcx
  mov %rcx, 136(%rsp)
  mov %rcx, 24(%rsp)
  cld
  mov %rsp, %gs:24
  mov %gs:0, %rdi
  mov %rsp, %rsi
  call stub_patched_syscall
  jmp stub_exit_start

  .globl stub_exit_redo
stub_exit_redo:
  cld
  mov %rsp, %rdi
  and $THREAD_MASK, %rdi
  mov %rsp, %rsi
  call stub_patched_interrupt

  /* eax: 0 leave by jump, else all registers by iretq */
  .globl stub_exit_start, stub_exit_end
stub_exit_start:
  mov %rsp, %rcx
  and $THREAD_MASK, %rcx
  cmpq $0, 40(%rcx)
  jne stub_exit_redo
  test %eax, %eax
  jne 1f
  mov 144(%rsp), %rcx
  mov %rcx, %gs:32
  mov 0(%rsp), %r8
  mov 8(%rsp), %r9
  mov 16(%rsp), %r10
  mov 32(%rsp), %r12
  mov 40(%rsp), %r13
  mov 48(%rsp), %r14
  mov 56(%rsp), %r15
  mov 64(%rsp), %rdi
  mov 72(%rsp), %rsi
  mov 80(%rsp), %rbp
  mov 88(%rsp), %rbx
  mov 96(%rsp), %rdx
  mov 104(%rsp), %rax
  mov 128(%rsp), %rcx
  mov 136(%rsp), %r11
  mov 120(%rsp), %rsp
  jmp *%gs:32
1:
  pushq $0x2b
  pushq 128(%rsp)
  pushq 152(%rsp)
  pushq $0x33
  pushq 160(%rsp)
  mov 40+0(%rsp), %r8
  mov 40+8(%rsp), %r9
  mov 40+16(%rsp), %r10
  mov 40+24(%rsp), %r11
  mov 40+32(%rsp), %r12
  mov 40+40(%rsp), %r13
  mov 40+48(%rsp), %r14
  mov 40+56(%rsp), %r15
  mov 40+64(%rsp), %rdi
  mov 40+72(%rsp), %rsi
  mov 40+80(%rsp), %rbp
  mov 40+88(%rsp), %rbx
  mov 40+96(%rsp), %rdx
  mov 40+104(%rsp), %rax
  mov 40+112(%rsp), %rcx
  iretq
stub_exit_end:

  .globl stub_leave
stub_leave: /* rdi thread, rsi frame: both on this thread's stub stack */
  mov %rsi, 24(%rdi)
  mov %rsi, %rsp
  mov $1, %eax
  jmp stub_exit_start

  .globl stub_clone_thread
stub_clone_thread: /* rdi flags, rsi stack, rdx ptid, rcx ctid, r8 thread */
  mov %rcx, %r10
  mov %r8, %r9
  xor %r8d, %r8d
  mov $56, %eax
  syscall
  test %rax, %rax
  je 1f
  ret
1:
  xor %ebp, %ebp
  mov %r9, %rdi
  and $-16, %rsp
  call stub_thread_main
  hlt

  /* Signal restorer: the only way a handler returns. */
  .globl stub_restorer
stub_restorer:
  mov $15, %eax
  syscall
  hlt
  .section .note.GNU-stack,"",@progbits
