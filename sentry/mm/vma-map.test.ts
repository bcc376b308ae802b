/** The map against a model that keeps one record per page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE_SIZE, PROT_WRITE } from "../abi/mman.ts";
import type { FileMapping } from "./file-mapping.ts";
import { VM_ACCOUNT, VM_LOCKED, VM_MAY_ALL, VM_PLATFORM, VM_SHARED, Vma } from "./vma.ts";
import { VmaMap } from "./vma-map.ts";

const PAGES = 256;
const at = (page: number): number => page * PAGE_SIZE;

/** Numbers that repeat from run to run. */
const generator = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

class FakeFile {
  references = 0;
  readonly inode = {};
  readonly name = "/file";
  hostFd(): number {
    return 3;
  }
  takeMapping(): void {
    this.references++;
  }
  putMapping(): void {
    this.references--;
  }
}

interface Page {
  prot: number;
  flags: number;
  file: FakeFile | null;
  offset: number;
}

const assertSame = (map: VmaMap, model: (Page | null)[], files: FakeFile[]): void => {
  const pages: (Page | null)[] = new Array(PAGES).fill(null);
  let previous: Vma | null = null;
  for (const vma of map.list) {
    assert.ok(vma.start < vma.end);
    if (previous !== null) {
      assert.ok(previous.end <= vma.start);
      assert.ok(!previous.joins(vma), "neighbours that are alike are joined");
    }
    previous = vma;
    for (let page = vma.start / PAGE_SIZE; page < vma.end / PAGE_SIZE; page++) {
      const offset = vma.file === null ? 0 : vma.offset + at(page) - vma.start;
      pages[page] = { prot: vma.prot, flags: vma.flags, file: vma.file as never, offset };
    }
  }
  assert.deepEqual(pages, model);
  const mapped = model.filter((page) => page !== null);
  assert.equal(map.totalPages, mapped.length);
  assert.equal(map.lockedPages, mapped.filter((page) => page.flags & VM_LOCKED).length);
  assert.equal(map.dataPages, mapped.filter((page) => (page.prot & 2) !== 0 && !(page.flags & VM_SHARED)).length);
  assert.equal(map.execPages, mapped.filter((page) => (page.prot & 6) === 4).length);
  for (const file of files) assert.equal(file.references, map.list.filter((vma) => vma.file === (file as never)).length);
};

/** What was private and writable once is accounted for ever. */
const accounted = (flags: number, prot: number): number =>
  (prot & PROT_WRITE) !== 0 && (flags & VM_SHARED) === 0 ? flags | VM_ACCOUNT : flags;

test("random operations agree with one record per page", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = generator(seed);
    const map = new VmaMap();
    const files = [new FakeFile(), new FakeFile()];
    const model: (Page | null)[] = new Array(PAGES).fill(null);
    for (let step = 0; step < 300; step++) {
      const first = random(PAGES - 1);
      const last = first + 1 + random(Math.min(PAGES - first - 1, 24));
      const prot = random(8);
      switch (random(4)) {
        case 0:
        case 1: {
          const file = files[random(3)] ?? null;
          const flags = VM_MAY_ALL | (file !== null && random(2) ? VM_SHARED : 0);
          const offset = file === null ? 0 : at(first);
          map.remove(at(first), at(last));
          file?.takeMapping();
          map.insert(new Vma(at(first), at(last), prot, flags, offset, file as unknown as FileMapping | null));
          for (let page = first; page < last; page++)
            model[page] = { prot, flags: accounted(flags, prot), file, offset: file === null ? 0 : at(page) };
          break;
        }
        case 2:
          map.remove(at(first), at(last));
          model.fill(null, first, last);
          break;
        default: {
          const change = random(2) ? { prot } : random(2) ? { setFlags: VM_LOCKED } : { clearFlags: VM_LOCKED };
          map.change(at(first), at(last), change);
          for (let page = first; page < last; page++) {
            const old = model[page];
            if (old === null) continue;
            const flags = (old.flags & ~(change.clearFlags ?? 0)) | (change.setFlags ?? 0);
            model[page] = { ...old, prot: change.prot ?? old.prot, flags: accounted(flags, change.prot ?? 0) };
          }
        }
      }
      assertSame(map, model, files);
      assert.equal(
        map.isFree(at(first), at(last)),
        model.slice(first, last).every((page) => page === null),
      );
      assert.equal(
        map.covers(at(first), at(last)),
        model.slice(first, last).every((page) => page !== null),
      );
      assert.equal(map.pagesIn(at(first), at(last)), model.slice(first, last).filter((page) => page !== null).length);
    }
  }
});

/** The highest free place, found the slow way. */
const slowGap = (map: VmaMap, pages: number, floor: number, ceiling: number): number => {
  for (let page = ceiling - pages; page >= floor; page--) if (map.isFree(at(page), at(page + pages))) return at(page);
  return -1;
};

test("first fit from the top finds the highest gap, however the map changed before", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = generator(seed);
    const map = new VmaMap();
    for (let step = 0; step < 200; step++) {
      const pages = 1 + random(12);
      if (random(3) > 0) {
        const place = map.findGapBelow(at(pages), at(4), at(200), PAGE_SIZE, 0);
        assert.equal(place, slowGap(map, pages, 4, 200), `seed ${seed} step ${step}`);
        // A place that was asked for need not be taken.
        if (place >= 0 && random(8) > 0) map.insert(new Vma(place, place + at(pages), random(8), VM_MAY_ALL));
      } else {
        const first = random(PAGES - 13);
        map.remove(at(first), at(first + pages));
      }
    }
  }
});

test("the platform's areas are neither removed nor changed nor counted", () => {
  const map = new VmaMap();
  map.append(new Vma(at(10), at(12), 5, VM_PLATFORM, 0, null, null, "[vdso]"));
  map.append(new Vma(at(20), at(22), 0, VM_PLATFORM));
  map.insert(new Vma(at(8), at(10), 3, VM_MAY_ALL));
  map.insert(new Vma(at(12), at(20), 3, VM_MAY_ALL));
  map.change(at(0), at(30), { prot: 1 });
  assert.equal(map.find(at(10))?.prot, 5);
  assert.equal(map.count, 2);
  assert.equal(map.totalPages, 10);
  assert.equal(map.covers(at(8), at(20)), true);
  assert.equal(map.covers(at(8), at(22)), false);
  map.remove(at(0), at(30));
  assert.deepEqual(
    map.list.map((vma) => vma.start),
    [at(10), at(20)],
  );
  assert.equal(map.totalPages, 0);
});
