/* The first bytes of the blob: where zygote.c and the sentry find its entry points. */
  .section .header,"a"
  .quad stub_on_sigsys
  .quad stub_on_interrupt
  .quad stub_on_fault
  .quad stub_restorer
  .quad stub_zygote_start
  .quad stub_patched_entry
  .section .note.GNU-stack,"",@progbits
