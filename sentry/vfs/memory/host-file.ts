/** A memfd of the host that holds a mapped file's pages. */

import { reopenReadOnly } from "../../../native/ffi/reopen-unsafe.ts";
import { allocateMemory, type HostMemory, hostCall3, hostCall6, hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, MFD_CLOEXEC, SEEK_DATA, SEEK_HOLE } from "../../../syscall-tables/flags/fd.ts";
import { ENXIO, type Errno, isErrno } from "../../abi/errno.ts";

const SYS_fstat = 5;
const SYS_lseek = 8;
const SYS_ftruncate = 77;
const SYS_fallocate = 285;
const SYS_memfd_create = 319;
/** Offset of st_blocks in struct stat (x86-64). */
const ST_BLOCKS = 64;

let memory: HostMemory | null = null;
const scratch = (): HostMemory => {
  memory ??= allocateMemory(4096);
  return memory;
};

export class HostFile {
  readonly fd: number;
  #readOnly = -1;

  private constructor(fd: number) {
    this.fd = fd;
  }

  static create(name: string): HostFile | Errno {
    const { u8, address } = scratch();
    const length = Math.min(name.length, 200);
    for (let i = 0; i < length; i++) u8[i] = name.charCodeAt(i);
    u8[length] = 0;
    const fd = hostCall3(SYS_memfd_create, address, MFD_CLOEXEC);
    return isErrno(fd) ? fd : new HostFile(fd);
  }

  truncate(length: number): number {
    return hostCall3(SYS_ftruncate, this.fd, length);
  }

  allocate(offset: number, length: number): number {
    return hostCall6(SYS_fallocate, this.fd, FALLOC_FL_KEEP_SIZE, offset, length);
  }

  punch(offset: number, length: number): number {
    return hostCall6(SYS_fallocate, this.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
  }

  seekData(offset: number, wantsData: boolean): number {
    const found = hostCall3(SYS_lseek, this.fd, offset, wantsData ? SEEK_DATA : SEEK_HOLE);
    return found < 0 ? ENXIO : found;
  }

  /** Pages in use: guests that map it fault them in without telling. */
  pages(): number {
    const { address, u32 } = scratch();
    if (hostCall3(SYS_fstat, this.fd, address) < 0) return 0;
    return Math.ceil((u32[ST_BLOCKS / 4] + u32[ST_BLOCKS / 4 + 1] * 2 ** 32) / 8);
  }

  /** An fd for guests that may only read: whoever holds `fd` itself could map it for writing. A negative errno. */
  forReading(): number {
    if (this.#readOnly < 0) {
      const fd = reopenReadOnly(this.fd);
      if (fd < 0) return fd;
      this.#readOnly = fd;
    }
    return this.#readOnly;
  }

  close(): void {
    if (this.#readOnly >= 0) hostClose(this.#readOnly);
    hostClose(this.fd);
  }
}
