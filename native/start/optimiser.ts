/**
 * When V8 optimises: a function that has run `budgetBytes` of byte code gets a tick, and is optimised when it has `ticks` and one more for
 * each 150 bytes of its own; one of up to `smallBytes` at the first tick. Newer Nodes count calls, and have a tier between.
 */
import { setFlagsFromString } from "node:v8";

const isKnown = (): boolean => process.versions.node.startsWith("20.");

export const optimiseAfter = (budgetBytes: number, ticks: number, smallBytes: number): void => {
  if (!isKnown()) return;
  setFlagsFromString(`--interrupt-budget=${budgetBytes}`);
  setFlagsFromString(`--ticks-before-optimization=${ticks}`);
  setFlagsFromString(`--max-bytecode-size-for-early-opt=${smallBytes}`);
};
