/** process.ioPriority and process.scheduler of config.json, checked as runc 1.2 does (libcontainer/configs/validate). */
import { SCHED_DEADLINE } from "../../syscall-tables/flags/process.ts";
import type { SchedulerConfig } from "../sandbox/process-config.ts";
import type { Field } from "./field.ts";

/** linux/ioprio.h */
const IO_CLASSES: ReadonlyMap<string, number> = new Map([
  ["IOPRIO_CLASS_RT", 1],
  ["IOPRIO_CLASS_BE", 2],
  ["IOPRIO_CLASS_IDLE", 3],
]);
const IO_CLASS_SHIFT = 13;

export const validateIoPriority = (field: Field): number => {
  if (!field.exists) return 0;
  const priority = field.at("priority").integer(-(2 ** 31), 2 ** 31, 0);
  if (priority < 0 || priority > 7) field.say(`invalid ioPriority.Priority: ${priority}`);
  const name = field.at("class").text("");
  const ioClass = IO_CLASSES.get(name);
  if (ioClass === undefined) return field.say(`invalid ioPriority.Class: ${JSON.stringify(name)}`);
  return (ioClass << IO_CLASS_SHIFT) | priority;
};
/** sched(7) */
const POLICIES: ReadonlyMap<string, number> = new Map([
  ["SCHED_OTHER", 0],
  ["SCHED_FIFO", 1],
  ["SCHED_RR", 2],
  ["SCHED_BATCH", 3],
  ["SCHED_IDLE", 5],
  ["SCHED_DEADLINE", SCHED_DEADLINE],
]);
const REALTIME = new Set([1, 2]);
const RESET_ON_FORK = "SCHED_FLAG_RESET_ON_FORK";

export const validateScheduler = (field: Field): SchedulerConfig | null => {
  if (!field.exists) return null;
  const name = field.at("policy").text("");
  if (name === "") field.say("scheduler policy is required");
  const policy = POLICIES.get(name);
  if (policy === undefined) return field.say(`invalid scheduler policy: ${name}`);
  const nice = field.at("nice").integer(-(2 ** 31), 2 ** 31, 0);
  if (nice < -20 || nice > 19) field.say(`invalid scheduler.nice: ${nice}`);
  const priority = field.at("priority");
  if (!priority.isEmpty && !REALTIME.has(policy)) field.say("scheduler.priority can only be specified for SchedFIFO or SchedRR policy");
  const time = (key: string): number => field.at(key).integer(0, Number.MAX_SAFE_INTEGER, 0);
  const times = { runtimeNs: time("runtime"), deadlineNs: time("deadline"), periodNs: time("period") };
  if (policy !== SCHED_DEADLINE && (times.runtimeNs || times.deadlineNs || times.periodNs)) {
    field.say("scheduler runtime/deadline/period can only be specified for SchedDeadline policy");
  }
  for (const flag of field.at("flags").list()) if (flag.text() !== RESET_ON_FORK) flag.refuse(`${flag.text()} is not supported`);
  return {
    policy,
    nice,
    priority: priority.integer(REALTIME.has(policy) ? 1 : 0, 99, 0),
    isResetOnFork: !field.at("flags").isEmpty,
    ...times,
  };
};
