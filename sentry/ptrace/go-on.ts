/** The requests that make a stopped task go on, or a running one stop. */
import {
  PTRACE_CONT,
  PTRACE_DETACH,
  PTRACE_SINGLESTEP,
  PTRACE_SYSCALL,
  PTRACE_SYSEMU,
  PTRACE_SYSEMU_SINGLESTEP,
} from "../../syscall-tables/flags/ptrace.ts";
import { EIO } from "../abi/errno.ts";
import { NSIG } from "../abi/signal.ts";
import type { Task } from "../task/task.ts";
import { detach } from "./link.ts";
import { release, relisten } from "./stop.ts";
import { PTRACE_EVENT_STOP } from "./trace.ts";

export const listen = (tracee: Task): number => {
  const { trace } = tracee;
  const stop = trace?.stop ?? null;
  if (trace === null || stop === null || !trace.isSeized || (stop.info?.code ?? 0) >> 8 !== PTRACE_EVENT_STOP) return EIO;
  stop.isListening = true;
  if (trace.isNotifyDue) relisten(tracee, trace);
  return 0;
};

export const interrupt = (tracee: Task): number => {
  const { trace } = tracee;
  if (trace === null || !trace.isSeized) return EIO;
  trace.isStopDue = true;
  if (trace.stop?.isListening) relisten(tracee, trace);
  else tracee.poke();
  return 0;
};

export const goOn = (tracee: Task, request: number, signal: number): number => {
  if (signal > NSIG) return EIO;
  switch (request) {
    case PTRACE_CONT:
      release(tracee, signal, "run", false);
      return 0;
    case PTRACE_SYSCALL:
      release(tracee, signal, "calls", false);
      return 0;
    case PTRACE_SINGLESTEP:
      release(tracee, signal, "run", true);
      return 0;
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
      release(tracee, signal, "emulated-calls", request === PTRACE_SYSEMU_SINGLESTEP);
      return 0;
    case PTRACE_DETACH:
      detach(tracee, signal);
      return 0;
    default:
      return EIO;
  }
};
