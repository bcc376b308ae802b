/**
 * clone(2) with CLONE_VM: one more guest thread of the same process. It starts in its slot, with the
 * registers and the FPU state of its parent; a host thread that is idle takes it up, or a new one.
 */
import { MADV_DONTFORK } from "../../../syscall-tables/flags/mm.ts";
import { EAGAIN, type Errno } from "../../abi/errno.ts";
import type { CloneRequest } from "../platform.ts";
import type { SlotArena } from "./arena.ts";
import { Carrier } from "./carrier.ts";
import { REGION_FD, type SystrapProcess, sendFds } from "./guest-process.ts";
import {
  OP_CARRIER,
  OP_CLOSE_FD,
  OP_MAP_FD,
  OP_RECEIVE_FDS,
  REGION_SIZE,
  SLOTS_MAX,
  SLOTS_PER_REGION,
  STUB_SLOTS,
  STUB_THREAD_SIZE,
  STUB_THREADS,
} from "./layout.generated.ts";
import type { SlotOps } from "./slot-ops.ts";
import type { SystrapPlatform } from "./systrap.ts";
import { pendingClone, SystrapThread } from "./thread.ts";

const NR_mmap = 9;
const NR_madvise = 28;
const BLOCK_BYTES = 0xa000;

/** The region of slot `number` exists, or is made by the operations that are queued. */
const needRegion = (process: SystrapProcess, arena: SlotArena, ops: SlotOps, number: number): 0 | Errno => {
  const index = Math.floor(number / SLOTS_PER_REGION);
  if (process.regions[index]) return 0;
  const region = arena.take();
  if (typeof region === "number") return region as Errno;
  const sent = sendFds(process.controlFd, [region.memfd]);
  if (sent < 0) {
    arena.put(region);
    return sent as Errno;
  }
  region.closeMemfd();
  process.regions[index] = region;
  const addr = STUB_SLOTS + index * REGION_SIZE;
  ops.push(OP_RECEIVE_FDS, REGION_FD);
  ops.push(OP_MAP_FD, addr, REGION_SIZE, 3, 0x11, REGION_FD, 0);
  ops.push(NR_madvise, addr, REGION_SIZE, MADV_DONTFORK);
  ops.push(OP_CLOSE_FD, REGION_FD);
  return 0;
};

const assign = (carrier: Carrier, thread: SystrapThread): void => {
  carrier.thread = thread;
  thread.carrier = carrier;
};

export const cloneThread = (platform: SystrapPlatform, arena: SlotArena, parent: SystrapThread): CloneRequest => {
  const request = pendingClone();
  const { process, ops } = parent;
  const index = process.freeIndex();
  const idle = process.regions[Math.floor(index / SLOTS_PER_REGION)] ? process.idle.pop() : undefined;
  if (idle !== undefined) {
    const child = new SystrapThread(platform, process, index);
    child.reset();
    child.startFrom(parent);
    assign(idle, child);
    request.result = child;
    return request;
  }
  platform.onClone?.();
  const { block, bed } = process.freeCarrier();
  if (Math.max(index, block, bed) >= SLOTS_MAX) {
    request.result = EAGAIN;
    return request;
  }
  const failed = needRegion(process, arena, ops, index) || needRegion(process, arena, ops, bed);
  if (failed !== 0) {
    request.result = failed;
    return request;
  }
  if (!process.mappedBlocks.has(block)) {
    ops.push(NR_mmap, STUB_THREADS + block * STUB_THREAD_SIZE, BLOCK_BYTES, 3, 0x32, -1, 0);
    process.mappedBlocks.add(block);
  }
  const child = new SystrapThread(platform, process, index);
  child.reset();
  child.startFrom(parent);
  const carrier = new Carrier(process, block, bed);
  carrier.inheritPlace(parent.carrier);
  assign(carrier, child);
  ops.push(OP_CARRIER, block, bed);
  const carrierOp = ops.length - 1;
  parent.runOps((error) => {
    if (error) {
      process.threads.delete(child);
      process.carriers.delete(carrier);
      child.detach();
      request.result = error;
    } else {
      carrier.hostTid = ops.result(carrierOp);
      ops.reset();
      request.result = child;
    }
    request.queue.notify();
  });
  return request;
};
