import type { Implementation } from "../implement.ts";
import { sys_map_shadow_stack, sys_modify_ldt } from "./absent.ts";
import { sys_brk } from "./brk.ts";
import { sys_madvise } from "./madvise.ts";
import { sys_mbind, sys_set_mempolicy_home_node } from "./mbind.ts";
import { sys_membarrier } from "./membarrier.ts";
import { sys_get_mempolicy, sys_set_mempolicy } from "./mempolicy.ts";
import { sys_mincore } from "./mincore.ts";
import { sys_mlock, sys_mlock2, sys_mlockall, sys_munlock, sys_munlockall } from "./mlock.ts";
import { sys_mmap } from "./mmap.ts";
import { sys_migrate_pages, sys_move_pages } from "./move-pages.ts";
import { sys_mprotect, sys_pkey_alloc, sys_pkey_free, sys_pkey_mprotect } from "./mprotect.ts";
import { sys_mremap } from "./mremap.ts";
import { sys_mseal } from "./mseal.ts";
import { sys_msync } from "./msync.ts";
import { sys_munmap } from "./munmap.ts";
import { sys_process_madvise, sys_process_mrelease } from "./process-madvise.ts";
import { sys_process_vm_readv, sys_process_vm_writev } from "./process-vm.ts";
import { sys_remap_file_pages } from "./remap-file-pages.ts";

/** Memory. */
export const mmSyscalls: Implementation[] = [
  sys_mmap,
  sys_munmap,
  sys_mprotect,
  sys_pkey_mprotect,
  sys_pkey_alloc,
  sys_pkey_free,
  sys_mremap,
  sys_brk,
  sys_madvise,
  sys_process_madvise,
  sys_process_mrelease,
  sys_msync,
  sys_mincore,
  sys_mlock,
  sys_mlock2,
  sys_munlock,
  sys_mlockall,
  sys_munlockall,
  sys_mseal,
  sys_remap_file_pages,
  sys_map_shadow_stack,
  sys_process_vm_readv,
  sys_process_vm_writev,
  sys_mbind,
  sys_set_mempolicy,
  sys_get_mempolicy,
  sys_set_mempolicy_home_node,
  sys_migrate_pages,
  sys_move_pages,
  sys_modify_ldt,
  sys_membarrier,
];
