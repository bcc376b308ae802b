/* Large data on its way between guest memory and the sentry: both sides copy at once, through a ring of the slot's data area. */
#include "stub.h"

/* Looks without progress: about 100 µs. Then the sentry has lost its CPU, or wants no more. */
#define FETCH_LOOKS 4000

/* How much of the `left` bytes from `done` on is copied next. sentry/platform/systrap/slot-ring.ts does the same. */
static u32 next_piece(u32 left, u32 at) {
  u32 piece = left >= 2 * COPY_PIECE ? COPY_PIECE : (left / 2 + COPY_LEAST - 1) & ~(COPY_LEAST - 1u);
  if (piece < COPY_LEAST) piece = COPY_LEAST;
  if (piece > left) piece = left;
  return piece < RING_SIZE - at ? piece : RING_SIZE - at;
}

/* Puts bytes [slot->copied, end) of the first copy-out where they belong. */
static u32 copy_until(struct slot *slot, u32 end) {
  struct span *span = &slot->copyouts[0];
  u32 copied = slot->copied;
  if (span->offset > SLOT_DATA_SIZE - RING_SIZE) return 1;
  while (copied < end) {
    u32 at = copied % RING_SIZE, length = end - copied < RING_SIZE - at ? end - copied : RING_SIZE - at;
    if (stub_copy((u8 *)span->addr + copied, slot->data + span->offset + at, length)) return 1;
    copied += length;
    __atomic_store_n(&slot->copied, copied, __ATOMIC_RELEASE);
  }
  return 0;
}

u32 stub_copy_ready(struct slot *slot) {
  u32 ready = __atomic_load_n(&slot->ready, __ATOMIC_ACQUIRE), copied = slot->copied;
  if (ready <= copied || ready > slot->copyouts[0].length) return 0;
  return copy_until(slot, ready) == 0;
}

u32 stub_copy_out(struct slot *slot) {
  u32 count = slot->copyout_count, bad = 0, first = 0;
  if (count > COPYOUT_MAX) count = COPYOUT_MAX;
  if (count && slot->ready) {
    bad = copy_until(slot, slot->copyouts[0].length);
    first = 1;
  }
  for (u32 i = first; i < count; i++) {
    struct span *span = &slot->copyouts[i];
    if (span->offset > SLOT_DATA_SIZE || span->length > SLOT_DATA_SIZE - span->offset) continue;
    if (stub_copy((void *)span->addr, slot->data + span->offset, span->length)) bad = 1;
  }
  if (slot->ready) slot->ready = slot->copied = 0;
  return bad;
}

void stub_fetch_late(struct thread *thread) {
  struct slot *slot = thread->slot;
  u32 length = slot->prefetch[0].length;
  const u8 *from = (const u8 *)slot->prefetch[0].addr;
  for (u32 done = 0, looks = 0; done < length;) {
    u32 at = done % RING_SIZE, piece = next_piece(length - done, at);
    u32 taken = __atomic_load_n(&slot->taken, __ATOMIC_ACQUIRE);
    if (taken == TAKEN_NO_MORE) return;
    if (done + piece - taken > RING_SIZE) {
      if (++looks > FETCH_LOOKS || __atomic_load_n(&thread->bed->command, __ATOMIC_ACQUIRE)) return;
      __builtin_ia32_pause();
      continue;
    }
    if (stub_copy(slot->data + at, from + done, piece)) {
      __atomic_store_n(&slot->fetched, FETCH_FAILED, __ATOMIC_RELEASE);
      return;
    }
    done += piece;
    looks = 0;
    __atomic_store_n(&slot->fetched, done, __ATOMIC_RELEASE);
  }
}
