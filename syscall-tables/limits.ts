/** Sizes and bounds of the kernel's interface that many calls share (linux/limits.h and the headers named below). */

/** Bytes of a name in a directory, and of a path with its NUL. */
export const NAME_MAX = 255;
export const PATH_MAX = 4096;
/** Entries of an iovec array, and bytes of one (linux/uio.h). */
export const UIO_MAXIOV = 1024;
export const IOVEC_SIZE = 16;
/** Bytes of a thread's name and of a network device's, NUL included. */
export const TASK_COMM_LEN = 16;
export const IFNAMSIZ = 16;
/** The largest errno that a pointer or a result can carry (linux/err.h). */
export const MAX_ERRNO = 4095;
/** One tick of USER_HZ, in ns: the unit of times(2) and of /proc/PID/stat. */
export const TICK_NS = 10_000_000;
/** The largest uid or gid; the one above it means "leave as it is". */
export const MAX_ID = 0xffff_fffe;
/** Who an id without a mapping appears as (/proc/sys/kernel/overflowuid). */
export const OVERFLOW_ID = 65534;
/** The architecture of seccomp data (linux/audit.h). */
export const AUDIT_ARCH_X86_64 = 0xc000_003e;

export const INT_MAX = 0x7fff_ffff;
export const INT_MIN = -0x8000_0000;
/** The weight of the high word of a 64-bit value. */
export const TWO_32 = 0x1_0000_0000;
