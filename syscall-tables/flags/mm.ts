/** Memory: mmap(2), madvise(2), mremap(2), membarrier(2), mbind(2). */
import { enumeration, flagSet } from "./flag-set.ts";

export const PROT_NONE = 0x0;
export const PROT_READ = 0x1;
export const PROT_WRITE = 0x2;
export const PROT_EXEC = 0x4;
export const PROT_SEM = 0x8;
export const PROT_GROWSDOWN = 0x1000000;
export const PROT_GROWSUP = 0x2000000;
export const protFlags = flagSet(
  "ignored",
  { PROT_READ, PROT_WRITE, PROT_EXEC, PROT_SEM, PROT_GROWSDOWN, PROT_GROWSUP },
  { zero: "PROT_NONE" },
);

export const MAP_TYPE = 0xf;
export const MAP_SHARED = 0x1;
export const MAP_PRIVATE = 0x2;
export const MAP_SHARED_VALIDATE = 0x3;
export const MAP_DROPPABLE = 0x8;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_32BIT = 0x40;
export const MAP_ABOVE4G = 0x80;
export const MAP_GROWSDOWN = 0x100;
export const MAP_DENYWRITE = 0x800;
export const MAP_EXECUTABLE = 0x1000;
export const MAP_LOCKED = 0x2000;
export const MAP_NORESERVE = 0x4000;
export const MAP_POPULATE = 0x8000;
export const MAP_NONBLOCK = 0x10000;
export const MAP_STACK = 0x20000;
export const MAP_HUGETLB = 0x40000;
export const MAP_SYNC = 0x80000;
export const MAP_FIXED_NOREPLACE = 0x100000;
export const MAP_UNINITIALIZED = 0x4000000;
export const mmapFlags = flagSet(
  "ignored",
  {
    MAP_FIXED,
    MAP_ANONYMOUS,
    MAP_32BIT,
    MAP_ABOVE4G,
    MAP_GROWSDOWN,
    MAP_DENYWRITE,
    MAP_EXECUTABLE,
    MAP_LOCKED,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_NONBLOCK,
    MAP_STACK,
    MAP_HUGETLB,
    MAP_SYNC,
    MAP_FIXED_NOREPLACE,
    MAP_UNINITIALIZED,
  },
  { fields: [{ mask: MAP_TYPE, names: { MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_DROPPABLE } }] },
);

export const MAP_HUGE_SHIFT = 0x1a;
export const MAP_HUGE_MASK = 0x3f;

export const MREMAP_MAYMOVE = 0x1;
export const MREMAP_FIXED = 0x2;
export const MREMAP_DONTUNMAP = 0x4;
export const mremapFlags = flagSet("EINVAL", { MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP });

export const MADV_NORMAL = 0;
export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;
export const MADV_FREE = 8;
export const MADV_REMOVE = 9;
export const MADV_DONTFORK = 10;
export const MADV_DOFORK = 11;
export const MADV_MERGEABLE = 12;
export const MADV_UNMERGEABLE = 13;
export const MADV_HUGEPAGE = 14;
export const MADV_NOHUGEPAGE = 15;
export const MADV_DONTDUMP = 16;
export const MADV_DODUMP = 17;
export const MADV_WIPEONFORK = 18;
export const MADV_KEEPONFORK = 19;
export const MADV_COLD = 20;
export const MADV_PAGEOUT = 21;
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;
export const MADV_DONTNEED_LOCKED = 24;
export const MADV_COLLAPSE = 25;
export const MADV_HWPOISON = 100;
export const MADV_SOFT_OFFLINE = 101;
export const MADV_GUARD_INSTALL = 102;
export const MADV_GUARD_REMOVE = 103;
export const madviseNames = enumeration({
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MADV_DONTNEED,
  MADV_FREE,
  MADV_REMOVE,
  MADV_DONTFORK,
  MADV_DOFORK,
  MADV_MERGEABLE,
  MADV_UNMERGEABLE,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MADV_DONTDUMP,
  MADV_DODUMP,
  MADV_WIPEONFORK,
  MADV_KEEPONFORK,
  MADV_COLD,
  MADV_PAGEOUT,
  MADV_POPULATE_READ,
  MADV_POPULATE_WRITE,
  MADV_DONTNEED_LOCKED,
  MADV_COLLAPSE,
  MADV_HWPOISON,
  MADV_SOFT_OFFLINE,
  MADV_GUARD_INSTALL,
  MADV_GUARD_REMOVE,
});

export const MS_ASYNC = 0x1;
export const MS_INVALIDATE = 0x2;
export const MS_SYNC = 0x4;
export const msyncFlags = flagSet("EINVAL", { MS_ASYNC, MS_INVALIDATE, MS_SYNC });

export const MLOCK_ONFAULT = 0x1;
export const mlock2Flags = flagSet("EINVAL", { MLOCK_ONFAULT });

export const MCL_CURRENT = 0x1;
export const MCL_FUTURE = 0x2;
export const MCL_ONFAULT = 0x4;
export const mlockallFlags = flagSet("EINVAL", { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT });

export const PKEY_DISABLE_ACCESS = 0x1;
export const PKEY_DISABLE_WRITE = 0x2;
export const pkeyAccessFlags = flagSet("EINVAL", { PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE });

export const SHADOW_STACK_SET_TOKEN = 0x1;
export const SHADOW_STACK_SET_MARKER = 0x2;
export const shadowStackFlags = flagSet("EINVAL", { SHADOW_STACK_SET_TOKEN, SHADOW_STACK_SET_MARKER });

export const MPOL_MASK = 255;
export const MPOL_DEFAULT = 0;
export const MPOL_PREFERRED = 1;
export const MPOL_BIND = 2;
export const MPOL_INTERLEAVE = 3;
export const MPOL_LOCAL = 4;
export const MPOL_PREFERRED_MANY = 5;
export const MPOL_WEIGHTED_INTERLEAVE = 6;
export const MPOL_F_STATIC_NODES = 0x8000;
export const MPOL_F_RELATIVE_NODES = 0x4000;
export const MPOL_F_NUMA_BALANCING = 0x2000;
export const mempolicyFlags = flagSet(
  "EINVAL",
  { MPOL_F_STATIC_NODES, MPOL_F_RELATIVE_NODES, MPOL_F_NUMA_BALANCING },
  {
    fields: [
      {
        mask: MPOL_MASK,
        names: { MPOL_DEFAULT, MPOL_PREFERRED, MPOL_BIND, MPOL_INTERLEAVE, MPOL_LOCAL, MPOL_PREFERRED_MANY, MPOL_WEIGHTED_INTERLEAVE },
      },
    ],
  },
);

export const MPOL_MF_STRICT = 0x1;
export const MPOL_MF_MOVE = 0x2;
export const MPOL_MF_MOVE_ALL = 0x4;
export const mbindFlags = flagSet("EINVAL", { MPOL_MF_STRICT, MPOL_MF_MOVE, MPOL_MF_MOVE_ALL });

export const MPOL_F_NODE = 0x1;
export const MPOL_F_ADDR = 0x2;
export const MPOL_F_MEMS_ALLOWED = 0x4;
export const getMempolicyFlags = flagSet("EINVAL", { MPOL_F_NODE, MPOL_F_ADDR, MPOL_F_MEMS_ALLOWED });

export const MEMBARRIER_CMD_QUERY = 0;
export const MEMBARRIER_CMD_GLOBAL = 1;
export const MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2;
export const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
export const MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 128;
export const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256;
export const MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
export const membarrierNames = enumeration({
  MEMBARRIER_CMD_QUERY,
  MEMBARRIER_CMD_GLOBAL,
  MEMBARRIER_CMD_GLOBAL_EXPEDITED,
  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
  MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
  MEMBARRIER_CMD_GET_REGISTRATIONS,
});

export const MEMBARRIER_CMD_FLAG_CPU = 0x1;
export const membarrierFlags = flagSet("EINVAL", { MEMBARRIER_CMD_FLAG_CPU });
