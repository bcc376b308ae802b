import { implement } from "../implement.ts";

/** The argument that only asks. */
const QUERY = 0xffff_ffff;

/** personality(2): kept, shown, and obeyed by exec where it matters (READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE). */
export const sys_personality = implement(
  "personality",
  { level: "partial", note: "execution domains other than Linux change nothing" },
  (task, personality) => {
    const old = task.personality;
    if (personality !== QUERY) task.personality = personality;
    return old;
  },
);
