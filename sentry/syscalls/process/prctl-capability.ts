/** prctl(2) on capabilities (security/commoncap.c cap_task_prctl). */

import {
  PR_CAP_AMBIENT,
  PR_CAPBSET_DROP,
  PR_CAPBSET_READ,
  PR_GET_KEEPCAPS,
  PR_GET_SECUREBITS,
  PR_SET_KEEPCAPS,
  PR_SET_SECUREBITS,
} from "../../../syscall-tables/flags/prctl.ts";
import { CAP_SETPCAP } from "../../../syscall-tables/flags/system.ts";
import {
  CAP_LAST_CAP,
  CapabilitySet,
  SECBIT_KEEP_CAPS,
  SECBIT_KEEP_CAPS_LOCKED,
  SECBIT_NO_CAP_AMBIENT_RAISE,
  SECURE_ALL_BITS,
  SECURE_ALL_LOCKS,
} from "../../abi/capability.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

const PR_CAP_AMBIENT_IS_SET = 1;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_LOWER = 3;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

const mayChange = ({ creds }: Task): boolean => creds.hasIn(creds.userNamespace, CAP_SETPCAP);

const setSecurebits = (task: Task, bits: number): number => {
  const old = task.creds.securebits;
  const changesLocked = (((old & SECURE_ALL_LOCKS) >>> 1) & (old ^ bits)) !== 0;
  const unlocks = (old & SECURE_ALL_LOCKS & ~bits) !== 0;
  const isUnknown = (bits & ~(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) !== 0;
  if (changesLocked || unlocks || isUnknown || !mayChange(task)) return EPERM;
  task.creds = task.creds.with({ securebits: bits });
  return 0;
};

const setKeepCaps = (task: Task, keep: number): number => {
  if (keep > 1) return EINVAL;
  const { securebits } = task.creds;
  if ((securebits & SECBIT_KEEP_CAPS_LOCKED) !== 0) return EPERM;
  task.creds = task.creds.with({ securebits: keep === 1 ? securebits | SECBIT_KEEP_CAPS : securebits & ~SECBIT_KEEP_CAPS });
  return 0;
};

const setAmbient = (task: Task, option: number, capability: number): number => {
  const { creds } = task;
  if (option === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (capability !== 0) return EINVAL;
    task.creds = creds.with({ capAmbient: CapabilitySet.EMPTY });
    return 0;
  }
  if (capability > CAP_LAST_CAP) return EINVAL;
  switch (option) {
    case PR_CAP_AMBIENT_IS_SET:
      return creds.capAmbient.has(capability) ? 1 : 0;
    case PR_CAP_AMBIENT_RAISE:
      if (!creds.capPermitted.has(capability) || !creds.capInheritable.has(capability)) return EPERM;
      if ((creds.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) !== 0) return EPERM;
      task.creds = creds.with({ capAmbient: creds.capAmbient.with(capability) });
      return 0;
    case PR_CAP_AMBIENT_LOWER:
      task.creds = creds.with({ capAmbient: creds.capAmbient.without(capability) });
      return 0;
    default:
      return EINVAL;
  }
};

export const capabilityPrctl = (task: Task, option: number, arg2: number, arg3: number, arg4: number, arg5: number): number => {
  const { creds } = task;
  switch (option) {
    case PR_CAPBSET_READ:
      if (arg2 > CAP_LAST_CAP) return EINVAL;
      return creds.capBounding.has(arg2) ? 1 : 0;
    case PR_CAPBSET_DROP:
      if (!mayChange(task)) return EPERM;
      if (arg2 > CAP_LAST_CAP) return EINVAL;
      task.creds = creds.with({ capBounding: creds.capBounding.without(arg2) });
      return 0;
    case PR_GET_SECUREBITS:
      return creds.securebits;
    case PR_SET_SECUREBITS:
      return setSecurebits(task, arg2);
    case PR_GET_KEEPCAPS:
      return (creds.securebits & SECBIT_KEEP_CAPS) !== 0 ? 1 : 0;
    case PR_SET_KEEPCAPS:
      return setKeepCaps(task, arg2);
    case PR_CAP_AMBIENT:
      return arg4 !== 0 || arg5 !== 0 ? EINVAL : setAmbient(task, arg2, arg3);
    default:
      return EINVAL;
  }
};
