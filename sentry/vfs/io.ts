/**
 * Where the bytes of a read or write go: the kernel's iov_iter. A file sees only this,
 * so it serves guest memory (read, readv, recvmsg), kernel buffers (exec, sendfile,
 * splice) and host file descriptors alike.
 */
export interface Io {
  /** Bytes left to transfer. */
  readonly remaining: number;
  /** Read path: moves `length` bytes (clamped to `remaining`) of `source[at…]` to the caller and advances. Returns the bytes moved, or EFAULT if none could be. */
  put(source: Uint8Array, at: number, length: number): number;
  /** Write path: moves up to `length` bytes of the caller to `target[at…]` and advances. Returns the bytes moved, or EFAULT if none could be. */
  take(target: Uint8Array, at: number, length: number): number;
  /** Write path: the last `length` bytes taken were not consumed after all (a write that must wait, eventfd). */
  giveBack(length: number): void;
  /** Read path: `length` zero bytes to the caller. */
  putZeros(length: number): number;
  /** Read path straight from a host fd (pread at `offset`, or read when offset < 0). Bytes, 0 at end of file, or a negative errno. */
  putFromHost(hostFd: number, offset: number, length: number): number;
  /** Read path: all of [offset, offset + length) by the guest's own process, from a host fd that only reads (UserMemory.readByGuest). */
  putByGuest?(hostFd: number, offset: number, length: number, otherwise: (rest: Io) => number): boolean;
  /** Write path straight to a host fd (pwrite at `offset`, or write when offset < 0). */
  takeToHost(hostFd: number, offset: number, length: number): number;
}
