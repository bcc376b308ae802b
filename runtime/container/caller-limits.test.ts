import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLimits } from "./caller-limits.ts";

const TEXT = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            20000                30000                files     
Max realtime timeout      5                    unlimited            us        
`;

test("limits by the words of /proc/PID/limits", () => {
  assert.deepEqual(parseLimits(TEXT), [
    { resource: 0, soft: null, hard: null },
    { resource: 7, soft: 20_000, hard: 30_000 },
    { resource: 15, soft: 5, hard: null },
  ]);
});
