/** Time namespaces (time_namespaces(7)): CLOCK_MONOTONIC and CLOCK_BOOTTIME with an offset. Offsets are set until somebody is inside. */
import { EACCES } from "../abi/errno.ts";
import { rootUserNamespace, type UserNamespace } from "./user-namespace.ts";

/** Seconds of any sign, and 0 to 999999999 ns. */
export interface TimeOffset {
  readonly sec: number;
  readonly nsec: number;
}

export type OffsetClock = "monotonic" | "boottime";

export const NO_OFFSET: TimeOffset = { sec: 0, nsec: 0 };
const inNs = ({ sec, nsec }: TimeOffset): number => sec * 1e9 + nsec;

export class TimeNamespace {
  readonly userNamespace: UserNamespace;
  #monotonic: TimeOffset;
  #boottime: TimeOffset;
  #isFrozen: boolean;

  /** `from`: the namespace whose offsets it begins with; null: the machine's own time, which nobody sets. */
  constructor(userNamespace: UserNamespace, from: TimeNamespace | null) {
    this.userNamespace = userNamespace;
    this.#monotonic = from?.monotonic ?? NO_OFFSET;
    this.#boottime = from?.boottime ?? NO_OFFSET;
    this.#isFrozen = from === null;
  }

  get monotonic(): TimeOffset {
    return this.#monotonic;
  }
  get boottime(): TimeOffset {
    return this.#boottime;
  }
  get monotonicNs(): number {
    return inNs(this.#monotonic);
  }
  get boottimeNs(): number {
    return inNs(this.#boottime);
  }
  get isFrozen(): boolean {
    return this.#isFrozen;
  }
  /** The host's vDSO tells its members the right time. */
  get isHostTime(): boolean {
    return inNs(this.#monotonic) === 0 && inNs(this.#boottime) === 0;
  }

  /** The one place where offsets are set: by /proc/PID/timens_offsets, or for a container's first process. EACCES once anybody is inside. */
  setOffset(clock: OffsetClock, offset: TimeOffset): 0 | typeof EACCES {
    if (this.#isFrozen) return EACCES;
    if (clock === "monotonic") this.#monotonic = offset;
    else this.#boottime = offset;
    return 0;
  }

  /** Somebody's clocks are this namespace's now: they may not jump any more. */
  freeze(): void {
    this.#isFrozen = true;
  }
}

export const firstTimeNamespace = new TimeNamespace(rootUserNamespace, null);
