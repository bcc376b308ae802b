/*
 * Copies between guest memory and the slot that survive faults: the SIGSEGV handler
 * (signals.c) moves rip from [stub_guarded_start, stub_guarded_end) to the fixup that
 * stands in r11 (caller-saved, not used by the copies).
 */
  .text
  .globl stub_guarded_start, stub_guarded_end
stub_guarded_start:

  .globl stub_copy
stub_copy: /* rdi to, rsi from, rdx length */
  mov %rdx, %rcx
  lea 1f(%rip), %r11
  rep movsb
1:
  mov %rcx, %rax
  ret

  .globl stub_clear
stub_clear: /* rdi to, rsi length */
  mov %rsi, %rcx
  xor %eax, %eax
  lea 1f(%rip), %r11
  rep stosb
1:
  mov %rcx, %rax
  ret

  .globl stub_copy_string
stub_copy_string: /* rdi to, rsi from, rdx max */
  lea 3f(%rip), %r11
  xor %eax, %eax
1:
  cmp %rdx, %rax
  je 2f
  mov (%rsi,%rax), %cl
  mov %cl, (%rdi,%rax)
  test %cl, %cl
  je 2f
  inc %rax
  jmp 1b
2:
  ret
3:
  mov $-1, %rax
  ret

  .globl stub_xsave
stub_xsave:
  lea 1f(%rip), %r11
  mov $-1, %eax
  mov $-1, %edx
  xsave64 (%rdi)
  xor %eax, %eax
  ret
1:
  mov $1, %eax
  ret

  .globl stub_xrstor
stub_xrstor: /* rdi area, rsi components */
  lea 1f(%rip), %r11
  mov %rsi, %rax
  mov %rsi, %rdx
  shr $32, %rdx
  xrstor64 (%rdi)
  xor %eax, %eax
  ret
1:
  mov $1, %eax
  ret

stub_guarded_end:
  .section .note.GNU-stack,"",@progbits
