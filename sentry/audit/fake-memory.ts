/** Guest memory for unit tests: one mapping, everything else faults. */
import { EFAULT, ENAMETOOLONG, type Errno } from "../abi/errno.ts";
import type { UserAddr, UserMemory } from "../mm/user-memory.ts";

export const FAKE_BASE = 0x10000;

export class FakeMemory implements UserMemory {
  readonly #bytes = new Uint8Array(0x10000);
  #next = FAKE_BASE;

  /** Places `data` somewhere and returns its address. */
  put(data: Uint8Array | string): UserAddr {
    const bytes = typeof data === "string" ? Uint8Array.from(`${data}\0`, (char) => char.charCodeAt(0)) : data;
    const addr = this.#next;
    this.#bytes.set(bytes, addr - FAKE_BASE);
    this.#next = (addr + bytes.length + 15) & ~15;
    return addr;
  }

  /** Consecutive 32-bit words. */
  putWords(...words: number[]): UserAddr {
    return this.put(new Uint8Array(Uint32Array.from(words).buffer));
  }

  /** Consecutive 64-bit words. */
  putLongs(...longs: number[]): UserAddr {
    return this.put(new Uint8Array(BigInt64Array.from(longs, BigInt).buffer));
  }

  #has(addr: UserAddr, length: number): boolean {
    return addr >= FAKE_BASE && addr + length <= FAKE_BASE + this.#bytes.length;
  }

  #view(addr: UserAddr): DataView {
    return new DataView(this.#bytes.buffer, addr - FAKE_BASE);
  }

  readInto(addr: UserAddr, target: Uint8Array, at: number, length: number): number {
    if (!this.#has(addr, length)) return 0;
    target.set(this.#bytes.subarray(addr - FAKE_BASE, addr - FAKE_BASE + length), at);
    return length;
  }

  writeFrom(addr: UserAddr, source: Uint8Array, at: number, length: number): number {
    if (!this.#has(addr, length)) return 0;
    this.#bytes.set(source.subarray(at, at + length), addr - FAKE_BASE);
    return length;
  }

  copyIn(addr: UserAddr, length: number): Uint8Array | Errno {
    return this.#has(addr, length) ? this.#bytes.slice(addr - FAKE_BASE, addr - FAKE_BASE + length) : EFAULT;
  }

  viewIn(addr: UserAddr, length: number): DataView | Errno {
    const bytes = this.copyIn(addr, length);
    return typeof bytes === "number" ? bytes : new DataView(bytes.buffer);
  }

  copyOut(addr: UserAddr, bytes: Uint8Array): 0 | Errno {
    return this.writeFrom(addr, bytes, 0, bytes.length) === bytes.length ? 0 : EFAULT;
  }

  loadU8(addr: UserAddr): number {
    return this.#has(addr, 1) ? this.#view(addr).getUint8(0) : EFAULT;
  }

  loadU16(addr: UserAddr): number {
    return this.#has(addr, 2) ? this.#view(addr).getUint16(0, true) : EFAULT;
  }

  loadU32(addr: UserAddr): number {
    return this.#has(addr, 4) ? this.#view(addr).getUint32(0, true) : EFAULT;
  }

  loadU64(addr: UserAddr): number {
    return this.#has(addr, 8) ? Number(this.#view(addr).getBigUint64(0, true)) : EFAULT;
  }

  storeU8(addr: UserAddr, value: number): 0 | Errno {
    return this.copyOut(addr, Uint8Array.of(value));
  }

  storeU16(addr: UserAddr, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(Uint16Array.of(value).buffer));
  }

  storeU32(addr: UserAddr, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(Uint32Array.of(value).buffer));
  }

  storeU64(addr: UserAddr, value: number): 0 | Errno {
    return this.copyOut(addr, new Uint8Array(BigInt64Array.of(BigInt(value)).buffer));
  }

  readCString(addr: UserAddr, max: number): string | Errno {
    let text = "";
    for (let at = addr; text.length < max; at++) {
      const byte = this.loadU8(at);
      if (byte < 0) return EFAULT;
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
    return ENAMETOOLONG;
  }
}
