/**
 * Call sites that trap often are rewritten to jump into the stub (patch-shape.ts says how, and
 * trampoline-area.ts by which way). Only a site that has really trapped is changed.
 */
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { R_RAX, R_RIP } from "../registers.ts";
import {
  OP_NEAR_AREA,
  OP_PATCH,
  PATCH_GUARD,
  PATCH_LENGTH,
  PATCH_SHARED,
  TRAMPOLINE_MOVED,
  TRAMPOLINE_STRIDE,
  TRAMPOLINES,
  TRAMPOLINES_SIZE,
} from "./layout.generated.ts";
import { AFTER_SYSCALL, BEFORE, SITE_WINDOW, type SiteShape, shapeOf } from "./patch-shape.ts";
import type { TrapHandler } from "./systrap.ts";
import type { SystrapThread } from "./thread.ts";
import { ENTRY_POINTER, movingTrampoline, movTrampoline, TrampolineArea, tableEntry } from "./trampoline-area.ts";

/**
 * Patching costs 40 µs (two mprotects, a copied page, the trampoline's bytes) and the first time 80, a trap about 2. Most programs
 * of a shell script end after some thirty calls: a site is changed when it has cost about as much as that would have.
 */
const TRAPS_BEFORE_PATCH = 16;
const NR_mmap = 9;
const SYS_rt_sigreturn = 15;
const REFUSED = -1;
const FAILURES_MOST = 100;
const SYSCALL_LENGTH = 2;

/** Seven bytes as two words. */
type SiteBytes = readonly [number, number];

interface PatchedSite {
  readonly shape: SiteShape;
  readonly now: SiteBytes;
  readonly before: SiteBytes;
}

/** The sites of one host process. */
export class PatchedSites {
  /** Traps seen at a return address; REFUSED when it is no pattern. */
  readonly traps = new Map<number, number>();
  readonly low: TrampolineArea;
  near: TrampolineArea | null = null;
  /** A debugger looks: the code stays as it was. */
  isShown = false;
  /** GS is the program's own, so no trampoline finds its thread by it. */
  hasOwnGs = false;
  readonly patched = new Map<number, PatchedSite>();
  /** Sites whose calls sleep: what changes them cannot travel with the answer. */
  readonly sleeping = new Set<number>();
  /** Trampolines that could not be written. */
  failures = 0;
  /** What stands behind a `syscall` that became a jump now → where it goes on; null: it is back again. */
  readonly continuations = new Map<number, number | null>();

  constructor(low = new TrampolineArea(TRAMPOLINES)) {
    this.low = low;
  }

  get isFrozen(): boolean {
    return this.isShown || this.hasOwnGs;
  }

  /** Queues the operations that put the original code back. */
  restore(thread: SystrapThread, handler: TrapHandler): void {
    for (const [addr, { shape, now, before }] of this.patched) {
      const protection = handler.patchableProtection(thread, addr);
      if (protection >= 0) pushPatch(thread, addr, shape, now, before, protection | PATCH_SHARED);
    }
    for (const rip of this.continuations.keys()) this.continuations.set(rip, null);
    for (const [rip, traps] of this.traps) if (traps === REFUSED) this.traps.delete(rip);
    this.patched.clear();
  }

  fork(): PatchedSites {
    const copy = new PatchedSites(this.low.fork());
    copy.near = this.near?.fork() ?? null;
    copy.hasOwnGs = this.hasOwnGs;
    // A child that is about to exec calls a few times only, each time anew: it counts from the start.
    for (const [rip, traps] of this.traps) if (traps === REFUSED) copy.traps.set(rip, traps);
    for (const [addr, site] of this.patched) copy.patched.set(addr, site);
    for (const [rip, addr] of this.continuations) copy.continuations.set(rip, addr);
    return copy;
  }
}

const pushPatch = (thread: SystrapThread, addr: number, shape: SiteShape, from: SiteBytes, to: SiteBytes, flags: number): void =>
  thread.ops.push(OP_PATCH, addr, ...from, ...to, flags | (shape.length << PATCH_LENGTH) | (shape.guard << PATCH_GUARD));

export class Patcher {
  /** stub_patched_entry in every guest process. */
  entryAddr = 0;
  isEnabled = true;
  readonly #code = new Uint8Array(SITE_WINDOW);
  readonly #codeView = new DataView(this.#code.buffer);
  readonly #pointer = new Uint8Array(8);

  /**
   * A system call came by signal: counts, and patches its site when it is worth it. The operations travel with the answer,
   * but where the call sleeps instead they are withdrawn: others use the site meanwhile. Then the next call there
   * has them carried out before it begins. True: that is being done, and the handler is called afterwards.
   */
  sawTrap(thread: SystrapThread, handler: TrapHandler): boolean {
    if (!this.isEnabled) return false;
    const { process, regs, ops } = thread;
    process.patches ??= new PatchedSites();
    const sites = process.patches;
    if (sites.isFrozen) return false;
    const rip = regs.get(R_RIP);
    const traps = sites.traps.get(rip) ?? 0;
    if (traps === REFUSED) return false;
    sites.traps.set(rip, traps + 1);
    if (traps + 1 < TRAPS_BEFORE_PATCH) return false;
    sites.traps.set(rip, REFUSED);
    this.#undo = [];
    this.#patch(thread, sites, rip, handler);
    if (ops.isEmpty) return false;
    if (!sites.sleeping.has(rip)) {
      thread.withdraw = this.#withdrawal(thread, sites, rip);
      return false;
    }
    thread.runOps(() => {
      ops.reset();
      if (thread.task !== null && !process.isDead) handler.syscall(thread);
    });
    return true;
  }

  /** How the last change was noted, backwards. */
  #undo: (() => void)[] = [];

  #withdrawal(thread: SystrapThread, sites: PatchedSites, rip: number): () => void {
    const undo = this.#undo;
    const { length } = thread.ops;
    return () => {
      // The call's own operations go with those of the site.
      if (thread.ops.length !== length) return;
      thread.ops.reset();
      for (const step of undo) step();
      sites.traps.set(rip, TRAPS_BEFORE_PATCH);
      sites.sleeping.add(rip);
    };
  }

  #patch(thread: SystrapThread, sites: PatchedSites, rip: number, handler: TrapHandler): void {
    const code = this.#code;
    const from = rip - SYSCALL_LENGTH - BEFORE;
    code.fill(0);
    if (thread.process.memory.readInto(from, code, 0, SITE_WINDOW) < AFTER_SYSCALL) return;
    const shape = shapeOf(code, thread.regs.getLo(R_RAX));
    if (shape === null) return;
    const siteAddr = rip - SYSCALL_LENGTH + shape.start;
    // Without unwinding information the bytes themselves are what an unwinder finds a handler's frame by.
    if (thread.regs.getLo(R_RAX) === SYS_rt_sigreturn && !handler.isSignalReturn(thread, siteAddr)) return;
    const protection = handler.patchableProtection(thread, siteAddr);
    if (protection < 0 || handler.patchableProtection(thread, siteAddr + shape.length - 1) !== protection) return;
    const area = shape.movedLength === 0 ? sites.low : this.#areaFor(thread, sites, siteAddr, handler);
    if (area === null) return;
    if (!sites.low.isMapped || !area.isMapped) {
      // The trampoline must stand before its site is patched: this time the room, next time the patch.
      this.#mapAreas(thread, sites);
      sites.traps.set(rip, TRAPS_BEFORE_PATCH);
      return;
    }
    this.#build(thread, sites, { shape, area, siteAddr, rip, protection });
  }

  #areaFor(thread: SystrapThread, sites: PatchedSites, siteAddr: number, handler: TrapHandler): TrampolineArea | null {
    if (sites.low.reaches(siteAddr)) return sites.low;
    const nearAddr = handler.trampolineArea(thread);
    if (nearAddr === 0) return null;
    if (sites.near?.addr !== nearAddr) sites.near = new TrampolineArea(nearAddr);
    return sites.near.reaches(siteAddr) ? sites.near : null;
  }

  #mapAreas(thread: SystrapThread, { low, near }: PatchedSites): void {
    for (const area of [low, near]) {
      if (area === null || area.isMapped) continue;
      if (area === low) thread.ops.push(NR_mmap, TRAMPOLINES, TRAMPOLINES_SIZE, 7, 0x32, -1, 0);
      else thread.ops.push(OP_NEAR_AREA, area.addr);
      area.isMapped = true;
      this.#undo.push(() => {
        area.isMapped = false;
      });
    }
  }

  #build(
    thread: SystrapThread,
    sites: PatchedSites,
    place: { shape: SiteShape; area: TrampolineArea; siteAddr: number; rip: number; protection: number },
  ): void {
    const { shape, area, siteAddr, rip, protection } = place;
    const { memory } = thread.process;
    const isMov = shape.movedLength === 0;
    const addr = isMov ? area.take() : area.takeFor(siteAddr);
    if (addr < 0) return;
    const nr = thread.regs.getLo(R_RAX);
    const moved = this.#code.subarray(AFTER_SYSCALL, AFTER_SYSCALL + shape.movedLength);
    const trampoline = isMov ? movTrampoline(nr, rip) : movingTrampoline(addr, rip, moved);
    if (memory.writeFrom(addr, trampoline, 0, TRAMPOLINE_STRIDE) !== TRAMPOLINE_STRIDE) {
      // Another thread is still mapping the area.
      area.giveBack(addr);
      if (++sites.failures < FAILURES_MOST) sites.traps.set(rip, 0);
      return;
    }
    if (!this.#writePointer(thread, ENTRY_POINTER, this.entryAddr)) return;
    if (isMov && !this.#writePointer(thread, tableEntry(addr), addr)) return;
    const at = BEFORE + shape.start;
    const before: SiteBytes = [this.#codeView.getUint32(at, true), this.#codeView.getUint32(at + 4, true) & 0xffffff];
    const now = isMov ? jumpByTable(tableEntry(addr)) : jumpTo(addr - siteAddr - shape.length, before);
    sites.patched.set(siteAddr, { shape, now, before });
    if (!isMov) sites.continuations.set(rip, addr + TRAMPOLINE_MOVED);
    this.#undo.push(() => {
      area.giveBack(addr);
      sites.patched.delete(siteAddr);
      sites.continuations.delete(rip);
    });
    const isShared = thread.process.threads.size > 1;
    pushPatch(thread, siteAddr, shape, before, now, protection | (isShared ? PATCH_SHARED : 0));
  }

  #writePointer(thread: SystrapThread, at: number, value: number): boolean {
    const view = new DataView(this.#pointer.buffer);
    view.setUint32(0, value, true);
    view.setUint32(4, Math.floor(value / TWO_32), true);
    return thread.process.memory.writeFrom(at, this.#pointer, 0, 8) === 8;
  }
}

/** FF 24 25 abs32 */
const jumpByTable = (entryAddr: number): SiteBytes => [(((entryAddr & 0xff) << 24) | 0x2524ff) >>> 0, (entryAddr >>> 8) & 0xffffff];

/** E9 rel32; what comes behind it stays. */
const jumpTo = (distance: number, before: SiteBytes): SiteBytes => [
  (((distance & 0xffffff) << 8) | 0xe9) >>> 0,
  ((before[1] & 0xffff00) | ((distance >> 24) & 0xff)) >>> 0,
];
