import { EFAULT, EINVAL, ERESTARTNOHAND } from "../../abi/errno.ts";
import { SIGSET_SIZE } from "../../abi/signal.ts";
import { BLOCKED, BlockingOp } from "../../task/blocking.ts";
import { implement } from "../implement.ts";
import { readSigset, sigset } from "./sigset.ts";

/** Sleeps until a signal is delivered. */
class PauseOp extends BlockingOp {
  override subscribe(): void {}

  override step(): number {
    return BLOCKED;
  }

  override interrupted(): number {
    return ERESTARTNOHAND;
  }

  override describe(): string {
    return "pause";
  }
}

/** rt_sigsuspend(2) */
export const sys_rt_sigsuspend = implement("rt_sigsuspend", { level: "full" }, (task, setAddr, setSize) => {
  if (setSize !== SIGSET_SIZE) return EINVAL;
  if (readSigset(task, setAddr) < 0) return EFAULT;
  task.signals.setTemporaryMask(sigset.lo, sigset.hi);
  return task.block(new PauseOp());
});

/** pause(2) */
export const sys_pause = implement("pause", { level: "full" }, (task) => task.block(new PauseOp()));
