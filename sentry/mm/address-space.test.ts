import assert from "node:assert/strict";
import { test } from "node:test";
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_STACK } from "../../syscall-tables/flags/process.ts";
import { EACCES, EAGAIN, EEXIST, EFAULT, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, type Errno } from "../abi/errno.ts";
import {
  MADV_DONTFORK,
  MADV_DONTNEED,
  MAP_32BIT,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_SHARED_VALIDATE,
  MAP_SYNC,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
  PAGE_SIZE,
} from "../abi/mman.ts";

import type { OpenFile } from "../vfs/open-file.ts";
import type { AddressSpace } from "./address-space.ts";
import { adviseMemory } from "./advice.ts";
import { fakeTask, type HostModel } from "./fake-task.ts";
import { lockMemory } from "./lock-memory.ts";
import { USER_ADDR_LIMIT } from "./user-memory.ts";
import { VM_SEALED } from "./vma.ts";

const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const SHARED_ANON = MAP_SHARED | MAP_ANONYMOUS;
const RW = 3;

const fakeFile = (options: { canRead?: boolean; canWrite?: boolean; error?: Errno; mountFlags?: number } = {}) => {
  const mapping = {
    inode: { fs: { device: 5 }, ino: 7 },
    name: "/file",
    references: 0,
    hostFd: () => 9,
    takeMapping: () => mapping.references++,
    putMapping: () => mapping.references--,
  };
  const file = {
    canRead: options.canRead ?? true,
    canWrite: options.canWrite ?? false,
    path: { mount: { flags: options.mountFlags ?? 0 } },
    inode: { keepsAtime: false },
    mapping: () => options.error ?? mapping,
  };
  return { file: file as unknown as OpenFile, mapping };
};

/** What the host maps must be what the map says. */
const assertInStep = (mm: AddressSpace, host: HostModel): void => {
  const pages = new Map<number, string>();
  for (const vma of mm.map.list) {
    if (vma.isPlatform) continue;
    for (let at = vma.start; at < vma.end; at += PAGE_SIZE) {
      pages.set(at / PAGE_SIZE, vma.file === null ? `${vma.prot}` : `9:${vma.offset + at - vma.start}:${vma.prot}`);
    }
  }
  const byNumber = (map: Map<number, string>) => [...map].sort((a, b) => a[0] - b[0]);
  assert.deepEqual(byNumber(host.pages), byNumber(pages));
};

test("mmap goes downwards, merges and splits", () => {
  const { task, mm, host } = fakeTask();
  const first = mm.mmap(task, 0, 8192, RW, ANON, null, 0);
  const second = mm.mmap(task, 0, 100, RW, ANON, null, 0);
  assert.equal(second, first - PAGE_SIZE);
  assert.equal([...mm.vmas()].length, 1);
  assert.equal(mm.mprotect(task, first, PAGE_SIZE, 1), 0);
  assert.deepEqual(
    [...mm.vmas()].map((vma) => vma.permissions),
    ["rw-p", "r--p", "rw-p"],
  );
  assert.equal(mm.mprotect(task, first, PAGE_SIZE, RW), 0);
  assert.equal([...mm.vmas()].length, 1);
  assert.equal(mm.munmap(task, first, PAGE_SIZE), 0);
  assert.equal(mm.totalPages, 2);
  assert.equal(mm.mmap(task, 0, PAGE_SIZE, RW, ANON, null, 0), first);
  assertInStep(mm, host);
});

test("errors of mmap", () => {
  const { task, mm, capabilities } = fakeTask([{ start: 0x7000_0000, end: 0x7001_0000, name: "" }]);
  const mmap = (addr: number, length: number, prot: number, flags: number, file: OpenFile | null = null, offset = 0) =>
    mm.mmap(task, addr, length, prot, flags, file, offset);
  assert.equal(mmap(0, 0, RW, ANON), EINVAL);
  assert.equal(mmap(0, 2 ** 64 - 2048, RW, ANON), ENOMEM);
  assert.equal(mmap(0, 2 ** 50, RW, ANON), ENOMEM);
  assert.equal(mmap(0, 4096, RW, MAP_ANONYMOUS), EINVAL);
  assert.equal(mmap(0, 4096, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS), EINVAL);
  assert.equal(mmap(0, 4096, RW, SHARED_ANON | MAP_GROWSDOWN), EINVAL);
  assert.equal(mmap(0x10001, 4096, RW, ANON | MAP_FIXED), EINVAL);
  assert.equal(mmap(USER_ADDR_LIMIT, 4096, RW, ANON | MAP_FIXED), ENOMEM);
  assert.equal(mmap(0x1000, 4096, RW, ANON | MAP_FIXED), EPERM);
  assert.equal(mmap(0x7000_f000, 8192, RW, ANON | MAP_FIXED), ENOMEM);
  assert.equal(mmap(0x7000_0000, 4096, RW, ANON | MAP_FIXED_NOREPLACE), EEXIST);
  capabilities.add(17);
  assert.equal(mmap(0x1000, 4096, RW, ANON | MAP_FIXED), 0x1000);
  const readOnly = fakeFile().file;
  assert.equal(mmap(0, 4096, RW, MAP_SHARED, readOnly), EACCES);
  assert.ok(mmap(0, 4096, RW, MAP_PRIVATE, readOnly) > 0);
  assert.equal(mmap(0, 4096, 1, MAP_PRIVATE, fakeFile({ canRead: false, canWrite: true }).file), EACCES);
  assert.equal(mmap(0, 4096, 1, MAP_PRIVATE, fakeFile({ error: ENODEV }).file), ENODEV);
  assert.equal(mmap(0, 4096, 5, MAP_PRIVATE, fakeFile({ mountFlags: 8 }).file), EPERM);
  assert.equal(mmap(0, 4096, 1, MAP_PRIVATE, readOnly, -4096), EOVERFLOW);
  assert.equal(mmap(0, 4096, 1, MAP_PRIVATE, readOnly, 2 ** 63 - 4096), EOVERFLOW);
  assert.equal(mmap(0, 4096, 1, MAP_PRIVATE | MAP_GROWSDOWN, readOnly), EINVAL);
  assert.equal(mmap(0, 4096, 1, MAP_SHARED_VALIDATE | MAP_SYNC, readOnly), EOPNOTSUPP);
  assert.equal(mmap(0, 4096, 1, 0, readOnly), EINVAL);
});

test("hints, MAP_32BIT and huge alignment", () => {
  const { task, mm } = fakeTask();
  assert.equal(mm.mmap(task, 0x5000_0123, 4096, RW, ANON, null, 0), 0x5000_0000);
  assert.ok(mm.mmap(task, 0x5000_0000, 4096, RW, ANON, null, 0) > 2 ** 40);
  assert.equal(mm.mmap(task, 1, 4096, RW, ANON, null, 0) % PAGE_SIZE, 0);
  const low = mm.mmap(task, 0, 4096, RW, ANON | MAP_32BIT, null, 0);
  assert.ok(low >= 0x4000_0000 && low < 0x8000_0000);
  assert.equal(mm.mmap(task, 0, 4 * 1024 * 1024, RW, ANON, null, 0) % (2 * 1024 * 1024), 0);
});

test("mprotect stops at what it may not change", () => {
  const { task, mm, host } = fakeTask();
  const { file, mapping } = fakeFile();
  const base = 0x1000_0000;
  mm.mmap(task, base, 8192, RW, ANON | MAP_FIXED, null, 0);
  mm.mmap(task, base + 8192, 4096, 1, MAP_SHARED | MAP_FIXED, file, 0);
  assert.equal(mm.mprotect(task, base, 12288, RW), EACCES);
  assert.equal(mm.mprotect(task, base + 8192, 4096, RW), EACCES);
  assert.equal(mm.mprotect(task, base, 12288, 1), 0);
  assert.equal(mm.mprotect(task, base, 16384, 0), ENOMEM);
  assert.deepEqual(
    [...mm.vmas()].map((vma) => vma.permissions),
    ["---p", "---s"],
  );
  assert.equal(mm.mprotect(task, base + 1, 4096, 0), EINVAL);
  assert.equal(mm.mprotect(task, base, 0, 0), 0);
  assert.equal(mm.mprotect(task, base, 4096, 16), EINVAL);
  assertInStep(mm, host);
  assert.equal(mapping.references, 1);
  mm.putUser();
  assert.equal(mapping.references, 0);
});

test("the host's refusal undoes the change", () => {
  const { task, mm, host } = fakeTask();
  const addr = mm.mmap(task, 0, 8192, RW, ANON, null, 0);
  mm.mprotect(task, addr, 4096, 1);
  assert.equal(host.onFailure?.(0, ENOMEM), ENOMEM);
  assert.equal(mm.find(addr)?.prot, RW);
  const other = mm.mmap(task, 0, 4096, RW, SHARED_ANON, null, 0);
  assert.equal(host.onFailure?.(0, ENOMEM), ENOMEM);
  assert.equal(mm.find(other), null);
  mm.mmap(task, addr + 8192, 4096, 0, ANON | MAP_FIXED, null, 0);
  const moved = mm.mremap(task, addr, 8192, 65536, MREMAP_MAYMOVE, 0);
  assert.notEqual(moved, addr);
  assert.equal(host.onFailure?.(0, EFAULT), EFAULT);
  assert.equal(mm.find(moved), null);
  assert.equal(mm.find(addr)?.length, 8192);
});

test("mremap", () => {
  const { task, mm, host } = fakeTask();
  const { file, mapping } = fakeFile();
  const base = 0x2000_0000;
  mm.mmap(task, base, 8192, RW, ANON | MAP_FIXED, null, 0);
  assert.equal(mm.mremap(task, base, 8192, 16384, 0, 0), base);
  assert.equal(mm.find(base)?.length, 16384);
  assert.equal(mm.mremap(task, base, 16384, 4096, 0, 0), base);
  assert.equal(mm.totalPages, 1);
  mm.mmap(task, base + 4096, 4096, 1, MAP_PRIVATE | MAP_FIXED, file, 4096);
  assert.equal(mm.mremap(task, base, 4096, 8192, 0, 0), ENOMEM);
  assert.equal(mm.mremap(task, base, 12288, 16384, MREMAP_MAYMOVE, 0), EFAULT);
  const target = 0x3000_0000;
  assert.equal(mm.mremap(task, base + 4096, 4096, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, target), target);
  assert.equal(mm.find(target + 4096)?.offset, 4096);
  assert.equal(mm.find(base + 4096), null);
  assert.equal(mapping.references, 1);
  assertInStep(mm, host);
  assert.equal(mm.mremap(task, base, 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0) > 0, true);
  assert.equal(mm.totalPages, 4);
  assert.equal(mm.mremap(task, base, 0, 4096, MREMAP_MAYMOVE, 0), EINVAL);
  assert.equal(mm.mremap(task, base, 4096, 0, MREMAP_MAYMOVE, 0), EINVAL);
  assert.equal(mm.mremap(task, base, 4096, 8192, MREMAP_FIXED, target), EINVAL);
  assert.equal(mm.mremap(task, base, 4096, 8192, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0), EINVAL);
  assert.equal(mm.mremap(task, base, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, base), EINVAL);
  assert.equal(mm.mremap(task, 0x6000_0000, 4096, 8192, MREMAP_MAYMOVE, 0), EFAULT);
});

test("brk", () => {
  const { task, mm, host, limits } = fakeTask();
  mm.brkStart = mm.brk = 0x5555_0000_0800;
  assert.equal(mm.setBreak(task, 0), 0x5555_0000_0800);
  assert.equal(mm.setBreak(task, 0x5555_0000_0900), 0x5555_0000_0900);
  assert.equal(mm.totalPages, 0);
  assert.equal(mm.setBreak(task, 0x5555_0001_0000), 0x5555_0001_0000);
  assert.equal(mm.vmaName([...mm.vmas()][0]), "[heap]");
  assert.equal(mm.setBreak(task, 0x5555_0000_2000), 0x5555_0000_2000);
  assert.equal(mm.totalPages, 1);
  assertInStep(mm, host);
  limits.set(RLIMIT_DATA, { soft: 65536, hard: 65536 });
  assert.equal(mm.setBreak(task, 0x5555_0002_0000), 0x5555_0000_2000);
  mm.mmap(task, 0x5555_0000_4000, 4096, RW, ANON | MAP_FIXED, null, 0);
  assert.equal(mm.setBreak(task, 0x5555_0000_4000), 0x5555_0000_2000);
  assert.equal(mm.setBreak(task, 0x5555_0000_3000), 0x5555_0000_3000);
  assert.equal(host.onFailure?.(0, ENOMEM), 0x5555_0000_2000);
  assert.equal(mm.brk, 0x5555_0000_2000);
});

test("limits", () => {
  const { task, mm, limits, capabilities } = fakeTask();
  limits.set(RLIMIT_AS, { soft: 65536, hard: 65536 });
  assert.equal(mm.mmap(task, 0, 65536 + 1, RW, ANON, null, 0), ENOMEM);
  const addr = mm.mmap(task, 0, 65536, RW, ANON, null, 0);
  assert.equal(mm.mremap(task, addr, 65536, 65537, MREMAP_MAYMOVE, 0), ENOMEM);
  // What is replaced does not count.
  assert.equal(mm.mmap(task, addr, 65536, RW, ANON | MAP_FIXED, null, 0), addr);
  limits.set(RLIMIT_MEMLOCK, { soft: 8192, hard: 8192 });
  assert.equal(lockMemory(mm, task, addr, 12288, false), ENOMEM);
  assert.equal(lockMemory(mm, task, addr + 100, 4096, false), 0);
  assert.equal(mm.lockedPages, 2);
  assert.equal(lockMemory(mm, task, addr, 8192, false), 0);
  mm.munmap(task, addr + 32768, 32768);
  assert.equal(mm.mmap(task, 0, 4096, RW, ANON | MAP_LOCKED, null, 0), EAGAIN);
  limits.set(RLIMIT_MEMLOCK, { soft: 0, hard: 0 });
  assert.equal(lockMemory(mm, task, addr, 4096, false), EPERM);
  capabilities.add(14);
  assert.equal(lockMemory(mm, task, addr, 16384, false), 0);
  assert.equal(mm.lockedPages, 4);
});

test("advice and fork", () => {
  const { task, mm, host } = fakeTask();
  const base = 0x4000_0000;
  mm.mmap(task, base, 16384, RW, ANON | MAP_FIXED, null, 0);
  assert.equal(adviseMemory(mm, task.thread, base, 4096, MADV_DONTFORK), 0);
  mm.munmap(task, base + 8192, 4096);
  assert.equal(adviseMemory(mm, task.thread, base, 16384, MADV_DONTNEED), ENOMEM);
  assert.deepEqual(host.advice.slice(1), [
    [base, 8192, MADV_DONTNEED],
    [base + 12288, 4096, MADV_DONTNEED],
  ]);
  assert.equal(adviseMemory(mm, task.thread, base, 0, 999), EINVAL);
  lockMemory(mm, task, base + 12288, 4096, false);
  const child = mm.fork();
  assert.deepEqual(
    [...child.vmas()].map((vma) => vma.start),
    [base + 4096, base + 12288],
  );
  assert.equal(child.lockedPages, 0);
  assert.equal(mm.lockedPages, 1);
});

test("sealed memory stays", () => {
  const { task, mm } = fakeTask();
  const addr = mm.mmap(task, 0, 8192, 1, ANON, null, 0);
  mm.map.change(addr, addr + 8192, { setFlags: VM_SEALED });
  assert.equal(mm.munmap(task, addr, 4096), EPERM);
  assert.equal(mm.mprotect(task, addr, 4096, RW), EPERM);
  assert.equal(mm.mremap(task, addr, 4096, 8192, MREMAP_MAYMOVE, 0), EPERM);
  assert.equal(mm.mmap(task, addr, 4096, RW, ANON | MAP_FIXED, null, 0), EPERM);
  assert.equal(adviseMemory(mm, task.thread, addr, 4096, MADV_DONTNEED), EPERM);
});

test("a growing area grows down to the limit", () => {
  const { task, mm, limits, host } = fakeTask();
  const top = 0x6000_0000;
  limits.set(RLIMIT_STACK, { soft: 1024 * 1024, hard: 1024 * 1024 });
  mm.mmap(task, top - 8192, 8192, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, null, 0);
  assert.equal(mm.growStack(task, top - 12288), true);
  assert.equal(mm.growStack(task, top - 1024 * 1024), true);
  assert.equal(mm.growStack(task, top - 1024 * 1024 - 1), false);
  assert.equal([...mm.vmas()].length, 1);
  assert.equal(mm.stackPages, 256);
  assert.equal(mm.growStack(task, top + 5), false);
  assertInStep(mm, host);
});

test("futex keys", () => {
  const { task, mm } = fakeTask();
  const { file, mapping } = fakeFile({ canWrite: true });
  const priv = mm.mmap(task, 0, 4096, RW, ANON, null, 0);
  const anon = mm.mmap(task, 0, 8192, RW, SHARED_ANON, null, 0);
  const shared = mm.mmap(task, 0, 4096, RW, MAP_SHARED, file, 8192);
  assert.equal(mm.futexKey(priv), null);
  assert.equal(mm.futexKey(4096), EFAULT);
  assert.deepEqual(mm.futexKey(shared + 12), { object: mapping.inode, offset: 8204 });
  const key = mm.futexKey(anon + 4100);
  const inChild = mm.fork().futexKey(anon + 4100);
  assert.deepEqual(inChild, key);
  const moved = mm.mremap(task, anon, 8192, 65536, MREMAP_MAYMOVE, 0);
  assert.deepEqual(mm.futexKey(moved + 4100), key);
});

test("another thread's unmap in flight keeps its place", () => {
  const { task, mm } = fakeTask();
  const addr = mm.mmap(task, 0, 4096, RW, ANON, null, 0);
  mm.takeUser();
  mm.munmap(task, addr, 4096);
  Object.assign(task.thread, { isRunning: true });
  const other = { ...task, thread: { ...task.thread, isRunning: false } } as never;
  assert.notEqual(mm.mmap(other, 0, 4096, RW, ANON, null, 0), addr);
  Object.assign(task.thread, { isRunning: false });
  assert.equal(mm.mmap(other, 0, 4096, RW, ANON, null, 0), addr);
});

test("random calls keep the host in step with the map", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { task, mm, host } = fakeTask([{ start: 0x2002_0000, end: 0x2002_4000, name: "" }]);
    const { file, mapping } = fakeFile({ canWrite: true });
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    mm.brkStart = mm.brk = 0x2000_8000;
    for (let step = 0; step < 400; step++) {
      const addr = 0x2000_0000 + random(80) * PAGE_SIZE;
      const length = (1 + random(10)) * PAGE_SIZE;
      const target = 0x2000_0000 + random(80) * PAGE_SIZE;
      switch (random(7)) {
        case 0:
          mm.mmap(task, addr, length, random(8), ANON | (random(2) ? MAP_FIXED : 0), null, 0);
          break;
        case 1:
          mm.mmap(task, addr, length, random(8), (random(2) ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED, file, random(9) * PAGE_SIZE);
          break;
        case 2:
          mm.munmap(task, addr, length);
          break;
        case 3:
          mm.mprotect(task, addr, length, random(8));
          break;
        case 4:
          mm.mremap(task, addr, length, (1 + random(10)) * PAGE_SIZE, MREMAP_MAYMOVE, 0);
          break;
        case 5:
          mm.mremap(task, addr, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, target);
          break;
        default:
          mm.setBreak(task, 0x2000_8000 + random(30) * 1000);
      }
      assertInStep(mm, host);
    }
    const child = mm.fork();
    mm.putUser();
    child.putUser();
    assert.equal(mapping.references, 0);
  }
});
