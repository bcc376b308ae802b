/** Native AIO. io_uring is left out: a kernel without CONFIG_IO_URING answers ENOSYS. */
import type { Implementation } from "../implement.ts";
import { sys_io_getevents, sys_io_pgetevents } from "./getevents.ts";
import { sys_io_destroy, sys_io_setup } from "./setup.ts";
import { sys_io_cancel, sys_io_submit } from "./submit.ts";

export const aioSyscalls: Implementation[] = [
  sys_io_setup,
  sys_io_destroy,
  sys_io_submit,
  sys_io_cancel,
  sys_io_getevents,
  sys_io_pgetevents,
];
