/** Test support: a task whose host operations are applied to a page model, as the host would. */

import { PAGE_SIZE } from "../abi/mman.ts";
import type { Kernel } from "../kernel.ts";
import type { AddressRange, HostOps } from "../platform/platform.ts";
import { Limits } from "../task/limits.ts";
import type { Task } from "../task/task.ts";
import { AddressSpace } from "./address-space.ts";
import { chooseLayout } from "./layout.ts";

/** The host's pages by number: "prot", or "fd:offset:prot". */
export class HostModel implements HostOps {
  readonly pages = new Map<number, string>();
  readonly advice: number[][] = [];
  onFailure: HostOps["onFailure"] = null;

  mapAnonymous(addr: number, length: number, prot: number): void {
    for (let at = addr; at < addr + length; at += PAGE_SIZE) this.pages.set(at / PAGE_SIZE, `${prot}`);
  }
  mapFile(addr: number, length: number, prot: number, _flags: number, hostFd: number, offset: number): void {
    for (let at = addr; at < addr + length; at += PAGE_SIZE) this.pages.set(at / PAGE_SIZE, `${hostFd}:${offset + at - addr}:${prot}`);
  }
  unmap(addr: number, length: number): void {
    for (let at = addr; at < addr + length; at += PAGE_SIZE) this.pages.delete(at / PAGE_SIZE);
  }
  protect(addr: number, length: number, prot: number): void {
    for (let at = addr; at < addr + length; at += PAGE_SIZE) {
      const page = at / PAGE_SIZE;
      const old = this.pages.get(page);
      if (old === undefined) throw new Error(`mprotect of a hole at ${at.toString(16)}`);
      this.pages.set(page, old.replace(/\d+$/, `${prot}`));
    }
  }
  remap(addr: number, oldLength: number, newAddr: number, newLength: number, keepOld: boolean): void {
    const first = this.pages.get(addr / PAGE_SIZE);
    if (first === undefined) throw new Error(`mremap of a hole at ${addr.toString(16)}`);
    const parts = first.split(":");
    if (addr !== newAddr && !keepOld) this.unmap(addr, oldLength);
    if (parts.length === 1) this.mapAnonymous(newAddr, newLength, Number(parts[0]));
    else this.mapFile(newAddr, newLength, Number(parts[2]), 0, Number(parts[0]), Number(parts[1]));
  }
  advise(addr: number, length: number, advice: number): void {
    this.advice.push([addr, length, advice]);
  }
}

export const fakeKernel = (reserved: readonly AddressRange[] = []): Kernel => {
  let state = 1;
  const random = (target: Uint8Array, at: number, length: number): void => {
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      target[at + i] = state >>> 24;
    }
  };
  return { random, platform: { reserved } } as unknown as Kernel;
};

export const fakeTask = (reserved: readonly AddressRange[] = []) => {
  const kernel = fakeKernel(reserved);
  const host = new HostModel();
  const limits = new Limits();
  const capabilities = new Set<number>();
  const mm = new AddressSpace(kernel, chooseLayout(kernel, 8 * 1024 * 1024, true));
  const thread = { ops: host, isRunning: false };
  const task = { kernel, thread, mm, process: { limits }, creds: { has: (capability: number) => capabilities.has(capability) } };
  return { task: task as unknown as Task, mm, host, limits, capabilities };
};
