/* Copies a system call's input arguments into the slot, by the table made from syscall-tables/. */
#include "stub.h"
#include "prefetch.generated.h"

enum { FUTEX_WAIT = 0, FUTEX_LOCK_PI = 6, FUTEX_WAIT_BITSET = 9, FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_LOCK_PI2 = 13 };

struct cursor {
  struct slot *slot;
  u32 used;
  struct prefetched done;
};

static u64 argument(const struct gregs *regs, u32 index) {
  switch (index) {
    case 0: return regs->rdi;
    case 1: return regs->rsi;
    case 2: return regs->rdx;
    case 3: return regs->r10;
    case 4: return regs->r8;
    default: return regs->r9;
  }
}

static void record(struct cursor *cursor, u64 addr, u32 length) {
  /* The first one stands in the part that the sentry polls: it is written there once, with all the rest (serve.c). */
  u32 index = cursor->done.count++;
  struct span *span = index ? &cursor->slot->prefetch[index] : &cursor->done.first;
  span->addr = addr;
  span->length = length;
  span->offset = cursor->used;
  if (length > RING_SIZE) length = RING_SIZE;
  cursor->used = (cursor->used + length + 7) & ~7u;
}

static void fetch(struct cursor *cursor, u64 addr, u64 length) {
  struct slot *slot = cursor->slot;
  if (addr == 0 || length == 0 || cursor->done.count == PREFETCH_MAX || length > SLOT_DATA_SIZE - cursor->used) return;
  u64 left = stub_copy(slot->data + cursor->used, (const void *)addr, length);
  if (left == 0) record(cursor, addr, (u32)length);
}

/* A large piece at the start may be copied while the sentry looks at the request already, if it is awake on another CPU. Else no more than `most` is. */
static void fetch_bytes(struct cursor *cursor, u64 addr, u64 length, u64 most) {
  struct slot *slot = cursor->slot;
  if (length < LARGE_COPY || addr == 0 || cursor->done.count || GLOBAL_U32(GLOBAL_SPIN) == 0 || GLOBAL_U32(GLOBAL_SENTRY_SLEEPS)) {
    if (length <= most) fetch(cursor, addr, length);
    return;
  }
  if (length > FETCH_MOST) length = FETCH_MOST;
  slot->fetched = 0;
  record(cursor, addr, (u32)length);
}

static void fetch_string(struct cursor *cursor, u64 addr, u64 max) {
  struct slot *slot = cursor->slot;
  if (addr == 0 || cursor->done.count == PREFETCH_MAX || max > SLOT_DATA_SIZE - cursor->used) return;
  i64 length = stub_copy_string(slot->data + cursor->used, (const void *)addr, max);
  if (length >= 0) record(cursor, addr, (u32)length + ((u64)length < max));
}

static void fetch_vectors(struct cursor *cursor, u64 addr, u64 count, u32 with_data) {
  struct slot *slot = cursor->slot;
  u32 start = cursor->used;
  if (count > 16) count = 16;
  u32 before = cursor->done.count;
  fetch(cursor, addr, count * 16);
  if (!with_data || cursor->done.count == before) return;
  u64 *vectors = (u64 *)(slot->data + start);
  for (u64 i = 0; i < count; i++)
    if (vectors[2 * i + 1] <= 65536) fetch(cursor, vectors[2 * i], vectors[2 * i + 1]);
}

/* See msghdr in recvmsg(2): name, namelen, iov, iovlen, control, controllen, flags. */
static void fetch_msghdr(struct cursor *cursor, u64 addr, u32 is_sent) {
  struct slot *slot = cursor->slot;
  u32 start = cursor->used;
  u32 before = cursor->done.count;
  fetch(cursor, addr, 56);
  if (cursor->done.count == before) return;
  const u64 *header = (const u64 *)(slot->data + start);
  u32 name_length = (u32)header[1];
  if (is_sent && name_length <= 128) fetch(cursor, header[0], name_length);
  if (is_sent && header[5] <= 4096) fetch(cursor, header[4], header[5]);
  fetch_vectors(cursor, header[2], header[3], is_sent);
}

/* F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ twins. */
static u32 is_lock_command(u64 cmd) {
  u32 number = (u32)cmd;
  return (number >= 5 && number <= 7) || (number >= 36 && number <= 38);
}

/* The number of wakes so far first: with it the sentry knows whether the word may have changed before a wake that it has served. */
static void fetch_futex(struct cursor *cursor, u64 addr, u64 op, u64 timeout) {
  u32 command = (u32)op & 0x7f;
  u32 waits = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
  if (waits) {
    cursor->slot->wakes = GLOBAL_U32(GLOBAL_WAKES);
    fetch(cursor, addr, 4);
  }
  if (waits || command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2 || command == FUTEX_WAIT_REQUEUE_PI) fetch(cursor, timeout, 16);
}

struct prefetched stub_prefetch(struct slot *slot, const struct gregs *regs) {
  u64 nr = regs->rax;
  struct cursor cursor = {slot, 0, {0, {0, 0, 0}}};
  if (nr >= PREFETCH_COUNT) return cursor.done;
  const struct prefetch_row *row = &prefetch_table[nr];
  if (nr == NR_rt_sigreturn) fetch(&cursor, regs->rsp - 8, SIGNAL_FRAME_FETCHED);
  for (u32 i = 0; i < PREFETCH_DESCRIPTORS; i++) {
    u32 kind = row->descriptors[i].kind;
    if (kind == PF_END) break;
    u64 addr = argument(regs, row->descriptors[i].arg);
    u64 aux = argument(regs, row->descriptors[i].aux);
    u64 size = row->descriptors[i].size;
    switch (kind) {
      case PF_CSTRING: fetch_string(&cursor, addr, size); break;
      case PF_BYTES: fetch_bytes(&cursor, addr, aux, size); break;
      case PF_STRUCT: fetch(&cursor, addr, size); break;
      case PF_ARRAY: if (aux <= 4096 / size) fetch(&cursor, addr, aux * size); break;
      case PF_IOV_IN: fetch_vectors(&cursor, addr, aux, 1); break;
      case PF_IOV: fetch_vectors(&cursor, addr, aux, 0); break;
      case PF_FD_SET: if (aux <= size * 8) fetch(&cursor, addr, (aux + 63) / 64 * 8); break;
      case PF_MSGBUF: if (aux <= size - 8) fetch(&cursor, addr, aux + 8); break;
      case PF_MSGHDR: fetch_msghdr(&cursor, addr, size != 0); break;
      case PF_FUTEX: fetch_futex(&cursor, addr, aux, regs->r10); break;
      case PF_FLOCK: if (is_lock_command(aux)) fetch(&cursor, addr, size); break;
    }
  }
  return cursor.done;
}
