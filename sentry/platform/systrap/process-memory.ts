/** Guest memory through process_vm_readv(2) and process_vm_writev(2): works whatever the process does. */

import { allocateMemory, type HostMemory, hostCall6 } from "../../../native/ffi/syscall-unsafe.ts";
import { TWO_32 } from "../../../syscall-tables/limits.ts";
import { EFAULT, ENAMETOOLONG, type Errno, isErrno } from "../../abi/errno.ts";
import { USER_ADDR_LIMIT, type UserAddr, type UserMemory } from "../../mm/user-memory.ts";

const SYS_process_vm_readv = 310;
const SYS_process_vm_writev = 311;
const PAGE = 4096;

/** Bytes per host call; also the bounce buffer's size. */
const PIECE = 256 * 1024;
const VECTORS = PIECE;

let bounce: HostMemory | undefined;
const bounceMemory = (): HostMemory => {
  bounce ??= allocateMemory(PIECE + PAGE);
  return bounce;
};

const setVector = (memory: HostMemory, at: number, address: number, length: number): void => {
  const word = (VECTORS + at) / 4;
  memory.u32[word] = address;
  memory.u32[word + 1] = Math.floor(address / TWO_32);
  memory.u32[word + 2] = length;
  memory.u32[word + 3] = 0;
};

/** Moves up to PIECE bytes between the bounce buffer and the guest: bytes moved, or a negative errno. */
const transfer = (call: number, hostPid: number, addr: UserAddr, length: number): number => {
  const memory = bounceMemory();
  setVector(memory, 0, memory.address, length);
  setVector(memory, 16, addr, length);
  return hostCall6(call, hostPid, memory.address + VECTORS, 1, memory.address + VECTORS + 16, 1, 0);
};

export abstract class BasicMemory implements UserMemory {
  abstract readInto(addr: UserAddr, target: Uint8Array, at: number, length: number): number;
  abstract writeFrom(addr: UserAddr, source: Uint8Array, at: number, length: number): number;
  abstract readCString(addr: UserAddr, max: number): string | Errno;

  readonly #word = new Uint8Array(8);
  readonly #wordView = new DataView(this.#word.buffer);

  copyIn(addr: UserAddr, length: number): Uint8Array | Errno {
    const bytes = new Uint8Array(length);
    return this.readInto(addr, bytes, 0, length) === length ? bytes : EFAULT;
  }

  viewIn(addr: UserAddr, length: number): DataView | Errno {
    const bytes = this.copyIn(addr, length);
    return isErrno(bytes) ? bytes : new DataView(bytes.buffer, 0, length);
  }

  copyOut(addr: UserAddr, bytes: Uint8Array): 0 | Errno {
    return this.writeFrom(addr, bytes, 0, bytes.length) === bytes.length ? 0 : EFAULT;
  }

  #load(addr: UserAddr, length: number): boolean {
    return this.readInto(addr, this.#word, 0, length) === length;
  }

  loadU8(addr: UserAddr): number {
    return this.#load(addr, 1) ? this.#word[0] : EFAULT;
  }

  loadU16(addr: UserAddr): number {
    return this.#load(addr, 2) ? this.#wordView.getUint16(0, true) : EFAULT;
  }

  loadU32(addr: UserAddr): number {
    return this.#load(addr, 4) ? this.#wordView.getUint32(0, true) : EFAULT;
  }

  loadU64(addr: UserAddr): number {
    return this.#load(addr, 8) ? this.#wordView.getUint32(0, true) + this.#wordView.getUint32(4, true) * TWO_32 : EFAULT;
  }

  #store(addr: UserAddr, length: number): 0 | Errno {
    return this.writeFrom(addr, this.#word, 0, length) === length ? 0 : EFAULT;
  }

  storeU8(addr: UserAddr, value: number): 0 | Errno {
    this.#word[0] = value;
    return this.#store(addr, 1);
  }

  storeU16(addr: UserAddr, value: number): 0 | Errno {
    this.#wordView.setUint16(0, value, true);
    return this.#store(addr, 2);
  }

  storeU32(addr: UserAddr, value: number): 0 | Errno {
    this.#wordView.setUint32(0, value, true);
    return this.#store(addr, 4);
  }

  storeU64(addr: UserAddr, value: number): 0 | Errno {
    this.#wordView.setUint32(0, value, true);
    this.#wordView.setUint32(4, Math.floor(value / TWO_32), true);
    return this.#store(addr, 8);
  }
}

export class ProcessMemory extends BasicMemory {
  hostPid: number;

  constructor(hostPid: number) {
    super();
    this.hostPid = hostPid;
  }

  override readInto(addr: UserAddr, target: Uint8Array, at: number, length: number): number {
    if (!(addr >= 0) || addr + length > USER_ADDR_LIMIT) return 0;
    let done = 0;
    while (done < length) {
      const piece = Math.min(PIECE, length - done);
      const got = transfer(SYS_process_vm_readv, this.hostPid, addr + done, piece);
      if (got <= 0) break;
      const source = bounceMemory().u8;
      if (got <= 32) for (let i = 0; i < got; i++) target[at + done + i] = source[i];
      else target.set(source.subarray(0, got), at + done);
      done += got;
      if (got < piece) break;
    }
    return done;
  }

  override writeFrom(addr: UserAddr, source: Uint8Array, at: number, length: number): number {
    if (!(addr >= 0) || addr + length > USER_ADDR_LIMIT) return 0;
    let done = 0;
    while (done < length) {
      const piece = Math.min(PIECE, length - done);
      bounceMemory().u8.set(source.subarray(at + done, at + done + piece), 0);
      const got = transfer(SYS_process_vm_writev, this.hostPid, addr + done, piece);
      if (got <= 0) break;
      done += got;
      if (got < piece) break;
    }
    return done;
  }

  override readCString(addr: UserAddr, max: number): string | Errno {
    let text = "";
    let at = addr;
    let left = max;
    while (left > 0) {
      if (!(at >= 0) || at >= USER_ADDR_LIMIT) return EFAULT;
      const piece = Math.min(left, 256, PAGE - (at % PAGE));
      const got = transfer(SYS_process_vm_readv, this.hostPid, at, piece);
      if (got <= 0) return EFAULT;
      const bytes = Buffer.from(bounceMemory().u8.buffer, bounceMemory().u8.byteOffset, got);
      const end = bytes.indexOf(0);
      if (end >= 0) return text + bytes.toString("latin1", 0, end);
      text += bytes.toString("latin1", 0, got);
      at += got;
      left -= got;
    }
    return ENAMETOOLONG;
  }
}
