/** Bytes for guest memory that come as a host file's pages. */
import { allocateMemory, hostCall3, hostCall6, hostClose } from "../../native/ffi/syscall-unsafe.ts";
import { MFD_CLOEXEC } from "../../syscall-tables/flags/fd.ts";
import { ENOMEM } from "../abi/errno.ts";

const SYS_pwrite64 = 18;
const SYS_memfd_create = 319;
const CONTENT_BLOCK_BYTES = 256 * 1024;
let contentBlock: ReturnType<typeof allocateMemory> | null = null;

/** A memfd with `bytes` at `offset`, or an errno. */
export const hostFileOf = (bytes: Uint8Array, offset: number): number => {
  // Host memory is never given back: one block, reused.
  contentBlock ??= allocateMemory(CONTENT_BLOCK_BYTES);
  const block = contentBlock;
  block.u8[0] = 0;
  const hostFd = hostCall3(SYS_memfd_create, block.address, MFD_CLOEXEC);
  if (hostFd < 0) return hostFd;
  for (let done = 0; done < bytes.length; ) {
    const chunk = bytes.subarray(done, done + CONTENT_BLOCK_BYTES);
    block.u8.set(chunk);
    const n = hostCall6(SYS_pwrite64, hostFd, block.address, chunk.length, offset + done);
    if (n <= 0) {
      hostClose(hostFd);
      return ENOMEM;
    }
    done += n;
  }
  return hostFd;
};
