/*
 * The shared picture of memory between the sentry and the stub. sentry/platform/systrap/layout.ts
 * says the same in TypeScript; a unit test compares the two files line by line.
 * Only `#define NAME number` lines, so that both sides can read it.
 */
#ifndef MOAT_LAYOUT_H
#define MOAT_LAYOUT_H

/* Address ranges of the guest process that belong to the platform. */
#define STUB_BASE 0x7ffa00000000
#define STUB_TEXT_SIZE 0x10000
#define STUB_DATA 0x7ffa00010000
#define STUB_DATA_SIZE 0x1000
#define STUB_GLOBAL 0x7ffa00020000
#define STUB_VDSO 0x7ffa00100000
#define STUB_THREADS 0x7ffa10000000
#define STUB_THREAD_SIZE 0x10000
#define STUB_SLOTS 0x7ffa40000000
#define STUB_END 0x7ffa80000000
#define TRAMPOLINES 0x60000
#define TRAMPOLINES_SIZE 0x10000
#define TRAMPOLINE_TABLE_SIZE 0x2000
#define TRAMPOLINE_STRIDE 0x40
/* In a trampoline: what was moved from behind the call, and the address behind the call. */
#define TRAMPOLINE_MOVED 44
#define TRAMPOLINE_RETURN 56

/*
 * Regions: one memfd, 16 slots. A slot serves two: a guest thread, whose requests and answers stand in
 * it, and a host thread (a carrier), which finds its commands there (its bed). Any carrier can run any
 * guest thread of its process.
 */
#define SLOT_SIZE 0x20000
#define SLOTS_PER_REGION 16
#define REGION_SIZE 0x200000
#define SLOTS_MAX 8192

/*
 * Offsets in a slot. SLEEPING, CPU, TID, ALIVE and COMMAND are the carrier's, all else is the guest thread's. What both sides wait for
 * is what a call costs: 20 to 80 ns for each 64 bytes that go from one CPU's cache to the other's. So an ordinary request
 * stands in the first 64 bytes, which the sentry does not write, and an ordinary answer in those from COMMAND on.
 */
/* Of the request: counts up with each one. What is behind it is written before. */
#define SLOT_STATE 0x0
#define SLOT_KIND 0x4
/* The system call's number and its arguments, which SLOT_REGS has, too. */
#define SLOT_NUMBER 0x8
#define SLOT_PREFETCH_COUNT 0xc
#define SLOT_ARGUMENTS 0x10
#define SLOT_PREFETCH 0x30
#define PREFETCH_MAX 24
/* The fifth and the sixth. */
#define SLOT_LATE_ARGUMENTS 0x1b0
#define SLOT_SLEEPING 0x1c0
#define SLOT_CPU 0x1c4
#define SLOT_TID 0x1c8
#define SLOT_ALIVE 0x1cc
#define SLOT_NONCE 0x1d0
#define SLOT_FPU_ADDR 0x1f0
#define SLOT_FPU_COUNT 0x1f8
#define SLOT_FAULT_SIGNAL 0x200
#define SLOT_FAULT_CODE 0x204
#define SLOT_FAULT_ADDR 0x208
#define SLOT_FAULT_TRAP 0x210
#define SLOT_FAULT_ERROR 0x214
#define SLOT_FAILED_OP 0x218
#define SLOT_FAILED_ERROR 0x21c
/*
 * Large data is copied by both sides at once, through a ring of the data area. The first copy-out, where READY is not 0: so
 * much of it has been put in, and COPIED of that is in guest memory; what is left when the answer comes is still in the
 * ring. The first prefetched piece, where FETCHED is not FETCHED_ALL: so much was put in, and room is for RING_SIZE more than TAKEN.
 */
#define SLOT_COPIED 0x220
#define SLOT_FETCHED 0x224
/* GLOBAL_WAKES as it was before the word of a futex was fetched. */
#define SLOT_WAKES 0x228
/* Registers and FPU state of the stopped guest thread stand in the slot: any carrier may go on with it. */
#define SLOT_SAVED 0x22c
/* Two words: the address behind a patched call, and where it goes on instead. */
#define SLOT_RETURN_RIP 0x230
#define SLOT_REGS 0x240
#define SLOT_FS_BASE 0x2d0
#define SLOT_GS_BASE 0x2d8
#define SLOT_FPU_ADDRS 0x2e0
#define FPU_ADDRS_MAX 8
/* What the host's process list shows: a struct prctl_mm_map (PR_SET_MM in prctl(2)) and a name. */
#define SLOT_IDENTITY 0x320
#define IDENTITY_SIZE 104
#define SLOT_NAME 0x390
#define SLOT_TAKEN 0x3c0
/* TURN_WAIT and the place in the order of the lists that touch the process's fd table or its code; 0: at once. */
#define SLOT_TURN 0x3c4
#define TURN_WAIT 0x80000000
#define TURN_MASK 0x7fffffff
#define FETCHED_ALL 0xfffffffe
#define FETCH_FAILED 0xffffffff
#define TAKEN_NO_MORE 0xffffffff
#define FETCH_MOST 0x7ffff000
#define RING_SIZE 0x18000
#define LARGE_COPY 0x8000
/* Pieces become smaller towards the end, as the last one is copied by one side alone. */
#define COPY_PIECE 0x8000
#define COPY_LEAST 0x2000
/* What rt_sigreturn reads of a signal frame: return address, ucontext, mask. */
#define SIGNAL_FRAME_FETCHED 312
#define SLOT_OPS 0x400
#define OP_SIZE 64
#define OP_MAX 64
#define SLOT_COMMAND 0x1400
#define SLOT_ANSWER 0x1404
#define SLOT_RESULT 0x1408
#define SLOT_OP_COUNT 0x1410
#define SLOT_COPYOUT_COUNT 0x1414
#define SLOT_READY 0x1418
#define SLOT_COPYOUTS 0x1420
#define COPYOUT_MAX 128
#define SLOT_DATA 0x2000
#define SLOT_DATA_SIZE 0x1b000
#define SLOT_FPU 0x1d000
#define SLOT_FPU_SIZE 0x3000

/* Command word of a carrier: the guest thread's slot number + 1, whose answer is to be obeyed, and bits. */
#define COMMAND_THREAD 0xffff
/* Its state is in its slot, not in the carrier's frame. */
#define COMMAND_LOAD 0x10000
/* Whoever is in the frame is not saved: it is gone. */
#define COMMAND_DROP 0x20000
/* No answer yet: the call sleeps, so spinning is a waste; with SAVE, another carrier may go on with it. */
#define COMMAND_PARK 0x40000
#define COMMAND_SAVE 0x80000
#define COMMAND_QUIT 0x100000
#define COMMAND_EXIT 0x200000

/* Request kinds. */
#define KIND_SYSCALL 1
#define KIND_SYSCALL_PATCHED 2
#define KIND_FAULT 3
#define KIND_INTERRUPT 4
#define KIND_OPS_DONE 5
#define KIND_OPS_FAILED 6
#define KIND_STARTED 7

/* Answer bits. */
#define ANSWER_RESUME 0x1
#define ANSWER_REGS 0x2
#define ANSWER_FPU_SAVE 0x4
#define ANSWER_FPU_RESTORE 0x8
#define ANSWER_REPORT 0x10

/* Pseudo operations of an op list; any other number is a host system call. */
#define OP_RECEIVE_FDS 0x10000
#define OP_FORK 0x10001
#define OP_CARRIER 0x10002
#define OP_MAP_FD 0x10003
#define OP_CLOSE_FD 0x10004
#define OP_PATCH 0x10005
#define PATCH_SHARED 0x100
#define PATCH_LENGTH 16
#define PATCH_GUARD 20
#define OP_NEAR_AREA 0x10009
/* The extended state to and from the start of the data area; bytes from there to memory that the guest may not write. */
#define OP_READ_FPU 0x10006
#define OP_WRITE_FPU 0x10007
#define OP_POKE 0x10008
/* Zeros. */
#define OP_CLEAR 0x1000a
/* Bytes of a file to the guest's memory, all of them or the operation fails. */
#define OP_READ_FILE 0x1000c
/* A new program begins in this process: what was there goes. */
#define OP_START_OVER 0x1000b

#define FD_TABLE_SIZE 64
/* The doorbell's number in every guest process: the filter allows write(2) on no other. */
#define DOORBELL_FD 6

/* The two clones that the filter allows: CLONE_PARENT | SIGCHLD, and a thread of the same process. */
#define FORK_FLAGS 0x8011
#define THREAD_FLAGS 0x350f00

/* What zygote.c leaves in the first slot's data area (struct zygote_setup). */
#define ZYGOTE_SETUP 0x10000

/* Offsets in the global page (written by the sentry only). */
#define GLOBAL_SENTRY_SLEEPS 0x0
#define GLOBAL_SPIN 0x4
/* How many futex calls that may wake someone the sentry has served. */
#define GLOBAL_WAKES 0x8

/* The host signal that makes a running guest thread stop. */
#define INTERRUPT_SIGNAL 10
#endif
