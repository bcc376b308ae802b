/* The extended state (FPU, SSE, AVX...): into and out of the guest's signal frames, and from carrier to carrier. */
#include "stub.h"

#define MXCSR_AT 24
#define MXCSR_DEFAULT 0x1f80
#define XFEATURE_PKRU 0x200ul
#define XFEATURES_FXSAVE 3ul
#define HEADER_AT 512
/* What the host's kernel keeps for itself in a frame's area (sw_reserved). */
#define MARKS_AT 464
#define XSTATE_BEGIN 0x46505853
#define XSTATE_END 0x46505845

/* The extended state goes to a signal frame on the guest's stack, with the marks of the kernel's own frames. */
static u32 save_fpu_at(u8 *area, void *fpu) {
  u32 size = DATA->xsave_size;
  if (fpu) return stub_copy(area, fpu, size + 4) != 0;
  u64 header[8] = {0};
  if (stub_copy(area + HEADER_AT, header, 64)) return 1;
  if (stub_xsave(area)) return 1;
  u32 low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  u32 marks[12] = {XSTATE_BEGIN, size + 4, low & ~0x60000u, high, size};
  u32 end = XSTATE_END;
  return stub_copy(area + MARKS_AT, marks, 48) || stub_copy(area + size, &end, 4);
}

static void make_initial(u8 *area) {
  for (u32 i = 0; i < 576; i++) area[i] = 0;
  *(u32 *)(area + MXCSR_AT) = MXCSR_DEFAULT;
}

static void initial_fpu(struct slot *slot) {
  make_initial(slot->data);
}

/* check_xstate_in_sigframe: how much of the frame's area is XSAVE's; 0: the first 512 bytes are FXSAVE's and that is all. */
static u32 xstate_size(const struct slot *slot) {
  const u32 *marks = (const u32 *)(slot->data + MARKS_AT);
  u32 size = marks[4], end = 0;
  if (marks[0] != XSTATE_BEGIN || size < HEADER_AT + 64 || size > DATA->xsave_size || size > marks[1]) return 0;
  return stub_copy(&end, (const void *)(slot->fpu_addr + size), 4) == 0 && end == XSTATE_END ? size : 0;
}

/* What the guest wrote into its frame may be anything: XRSTOR refuses what it must not load. */
u32 stub_fpu_from_frame(struct slot *slot) {
  u64 *header = (u64 *)(slot->data + HEADER_AT);
  if (!slot->fpu_addr) {
    initial_fpu(slot);
    return stub_xrstor(slot->data, ~0ul) != 0;
  }
  if (stub_copy(slot->data, (void *)slot->fpu_addr, HEADER_AT)) return 1;
  u32 size = xstate_size(slot);
  if (size) {
    if (stub_copy(slot->data + HEADER_AT, (void *)(slot->fpu_addr + HEADER_AT), size - HEADER_AT)) return 1;
    header[0] &= *(const u64 *)(slot->data + MARKS_AT + 8);
  } else {
    for (u32 i = 0; i < 8; i++) header[i] = 0;
    header[0] = XFEATURES_FXSAVE;
  }
  return stub_xrstor(slot->data, ~0ul) != 0;
}

/* A handler starts with the initial state (fpu__clear_user_states), but keeps its protection keys. */
static void reset_fpu(struct slot *slot, u8 *fpu) {
  if (fpu) {
    *(u32 *)(fpu + MXCSR_AT) = MXCSR_DEFAULT;
    *(u64 *)(fpu + 512) &= XFEATURE_PKRU;
    return;
  }
  initial_fpu(slot);
  stub_xrstor(slot->data, ~XFEATURE_PKRU);
}

/* One frame after the other: each but the first interrupts the handler before it. */
u32 stub_fpu_to_frames(struct slot *slot, void *fpu) {
  u32 bad = 0;
  for (u32 i = 0; i < slot->fpu_count && i < FPU_ADDRS_MAX; i++) {
    bad |= save_fpu_at((u8 *)slot->fpu_addrs[i], fpu);
    reset_fpu(slot, fpu);
  }
  return bad;
}

/* The state of a guest thread that another carrier may go on with. */
void stub_fpu_save(struct slot *slot, void *fpu) {
  u64 *header = (u64 *)(slot->fpu + HEADER_AT);
  if (fpu) {
    stub_copy(slot->fpu, fpu, DATA->xsave_size);
    return;
  }
  for (u32 i = 0; i < 8; i++) header[i] = 0;
  stub_xsave(slot->fpu);
}

void stub_fpu_load(struct slot *slot, void *fpu) {
  if (!fpu) {
    stub_xrstor(slot->fpu, ~0ul);
    return;
  }
  stub_copy(fpu, slot->fpu, MARKS_AT);
  stub_copy((u8 *)fpu + HEADER_AT, slot->fpu + HEADER_AT, DATA->xsave_size - HEADER_AT);
}

void stub_fpu_start(struct slot *slot, void *fpu) {
  if (fpu) {
    reset_fpu(slot, fpu);
    return;
  }
  make_initial(slot->fpu);
  stub_xrstor(slot->fpu, ~XFEATURE_PKRU);
}
