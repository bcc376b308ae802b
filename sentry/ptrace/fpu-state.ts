/** The extended state as ptrace(2) moves it: FXSAVE's 512 bytes, or XSAVE's standard format with the mask of its components. */
import { EINVAL, type Errno } from "../abi/errno.ts";

export const FXSAVE_SIZE = 512;
const MXCSR_AT = 24;
const MXCSR_MASK = 0xffff;
/** xstate_fx_sw_bytes: which components the state has. */
const COMPONENTS_AT = 464;
const HEADER_AT = 512;
const HEADER_SIZE = 64;
/** x87 and SSE: the part that FXSAVE has. */
const LEGACY_COMPONENTS = 3;

/** Joins a tracer's state with the present one; refuses what XRSTOR would. */
export const joinedState = (present: Uint8Array, given: Uint8Array): Uint8Array | Errno => {
  if (given.length < FXSAVE_SIZE || present.length < HEADER_AT + HEADER_SIZE) return EINVAL;
  const joined = present.slice();
  const from = new DataView(given.buffer, given.byteOffset, given.byteLength);
  const to = new DataView(joined.buffer);
  if ((from.getUint32(MXCSR_AT, true) & ~MXCSR_MASK) !== 0) return EINVAL;
  joined.set(given.subarray(0, COMPONENTS_AT), 0);
  if (given.length < HEADER_AT + HEADER_SIZE) {
    to.setUint32(HEADER_AT, to.getUint32(HEADER_AT, true) | LEGACY_COMPONENTS, true);
    return joined;
  }
  const known = to.getUint32(COMPONENTS_AT, true);
  if ((from.getUint32(HEADER_AT, true) & ~known) !== 0 || from.getUint32(HEADER_AT + 4, true) !== 0) return EINVAL;
  for (let at = HEADER_AT + 8; at < HEADER_AT + HEADER_SIZE; at += 4) if (from.getUint32(at, true) !== 0) return EINVAL;
  joined.set(given.subarray(HEADER_AT, joined.length), HEADER_AT);
  return joined;
};
