/** Native AIO and io_uring. */
import type { Implementation } from "../implement.ts";
import { sys_io_getevents, sys_io_pgetevents } from "./getevents.ts";
import { sys_io_uring_enter, sys_io_uring_setup } from "./io-uring.ts";
import { sys_io_uring_register } from "./io-uring-register.ts";
import { sys_io_destroy, sys_io_setup } from "./setup.ts";
import { sys_io_cancel, sys_io_submit } from "./submit.ts";

export const aioSyscalls: Implementation[] = [
  sys_io_setup,
  sys_io_destroy,
  sys_io_submit,
  sys_io_cancel,
  sys_io_getevents,
  sys_io_pgetevents,
  sys_io_uring_setup,
  sys_io_uring_enter,
  sys_io_uring_register,
];
