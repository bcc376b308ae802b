/** Signal dispositions (struct sighand_struct): one table per process, shared by CLONE_SIGHAND. */
import { SIG_DFL, SIG_IGN } from "../../syscall-tables/flags/signal.ts";
import { isIgnoredByDefault, NSIG, sigBitHi, sigBitLo } from "../abi/signal.ts";
import { WaitQueue } from "./blocking.ts";

export interface SignalAction {
  /** SIG_DFL, SIG_IGN or the handler's address. */
  readonly handlerAddr: number;
  /** SA_* as u32. */
  readonly flags: number;
  readonly restorerAddr: number;
  readonly maskLo: number;
  readonly maskHi: number;
}

export const DEFAULT_ACTION: SignalAction = { handlerAddr: SIG_DFL, flags: 0, restorerAddr: 0, maskLo: 0, maskHi: 0 };

export class SignalActions {
  readonly #actions: SignalAction[];
  /** Processes that share it. */
  users = 1;
  /** Notified when any signal becomes pending for a sharer (signalfd, rt_sigtimedwait). */
  readonly waitQueue = new WaitQueue();

  constructor(from: SignalActions | null = null) {
    this.#actions = from === null ? new Array(NSIG + 1).fill(DEFAULT_ACTION) : from.#actions.slice();
  }

  get(signal: number): SignalAction {
    return this.#actions[signal];
  }

  set(signal: number, action: SignalAction): void {
    this.#actions[signal] = action;
  }

  fork(): SignalActions {
    return new SignalActions(this);
  }

  /** True when `signal` would have no effect: ignored, or ignored by default. */
  ignores(signal: number): boolean {
    const handler = this.#actions[signal].handlerAddr;
    return handler === SIG_IGN || (handler === SIG_DFL && isIgnoredByDefault(signal));
  }

  /** flush_signal_handlers: to the default, except what is ignored (execve); with `ignored`, all (CLONE_CLEAR_SIGHAND keeps SIG_IGN too). */
  reset(): void {
    for (let signal = 1; signal <= NSIG; signal++) {
      const isIgnored = this.#actions[signal].handlerAddr === SIG_IGN;
      this.#actions[signal] = isIgnored ? { ...DEFAULT_ACTION, handlerAddr: SIG_IGN } : DEFAULT_ACTION;
    }
  }

  /** SigIgn and SigCgt of /proc/pid/status, as halves. */
  summary(): { ignoredLo: number; ignoredHi: number; caughtLo: number; caughtHi: number } {
    const sum = { ignoredLo: 0, ignoredHi: 0, caughtLo: 0, caughtHi: 0 };
    for (let signal = 1; signal <= NSIG; signal++) {
      const handler = this.#actions[signal].handlerAddr;
      if (handler === SIG_IGN) {
        sum.ignoredLo = (sum.ignoredLo | sigBitLo(signal)) >>> 0;
        sum.ignoredHi = (sum.ignoredHi | sigBitHi(signal)) >>> 0;
      } else if (handler !== SIG_DFL) {
        sum.caughtLo = (sum.caughtLo | sigBitLo(signal)) >>> 0;
        sum.caughtHi = (sum.caughtHi | sigBitHi(signal)) >>> 0;
      }
    }
    return sum;
  }
}
