/** /proc/sys/kernel/io_uring_disabled: 1 leaves rings to CAP_SYS_ADMIN, 2 makes none. */
import { CAP_SYS_ADMIN } from "../../syscall-tables/flags/system.ts";
import type { Credentials } from "../task/credentials.ts";

export const ringSettings = { disabled: 0 };

/** io_uring_allowed() */
export const mayMakeRing = (creds: Pick<Credentials, "has">): boolean =>
  ringSettings.disabled === 0 || (ringSettings.disabled === 1 && creds.has(CAP_SYS_ADMIN));
