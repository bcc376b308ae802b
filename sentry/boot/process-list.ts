/** What `moat ps` shows of the processes inside. */
import type { ProcessInfo } from "../../runtime/sandbox/control-protocol.ts";
import { isErrno } from "../abi/errno.ts";
import type { Process } from "../task/process.ts";
import { usageOf } from "../task/usage.ts";
import type { MoatKernel } from "./moat-kernel.ts";

const SECOND_NS = 1e9;
const COMMAND_MAX = 1024;

/** The arguments, or the name in brackets for a process without any, as ps(1) shows it. */
const commandOf = (process: Process): string => {
  const task = process.anyTask;
  const { argStart, argEnd } = task.mm;
  const length = process.isZombie ? 0 : Math.min(COMMAND_MAX, argEnd - argStart);
  const bytes = length > 0 ? task.memory.copyIn(argStart, length) : new Uint8Array(0);
  const text = isErrno(bytes) ? "" : Buffer.from(bytes).toString("utf8").replace(/\0+$/, "").replaceAll("\0", " ");
  return text === "" ? `[${task.name}]` : text;
};

/** Those of one container. */
export const processList = function* (kernel: MoatKernel, container: number, first: Process | null): IterableIterator<ProcessInfo> {
  const nowNs = kernel.clock.monotonicNs();
  const realNs = kernel.clock.realtimeNs();
  for (const process of kernel.pids.processes()) {
    if (process.container !== container) continue;
    const usage = usageOf(process);
    yield {
      pid: process.pid,
      isFirst: process === first,
      hostPid: process.isZombie ? 0 : process.anyTask.thread.process.hostPid,
      parent: process.parent?.pid ?? 0,
      threads: Math.max(1, process.tasks.size),
      uid: process.leader.creds.uid,
      terminal: process.session.tty?.name ?? "?",
      start: Math.floor((realNs - nowNs + process.startNs) / SECOND_NS),
      cpuSeconds: Math.floor((usage.userNs + usage.systemNs) / SECOND_NS),
      command: commandOf(process),
    };
  }
};
