import { EBADF, EFAULT, EINVAL, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

const RANGE_SIZE = 16;
const PAGE = 4096;

/** cachestat(2): what the host has of a file in its page cache; of a file in memory, the pages it has. */
export const sys_cachestat = implement(
  "cachestat",
  { level: "partial", note: "evicted pages are not counted; pages of the host's files that need writing back are" },
  (task, fd, rangeAddr, resultAddr, flags) => {
    const file = task.file(fd);
    if (isErrno(file)) return EBADF;
    const range = task.memory.viewIn(rangeAddr, RANGE_SIZE);
    if (isErrno(range)) return EFAULT;
    if (flags !== 0) return EINVAL;
    const u64 = (at: number): number => range.getUint32(at, true) + range.getUint32(at + 4, true) * 2 ** 32;
    const length = u64(8);
    const first = Math.floor(u64(0) / PAGE);
    const end = length === 0 ? Number.POSITIVE_INFINITY : Math.floor((u64(0) + length - 1) / PAGE) + 1;
    const counts = file.cachedPages(first, end);
    return task.memory.copyOut(resultAddr, new Uint8Array(new BigUint64Array(counts.map(BigInt)).buffer)) < 0 ? EFAULT : 0;
  },
);
