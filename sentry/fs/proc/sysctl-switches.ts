/** Knobs whose numbers other parts of the kernel read: what is written takes effect (proc_dointvec_minmax). */

import { CAP_SYS_PTRACE } from "../../../syscall-tables/flags/system.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { ringSettings } from "../../io-uring/ring-settings.ts";
import { PTRACE_SCOPE_NO_ATTACH, ptraceScope } from "../../ptrace/link.ts";
import { leaseSettings } from "../../vfs/leases.ts";
import { linkProtection } from "../../vfs/link-protection.ts";
import type { Sysctl } from "./registries.ts";

/** A whole number within bounds; anything else is EINVAL. */
const numberKnob = (greatest: number, get: () => number, set: (value: number) => void): Sysctl => ({
  read: () => `${get()}\n`,
  write: (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= 0 && value <= greatest)) return EINVAL;
    set(value);
    return 0;
  },
});

const linkKnob = (name: "fifos" | "regular", greatest: number): Sysctl =>
  numberKnob(
    greatest,
    () => linkProtection[name],
    (value) => {
      linkProtection[name] = value;
    },
  );

const linkSwitch = (name: "hardlinks" | "symlinks"): Sysctl =>
  numberKnob(
    1,
    () => (linkProtection[name] ? 1 : 0),
    (value) => {
      linkProtection[name] = value === 1;
    },
  );

const scope = numberKnob(
  PTRACE_SCOPE_NO_ATTACH,
  () => ptraceScope.value,
  (value) => {
    ptraceScope.value = value;
  },
);

/** yama_dointvec_minmax: the last step cannot be taken back. */
const ptraceKnob: Sysctl = {
  read: scope.read,
  write: (text, task) => {
    if (!task.creds.has(CAP_SYS_PTRACE)) return EPERM;
    if (ptraceScope.value === PTRACE_SCOPE_NO_ATTACH && text !== String(PTRACE_SCOPE_NO_ATTACH)) return EINVAL;
    return scope.write?.(text, task) ?? EINVAL;
  },
};

const leaseTime = numberKnob(
  2 ** 31 - 1,
  () => leaseSettings.breakTimeSec,
  (value) => {
    leaseSettings.breakTimeSec = value;
  },
);

const leaseSwitch = numberKnob(
  2 ** 31 - 1,
  () => (leaseSettings.isEnabled ? 1 : 0),
  (value) => {
    leaseSettings.isEnabled = value !== 0;
  },
);

const ringSwitch = numberKnob(
  2,
  () => ringSettings.disabled,
  (value) => {
    ringSettings.disabled = value;
  },
);

/** There are no caches of the guest's to drop: the files' are the host's. */
let dropped = 0;
const dropCaches: Sysctl = {
  read: () => `${dropped}\n`,
  write: (text) => {
    if (!/^[1-4]$/.test(text)) return EINVAL;
    dropped = Number(text);
    return 0;
  },
};

export const switches: readonly (readonly [path: string, knob: Sysctl])[] = [
  ["fs/lease-break-time", leaseTime],
  ["fs/leases-enable", leaseSwitch],
  ["fs/protected_fifos", linkKnob("fifos", 2)],
  ["fs/protected_hardlinks", linkSwitch("hardlinks")],
  ["fs/protected_regular", linkKnob("regular", 2)],
  ["fs/protected_symlinks", linkSwitch("symlinks")],
  ["kernel/io_uring_disabled", ringSwitch],
  ["kernel/yama/ptrace_scope", ptraceKnob],
  ["vm/drop_caches", dropCaches],
];
