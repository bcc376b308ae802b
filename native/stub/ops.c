/* Host operations that the sentry asks for: the layout of this process, its clones, its fds. */
#include "stub.h"

#define MAP_FIXED 0x10
#define MAP_SHARED 0x1
#define MAP_PRIVATE 0x2
#define MAP_ANONYMOUS 0x20
#define MADV_DONTFORK 10
#define CMSG_CLOEXEC 0x40000000
#define FUTEX_WAIT 0
#define TURN_SPINS 200

struct iovec { void *base; u64 length; };
struct msghdr {
  void *name; u32 name_length, gap0;
  struct iovec *vectors; u64 vector_count;
  void *control; u64 control_length;
  i32 flags, gap1;
};
struct fd_message { u64 length; i32 level, type; i32 fds[8]; };

/* Receives fds from the sentry into fds[first…]; returns how many, or a negative errno. */
static i64 receive_fds(u64 first) {
  u64 word;
  struct iovec vector = {&word, 8};
  struct fd_message control;
  struct msghdr message = {0, 0, 0, &vector, 1, &control, sizeof control, 0, 0};
  i64 got;
  do got = host3(NR_recvmsg, DATA->control_fd, &message, CMSG_CLOEXEC);
  while (got == -4);
  if (got < 0) return got;
  if (message.control_length < 20) return -71;
  u64 count = (control.length - 16) / 4;
  for (u64 i = 0; i < count && first + i < FD_TABLE_SIZE; i++) DATA->fds[first + i] = control.fds[i];
  return (i64)count;
}

static i64 take_fd(u64 index) {
  return index < FD_TABLE_SIZE ? DATA->fds[index] : -9;
}

/* args: [0] fd index of the child's region memfd, [1] of its control socket, [2] the region's address. */
static i64 fork_process(struct thread *thread, struct op *op) {
  u64 region = op->args[2];
  i32 memory = (i32)take_fd(op->args[0]), control = (i32)take_fd(op->args[1]);
  i64 pid = host6(NR_clone, FORK_FLAGS, 0, 0, 0, 0, 0);
  if (pid == 0) {
    host6(NR_mmap, region, REGION_SIZE, 3, MAP_SHARED | MAP_FIXED, (u64)memory, 0);
    host3(NR_madvise, region, REGION_SIZE, MADV_DONTFORK);
    host3(NR_close, DATA->control_fd, 0, 0);
    host3(NR_close, memory, 0, 0);
    DATA->control_fd = control;
    DATA->turn = 0;
    thread->pending = 0;
    thread->bed = thread->slot;
    return 0;
  }
  host3(NR_close, memory, 0, 0);
  host3(NR_close, control, 0, 0);
  return pid;
}

/* args: [0] the number of the new carrier's block, which is mapped already, [1] of its bed. It sleeps until it is given a guest thread. */
static i64 start_carrier(struct op *op) {
  struct thread *thread = (struct thread *)(STUB_THREADS + op->args[0] * STUB_THREAD_SIZE);
  stub_setup_thread(thread, op->args[1]);
  /* CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|PARENT_SETTID|CHILD_CLEARTID */
  return stub_clone_thread(THREAD_FLAGS, thread->stack_top - 1024, (u64)&thread->bed->tid, (u64)&thread->bed->alive, thread);
}

/* Taking a right away makes the host interrupt every CPU that runs this process: none executes what it fetched before. */
static void reach_other_threads(u64 page, u64 length) {
  host3(NR_mprotect, page, length, 5);
  host3(NR_mprotect, page, length, 7);
}

/*
 * args: [0] site, [1] [2] its old bytes, low four and high three, [3] [4] its new ones, [5] the page's
 * protection, PATCH_SHARED when other threads may be about to run the site, above PATCH_LENGTH how many
 * bytes change, and above PATCH_GUARD where in them execution may come to besides the first. To others
 * both places hold a byte that is no opcode until the rest is there: they fault and try again (signals.c).
 */
static i64 patch_site(struct op *op) {
  u64 *a = op->args;
  u64 page = a[0] & ~4095ul;
  u64 length = ((a[0] + 7 + 4095) & ~4095ul) - page;
  u32 is_shared = (a[5] & PATCH_SHARED) != 0, count = a[5] >> PATCH_LENGTH & 7, guard = a[5] >> PATCH_GUARD & 7;
  u64 old = 0, mask = (1ul << (8 * count)) - 1, value = a[4] << 32 | a[3];
  u8 *site = (u8 *)a[0];
  if (stub_copy(&old, site, count)) return 0;
  if ((old ^ (a[2] << 32 | a[1])) & mask) return 0;
  if (host3(NR_mprotect, page, length, 7)) return 0;
  __atomic_store_n(&DATA->patching, a[0], __ATOMIC_SEQ_CST);
  __atomic_store_n(site, (u8)NO_OPCODE, __ATOMIC_SEQ_CST);
  __atomic_store_n(site + guard, (u8)NO_OPCODE, __ATOMIC_SEQ_CST);
  if (is_shared) reach_other_threads(page, length);
  for (u32 i = 1; i < count; i++)
    if (i != guard) __atomic_store_n(site + i, (u8)(value >> (8 * i)), __ATOMIC_SEQ_CST);
  if (is_shared) reach_other_threads(page, length);
  __atomic_store_n(site + guard, (u8)(value >> (8 * guard)), __ATOMIC_SEQ_CST);
  __atomic_store_n(site, (u8)value, __ATOMIC_SEQ_CST);
  host3(NR_mprotect, page, length, a[5] & 7);
  __atomic_store_n(&DATA->patching, 0, __ATOMIC_SEQ_CST);
  return 0;
}

static i64 map_near_area(struct op *op) {
  i64 result = host6(NR_mmap, op->args[0], TRAMPOLINES_SIZE, 7, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, ~0ul, 0);
  if (result > 0) DATA->near_area = op->args[0];
  return result < 0 ? result : 0;
}

#define FPU_SOFTWARE_WORDS 464
#define FPU_HEADER 512

/* In the software words stands which components there are, as in PTRACE_GETREGSET. */
static i64 read_fpu(struct slot *slot, void *fpu) {
  u64 *header = (u64 *)(slot->data + FPU_HEADER), *software = (u64 *)(slot->data + FPU_SOFTWARE_WORDS);
  u32 low, high;
  for (u32 i = 0; i < 8; i++) header[i] = 0;
  if (fpu ? stub_copy(slot->data, fpu, DATA->xsave_size) != 0 : stub_xsave(slot->data) != 0) return -14;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  for (u32 i = 1; i < 6; i++) software[i] = 0;
  software[0] = ((u64)high << 32 | low) & ~0x60000ul;
  for (u32 i = 1; i < 8; i++) header[i] = 0;
  return 0;
}

/* A signal frame keeps its marks, by which the host knows its size. */
static i64 write_fpu(struct slot *slot, u8 *fpu) {
  u32 size = DATA->xsave_size;
  if (!fpu) return stub_xrstor(slot->data, ~0ul) ? -22 : 0;
  u64 left = stub_copy(fpu, slot->data, FPU_SOFTWARE_WORDS) + stub_copy(fpu + FPU_HEADER, slot->data + FPU_HEADER, size - FPU_HEADER);
  return left ? -14 : 0;
}

/* args: [0] address, [1] length, [2] the protection of the area. */
static i64 poke(struct slot *slot, struct op *op) {
  u64 *a = op->args;
  if (a[1] > SLOT_DATA_SIZE) return -22;
  u64 page = a[0] & ~4095ul;
  u64 length = ((a[0] + a[1] + 4095) & ~4095ul) - page;
  i64 result = host3(NR_mprotect, page, length, a[2] | 3);
  if (result) return result;
  if (stub_copy((void *)a[0], slot->data, a[1])) result = -14;
  host3(NR_mprotect, page, length, a[2]);
  return result;
}

/* args: [0] address, [1] length. */
static i64 clear(struct op *op) {
  return stub_clear((void *)op->args[0], op->args[1]) ? -14 : 0;
}

/* args: [0] fd index, [1] address, [2] length, [3] offset. */
static i64 read_file(struct op *op) {
  u64 *a = op->args;
  i64 result = host6(NR_pread64, (u64)take_fd(a[0]), a[1], a[2], a[3], 0, 0);
  return result == (i64)a[2] ? 0 : result < 0 ? result : -14;
}

/* args: [0] address, [1] length of all that is not the stub's. */
static i64 start_over(struct slot *slot, struct op *op, void *fpu) {
  i64 result = host3(NR_munmap, op->args[0], op->args[1], 0);
  DATA->near_area = 0;
  stub_fpu_start(slot, fpu);
  return result;
}

/*
 * Threads share the fd table, the socket that fills it and the pages that are patched, and the
 * sentry has counted on the order in which it answered. No wake-up: those who come too early are
 * rare, and the filter lets nothing but FUTEX_WAIT through.
 */
static void wait_for_turn(u32 turn) {
  struct { u64 seconds, nanoseconds; } timeout = {0, 50000};
  for (u32 spins = 0;; spins++) {
    u32 done = __atomic_load_n(&DATA->turn, __ATOMIC_ACQUIRE);
    if (done == ((turn - 1) & TURN_MASK)) return;
    if (spins < TURN_SPINS) __builtin_ia32_pause();
    else host6(NR_futex, (u64)&DATA->turn, FUTEX_WAIT, done, (u64)&timeout, 0, 0);
  }
}

static u32 run_ops(struct thread *thread, struct slot *slot, void *fpu) {
  u32 count = slot->op_count;
  if (count > OP_MAX) count = OP_MAX;
  for (u32 i = 0; i < count; i++) {
    struct op *op = &slot->ops[i];
    u64 *a = op->args;
    i64 result;
    switch (op->nr) {
      case OP_RECEIVE_FDS:
        result = receive_fds(a[0]);
        break;
      case OP_CLOSE_FD:
        result = host3(NR_close, take_fd(a[0]), 0, 0);
        break;
      case OP_MAP_FD:
        result = host6(NR_mmap, a[0], a[1], a[2], a[3], (u64)take_fd(a[4]), a[5]);
        break;
      case OP_PATCH:
        result = patch_site(op);
        break;
      case OP_READ_FPU:
        result = read_fpu(slot, fpu);
        break;
      case OP_WRITE_FPU:
        result = write_fpu(slot, fpu);
        break;
      case OP_POKE:
        result = poke(slot, op);
        break;
      case OP_CLEAR:
        result = clear(op);
        break;
      case OP_READ_FILE:
        result = read_file(op);
        break;
      case OP_NEAR_AREA:
        result = map_near_area(op);
        break;
      case OP_START_OVER:
        result = start_over(slot, op, fpu);
        break;
      case OP_FORK:
        result = fork_process(thread, op);
        if (result == 0) return OP_MAX + 1;
        break;
      case OP_CARRIER:
        result = start_carrier(op);
        break;
      default:
        result = host6(op->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
    op->result = result;
    if (result < 0 && result > -4096) {
      slot->failed_error = (u32)-result;
      return i + 1;
    }
  }
  return 0;
}

u32 stub_run_ops(struct thread *thread, struct slot *slot, void *fpu) {
  u32 turn = slot->turn;
  if (turn == 0) return run_ops(thread, slot, fpu);
  wait_for_turn(turn);
  u32 failed = run_ops(thread, slot, fpu);
  /* The child of a fork counts from the start. */
  if (failed != OP_MAX + 1) __atomic_store_n(&DATA->turn, turn & TURN_MASK, __ATOMIC_RELEASE);
  return failed;
}
