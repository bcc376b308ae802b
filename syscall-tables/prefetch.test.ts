import assert from "node:assert/strict";
import { test } from "node:test";
import {
  PF_ARRAY,
  PF_BYTES,
  PF_CSTRING,
  PF_FUTEX,
  PF_IOV,
  PF_IOV_IN,
  PF_STRUCT,
  PREFETCH_MAX_DESCRIPTORS,
  prefetchOf,
} from "./prefetch.ts";
import { signatures } from "./signatures/index.ts";

test("what the kernel reads is prefetched, what it writes is not", () => {
  assert.deepEqual(prefetchOf(signatures.read), []);
  assert.deepEqual(prefetchOf(signatures.write), [{ kind: PF_BYTES, arg: 1, aux: 2, size: 65536 }]);
  assert.deepEqual(prefetchOf(signatures.openat), [{ kind: PF_CSTRING, arg: 1, aux: 0, size: 4096 }]);
  assert.deepEqual(prefetchOf(signatures.rt_sigaction), [{ kind: PF_STRUCT, arg: 1, aux: 0, size: 32 }]);
  assert.deepEqual(prefetchOf(signatures.poll), [{ kind: PF_ARRAY, arg: 0, aux: 1, size: 8 }]);
  assert.deepEqual(prefetchOf(signatures.writev), [{ kind: PF_IOV_IN, arg: 1, aux: 2, size: 65536 }]);
  assert.deepEqual(prefetchOf(signatures.futex), [{ kind: PF_FUTEX, arg: 0, aux: 1, size: 4 }]);
  assert.deepEqual(prefetchOf(signatures.readv), [{ kind: PF_IOV, arg: 1, aux: 2, size: 16 }]);
});

test("a string keeps its own limit", () => {
  assert.deepEqual(prefetchOf(signatures.fgetxattr), [{ kind: PF_CSTRING, arg: 1, aux: 0, size: 256 }]);
});

test("no row needs more descriptors than the stub's table has", () => {
  for (const [name, signature] of Object.entries(signatures)) assert.ok(prefetchOf(signature).length <= PREFETCH_MAX_DESCRIPTORS, name);
});
