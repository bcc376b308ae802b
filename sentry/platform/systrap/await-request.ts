/** The inside of a spinning sentry. */
import { SLOT_STATE } from "./layout.generated.ts";
import type { SystrapThread } from "./thread.ts";

/**
 * Looks for a request up to `looks` times, and for nothing else: small code, which V8 optimises soon, and in which a request is
 * noticed soon even before. Returns how often it looked in vain.
 */
export const awaitRequest = (running: readonly SystrapThread[], looks: number): number => {
  const last = running.length - 1;
  if (last === 0) {
    const { i32, word, taken } = running[0];
    const at = word + SLOT_STATE / 4;
    // Not Atomics.load, which is a call; `poll` does that.
    for (let i = 0; i < looks; i++) if (i32[at] !== taken) return i;
    return looks;
  }
  for (let i = 0; i < looks; i++) {
    for (let at = last; at >= 0; at--) {
      const { i32, word, taken } = running[at];
      if (i32[word + SLOT_STATE / 4] !== taken) return i;
    }
  }
  return looks;
};
