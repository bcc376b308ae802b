/* The extended state (FPU, SSE, AVX...): into and out of the guest's signal frames, and from carrier to carrier. */
#include "stub.h"

#define MXCSR_AT 24
#define MXCSR_DEFAULT 0x1f80
#define XFEATURE_PKRU 0x200ul
#define HEADER_AT 512
/* What the host's kernel keeps for itself in a frame's area (sw_reserved). */
#define MARKS_AT 464

/* The extended state goes to a signal frame on the guest's stack, with the marks of the kernel's own frames. */
static u32 save_fpu_at(u8 *area, void *fpu) {
  u32 size = DATA->xsave_size;
  if (fpu) return stub_copy(area, fpu, size + 4) != 0;
  u64 header[8] = {0};
  if (stub_copy(area + 512, header, 64)) return 1;
  if (stub_xsave(area)) return 1;
  u32 low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  u32 marks[12] = {0x46505853, size + 4, low & ~0x60000u, high, size};
  u32 end = 0x46505845;
  return stub_copy(area + 464, marks, 48) || stub_copy(area + size, &end, 4);
}

static void initial_fpu(struct slot *slot) {
  for (u32 i = 0; i < 576; i++) slot->data[i] = 0;
  *(u32 *)(slot->data + MXCSR_AT) = MXCSR_DEFAULT;
}

/* The guest may have written anything into its frame: only the header words that XRSTOR accepts are kept. */
u32 stub_fpu_from_frame(struct slot *slot) {
  u64 *header = (u64 *)(slot->data + 512);
  u32 size = DATA->xsave_size;
  if (slot->fpu_addr) {
    if (stub_copy(slot->data, (void *)slot->fpu_addr, size)) return 1;
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    header[0] &= ((u64)high << 32 | low) & ~0x60000ul;
  } else initial_fpu(slot);
  for (u32 i = 1; i < 8; i++) header[i] = 0;
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
