/** struct rusage (getrusage(2)) and what a parent inherits from reaped children. */
import { RUSAGE_SIZE } from "../abi/resource.ts";
import type { Process } from "./process.ts";
import { type Usage, usageOf } from "./usage.ts";

const putTime = (view: DataView, at: number, ns: number): void => {
  view.setUint32(at, Math.floor(ns / 1e9), true);
  view.setUint32(at + 8, Math.floor((ns % 1e9) / 1000), true);
};

const putLong = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
};

export const packUsage = (usage: Usage): Uint8Array => {
  const bytes = new Uint8Array(RUSAGE_SIZE);
  const view = new DataView(bytes.buffer);
  putTime(view, 0, usage.userNs);
  putTime(view, 16, usage.systemNs);
  putLong(view, 32, usage.maxRss);
  putLong(view, 64, usage.minorFaults);
  putLong(view, 72, usage.majorFaults);
  putLong(view, 88, usage.blocksIn);
  putLong(view, 96, usage.blocksOut);
  putLong(view, 128, usage.voluntarySwitches);
  putLong(view, 136, usage.involuntarySwitches);
  return bytes;
};

/** A zombie is being reaped by wait: its usage and its children's become the parent's (wait_task_zombie). */
export const noteReapedUsage = (process: Process): void => {
  const { parent } = process;
  if (parent === null) return;
  parent.childrenUsage.add(usageOf(process));
  parent.childrenUsage.add(process.childrenUsage);
};
