/**
 * The host's side of a shared file's locks: all of the guest holds them as one open file description, so that host
 * processes and the guest exclude each other. Who in the guest excludes whom is decided before (vfs/locks.ts).
 */
import { findRangeOf, type HostRange, setRangeOf, tryFlock } from "../../../native/ffi/file-lock-unsafe.ts";
import { EACCES, EAGAIN } from "../../abi/errno.ts";
import type { HostLocks } from "../../vfs/locks.ts";
import type { HostFiles } from "./host-files.ts";

/** A filesystem that has no locks, or an fd that may not lock so, leaves the guest's own. */
const refusal = (result: number): number => (result === EAGAIN || result === EACCES ? EAGAIN : 0);

export class GoferLocks implements HostLocks {
  readonly #files: HostFiles;
  isRefused = false;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  #told(result: number): number {
    const refused = refusal(result);
    this.isRefused = refused < 0;
    return refused;
  }

  setRange(type: number, start: number, end: number): number {
    const fd = this.#files.forLocks();
    return fd < 0 ? 0 : this.#told(setRangeOf(fd, type, start, end));
  }

  findRange(type: number, start: number, end: number): HostRange | null {
    const fd = this.#files.forLocks();
    return fd < 0 ? null : findRangeOf(fd, type, start, end);
  }

  setFlock(operation: number): number {
    const fd = this.#files.forLocks();
    return fd < 0 ? 0 : this.#told(tryFlock(fd, operation));
  }
}
