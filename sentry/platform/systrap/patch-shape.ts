/**
 * How a call site can be changed into a jump. Three shapes:
 *
 *   mov $nr,%eax; syscall          B8 imm32 0F 05          becomes  jmp *[table]   FF 24 25 abs32
 *   mov $nr,%rax; syscall          48 C7 C0 imm32 0F 05    becomes  jmp *[table]; syscall
 *   syscall; one more instruction  0F 05 48 3D 01 F0 ...   becomes  jmp trampoline E9 rel32
 *
 * Execution may come to the middle of a site: to the old `syscall` of the first (its byte is 06, as the
 * table's address has it), behind the `syscall` of the last (its byte is the second of rel32, for
 * which the trampoline is placed so). Both are no opcodes: such a visit faults and is repaired. The second keeps its
 * `syscall`. It is how libraries return from a signal handler, which unwinders know by these very bytes.
 */
export const SITE_WINDOW = 18;
/** Bytes before the `syscall` in what `shapeOf` gets. */
export const BEFORE = 7;
export const AFTER_SYSCALL = BEFORE + 2;

export interface SiteShape {
  /** Where the site begins, relative to the `syscall`. */
  readonly start: number;
  readonly length: number;
  /** The place in the site that execution may come to besides the first. */
  readonly guard: number;
  /** The instruction behind the `syscall` that moves into the trampoline; 0 bytes: none. */
  readonly movedLength: number;
}

const SHORT_MOV = 5;
const LONG_MOV = 7;
const MOV_SHAPE: SiteShape = { start: -SHORT_MOV, length: 7, guard: SHORT_MOV, movedLength: 0 };
const LONG_MOV_SHAPE: SiteShape = { start: -LONG_MOV, length: 7, guard: 0, movedLength: 0 };

/** Opcodes between two registers, or a register and memory: mov, test, cmp, or, xor, add, sub. */
const TWO_OPERANDS = new Set([0x89, 0x8b, 0x85, 0x39, 0x3b, 0x09, 0x31, 0x01, 0x29, 0x63]);
const MOST_MOVED = 7;
const LEAST_MOVED = 3;

/** The length of the instruction at `at` if it means the same elsewhere and is one of the few known here; else 0. */
export const movableLength = (code: Uint8Array, at: number): number => {
  let i = at;
  const hasRex = code[i] >= 0x40 && code[i] <= 0x4f;
  if (hasRex) i++;
  const opcode = code[i++];
  // cmp $imm32,%eax; cmp $imm32,%rax
  if (opcode === 0x3d) return i + 4 - at;
  const modrm = code[i++];
  const mod = modrm >> 6;
  const rm = modrm & 7;
  const sib = mod !== 3 && rm === 4 ? 1 : 0;
  const displacement = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  // mod 0 with rm 5 is relative to rip; with a SIB byte, base 5 has a displacement.
  if (mod === 0 && (rm === 5 || sib === 1)) return 0;
  const operands = sib + displacement;
  if (TWO_OPERANDS.has(opcode)) return i + operands - at;
  // add, or, and, sub, xor, cmp with imm8
  return opcode === 0x83 || opcode === 0x80 ? i + operands + 1 - at : 0;
};

/** `code`: SITE_WINDOW bytes from BEFORE bytes before a `syscall` that was called with number `nr`. */
export const shapeOf = (code: Uint8Array, nr: number): SiteShape | null => {
  if (code[BEFORE] !== 0x0f || code[BEFORE + 1] !== 0x05) return null;
  const immediate = (code[BEFORE - 4] | (code[BEFORE - 3] << 8) | (code[BEFORE - 2] << 16) | (code[BEFORE - 1] << 24)) >>> 0;
  if (immediate === nr) {
    if (code[BEFORE - LONG_MOV] === 0x48 && code[BEFORE - 6] === 0xc7 && code[BEFORE - 5] === 0xc0) return LONG_MOV_SHAPE;
    if (code[BEFORE - SHORT_MOV] === 0xb8) return MOV_SHAPE;
  }
  const moved = movableLength(code, AFTER_SYSCALL);
  if (moved < LEAST_MOVED || moved > MOST_MOVED) return null;
  return { start: 0, length: 5, guard: 2, movedLength: moved };
};
