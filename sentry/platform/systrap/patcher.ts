/**
 * Call sites that trap often are rewritten to jump into the stub: `mov $nr,%eax; syscall`
 * (B8 imm32 0F 05) becomes `jmp *[abs32]` (FF 24 25 abs32) through a table in the guest's
 * low memory to a trampoline. The table's address has 06 as its third byte, which is no
 * opcode: a jump to the old `syscall` at +5 faults and is repaired (native/stub/signals.c).
 */
import { R_RIP } from "../registers.ts";
import { OP_PATCH, PATCH_SHARED, TRAMPOLINE_STRIDE, TRAMPOLINE_TABLE_SIZE, TRAMPOLINES, TRAMPOLINES_SIZE } from "./layout.generated.ts";
import type { TrapHandler } from "./systrap.ts";
import type { SystrapThread } from "./thread.ts";

/** Patching costs two mprotects and a copied page, a trap about 1.8 µs: it pays from the fourth trap on. */
const TRAPS_BEFORE_PATCH = 4;
const SITE_LENGTH = 7;
const SITES_MAX = (TRAMPOLINES_SIZE - TRAMPOLINE_TABLE_SIZE) / TRAMPOLINE_STRIDE;
const NR_mmap = 9;
const TWO_32 = 2 ** 32;
const REFUSED = -1;

interface PatchedSite {
  /** Seven bytes as two words. */
  readonly now: readonly [number, number];
  readonly before: readonly [number, number];
}

/** The sites of one host process. */
export class PatchedSites {
  /** Traps seen at a return address; REFUSED when it is no pattern. */
  readonly traps = new Map<number, number>();
  count = 0;
  /** The table and the trampolines have memory. */
  isMapped = false;
  /** A debugger looks: the code stays as it was. */
  isFrozen = false;
  /** Patched sites, with what stands there now and what stood there before. */
  readonly patched = new Map<number, PatchedSite>();

  /** Queues the operations that put the original code back. */
  restore(thread: SystrapThread, handler: TrapHandler): void {
    for (const [addr, site] of this.patched) {
      const protection = handler.patchableProtection(thread, addr);
      if (protection >= 0) thread.ops.push(OP_PATCH, addr, ...site.now, ...site.before, protection | PATCH_SHARED);
    }
    for (const [rip, traps] of this.traps) if (traps === REFUSED) this.traps.delete(rip);
    this.patched.clear();
  }

  fork(): PatchedSites {
    const copy = new PatchedSites();
    copy.count = this.count;
    copy.isMapped = this.isMapped;
    for (const [rip, traps] of this.traps) copy.traps.set(rip, traps);
    for (const [addr, site] of this.patched) copy.patched.set(addr, site);
    return copy;
  }
}

export class Patcher {
  /** stub_patched_entry in every guest process. */
  entryAddr = 0;
  isEnabled = true;
  readonly #site = new Uint8Array(8);
  readonly #siteView = new DataView(this.#site.buffer);
  readonly #trampoline = new Uint8Array(TRAMPOLINE_STRIDE);
  readonly #pointer = new Uint8Array(8);

  /** A system call came by signal: counts, and patches its site when it is worth it. */
  sawTrap(thread: SystrapThread, handler: TrapHandler): void {
    if (!this.isEnabled) return;
    const { process, regs } = thread;
    process.patches ??= new PatchedSites();
    const sites = process.patches;
    if (sites.isFrozen) return;
    const rip = regs.get(R_RIP);
    const traps = sites.traps.get(rip) ?? 0;
    if (traps === REFUSED) return;
    sites.traps.set(rip, traps + 1);
    if (traps + 1 < TRAPS_BEFORE_PATCH) return;
    sites.traps.set(rip, REFUSED);
    if (sites.count < SITES_MAX) this.#patch(thread, sites, rip, handler);
  }

  #patch(thread: SystrapThread, sites: PatchedSites, rip: number, handler: TrapHandler): void {
    const siteAddr = rip - SITE_LENGTH;
    const site = this.#site;
    const nr = thread.regs.getLo(13);
    if (thread.process.memory.readInto(siteAddr, site, 0, SITE_LENGTH) !== SITE_LENGTH) return;
    if (site[0] !== 0xb8 || site[5] !== 0x0f || site[6] !== 0x05 || this.#siteView.getUint32(1, true) !== nr) return;
    const protection = handler.patchableProtection(thread, siteAddr);
    if (protection < 0 || handler.patchableProtection(thread, rip - 1) !== protection) return;
    if (!sites.isMapped) {
      // The trampoline must stand before its site is patched: this time the room, next time the patch.
      thread.ops.push(NR_mmap, TRAMPOLINES, TRAMPOLINES_SIZE, 7, 0x32, -1, 0);
      sites.isMapped = true;
      sites.traps.set(rip, TRAPS_BEFORE_PATCH);
      return;
    }
    const { memory } = thread.process;
    const index = sites.count++;
    const entryAddr = TRAMPOLINES + index * 8;
    const trampolineAddr = TRAMPOLINES + TRAMPOLINE_TABLE_SIZE + index * TRAMPOLINE_STRIDE;
    this.#writeTrampoline(nr, rip);
    new DataView(this.#pointer.buffer).setUint32(0, trampolineAddr, true);
    if (memory.writeFrom(trampolineAddr, this.#trampoline, 0, TRAMPOLINE_STRIDE) !== TRAMPOLINE_STRIDE) return;
    if (memory.writeFrom(entryAddr, this.#pointer, 0, 8) !== 8) return;
    const old = this.#siteView;
    const before: [number, number] = [old.getUint32(0, true), old.getUint32(4, true) & 0xffffff];
    const now: [number, number] = [(((entryAddr & 0xff) << 24) | 0x2524ff) >>> 0, (entryAddr >>> 8) & 0xffffff];
    sites.patched.set(siteAddr, { now, before });
    const isShared = thread.process.threads.size > 1;
    thread.ops.push(OP_PATCH, siteAddr, ...before, ...now, protection | (isShared ? PATCH_SHARED : 0));
  }

  /** mov %rsp,%gs:16; mov %gs:8,%rsp; mov $nr,%eax; movabs $return,%r11; movabs $entry,%rcx; jmp *%rcx */
  #writeTrampoline(nr: number, returnAddr: number): void {
    const code = this.#trampoline;
    code.set([0x65, 0x48, 0x89, 0x24, 0x25, 16, 0, 0, 0, 0x65, 0x48, 0x8b, 0x24, 0x25, 8, 0, 0, 0, 0xb8], 0);
    code.set([0x49, 0xbb], 23);
    code.set([0x48, 0xb9], 33);
    code.set([0xff, 0xe1], 43);
    const view = new DataView(code.buffer);
    view.setUint32(19, nr, true);
    view.setUint32(25, returnAddr, true);
    view.setUint32(29, Math.floor(returnAddr / TWO_32), true);
    view.setUint32(35, this.entryAddr, true);
    view.setUint32(39, Math.floor(this.entryAddr / TWO_32), true);
  }
}
