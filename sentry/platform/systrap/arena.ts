/**
 * Slot regions as the sentry sees them: big address ranges with one view each, in which
 * every 2 MiB are one region (16 slots) of one guest process, backed by its own memfd.
 * Recycling maps a *new* memfd over the old range: the view stays valid and the dead
 * process keeps only its own pages.
 */

import { allocateAddressRange, type HostMemory, hostCall3, hostCall6, hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import { MFD_CLOEXEC } from "../../../syscall-tables/flags/fd.ts";
import { REGION_SIZE } from "./layout.generated.ts";

const SYS_mmap = 9;
const SYS_ftruncate = 77;
const SYS_memfd_create = 319;
const PROT_READ_WRITE = 3;
const MAP_SHARED_FIXED = 0x11;

/**
 * V8 counts a view's size as external memory, and every 64 MiB more start a full collection
 * (kExternalAllocationSoftLimit): ranges are small, and added as they fill.
 */
const ARENA_SIZE = 8 * REGION_SIZE;

const regionName = Buffer.from("slots\0", "latin1");

export class Region {
  readonly memory: HostMemory;
  /** Byte offset in the arena's view. */
  readonly offset: number;
  /** To be handed to the guest process and closed then; -1 once closed. */
  memfd = -1;

  constructor(memory: HostMemory, offset: number) {
    this.memory = memory;
    this.offset = offset;
  }

  get hostAddress(): number {
    return this.memory.address + this.offset;
  }

  closeMemfd(): void {
    if (this.memfd >= 0) hostClose(this.memfd);
    this.memfd = -1;
  }
}

export class SlotArena {
  readonly #scratch: HostMemory;
  readonly #free: Region[] = [];

  constructor(scratch: HostMemory) {
    this.#scratch = scratch;
  }

  /** A region with fresh zero pages, or a negative host errno. */
  take(): Region | number {
    if (this.#free.length === 0) this.#grow();
    const region = this.#free[this.#free.length - 1];
    this.#scratch.u8.set(regionName, 0);
    const memfd = hostCall3(SYS_memfd_create, this.#scratch.address, MFD_CLOEXEC);
    if (memfd < 0) return memfd;
    const failed =
      Math.min(0, hostCall3(SYS_ftruncate, memfd, REGION_SIZE)) ||
      Math.min(0, hostCall6(SYS_mmap, region.hostAddress, REGION_SIZE, PROT_READ_WRITE, MAP_SHARED_FIXED, memfd, 0));
    if (failed < 0) {
      hostClose(memfd);
      return failed;
    }
    this.#free.pop();
    region.memfd = memfd;
    return region;
  }

  /** The process that used it is gone or on its way out; its pages stay its own. */
  put(region: Region): void {
    region.closeMemfd();
    this.#free.push(region);
  }

  #grow(): void {
    const memory = allocateAddressRange(ARENA_SIZE);
    for (let offset = ARENA_SIZE - REGION_SIZE; offset >= 0; offset -= REGION_SIZE) this.#free.push(new Region(memory, offset));
  }
}
