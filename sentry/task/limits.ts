/** Resource limits of a process (getrlimit(2)). */
import {
  RLIMIT_CORE,
  RLIMIT_MEMLOCK,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_NOFILE,
  RLIMIT_NPROC,
  RLIMIT_RTPRIO,
  RLIMIT_SIGPENDING,
  RLIMIT_STACK,
} from "../../syscall-tables/flags/process.ts";
import { RLIM_INFINITY, RLIM_NLIMITS } from "../abi/resource.ts";

export interface Limit {
  readonly soft: number;
  readonly hard: number;
}

const UNLIMITED: Limit = { soft: RLIM_INFINITY, hard: RLIM_INFINITY };

/** INIT_RLIMITS (include/asm-generic/resource.h) with the counts of a machine of a few GiB. */
const initial = (): Limit[] => {
  const limits: Limit[] = Array.from({ length: RLIM_NLIMITS }, () => UNLIMITED);
  limits[RLIMIT_STACK] = { soft: 8 * 1024 * 1024, hard: RLIM_INFINITY };
  limits[RLIMIT_CORE] = { soft: 0, hard: RLIM_INFINITY };
  limits[RLIMIT_NPROC] = { soft: 31_000, hard: 31_000 };
  limits[RLIMIT_NOFILE] = { soft: 1024, hard: 1_048_576 };
  limits[RLIMIT_MEMLOCK] = { soft: 8 * 1024 * 1024, hard: 8 * 1024 * 1024 };
  limits[RLIMIT_SIGPENDING] = { soft: 31_000, hard: 31_000 };
  limits[RLIMIT_MSGQUEUE] = { soft: 819_200, hard: 819_200 };
  limits[RLIMIT_NICE] = { soft: 0, hard: 0 };
  limits[RLIMIT_RTPRIO] = { soft: 0, hard: 0 };
  return limits;
};

export class Limits {
  readonly #limits: Limit[];

  constructor(from: Limits | null = null) {
    this.#limits = from === null ? initial() : from.#limits.slice();
  }

  get(resource: number): Limit {
    return this.#limits[resource];
  }

  set(resource: number, limit: Limit): void {
    this.#limits[resource] = limit;
  }

  fork(): Limits {
    return new Limits(this);
  }
}
