/** Calls whose arguments mean different things from case to case. Everything else follows from the signature. */

import { SETVAL } from "../../syscall-tables/flags/ipc.ts";
import { CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_SETTLS } from "../../syscall-tables/flags/process.ts";
import { PATH_MAX } from "../../syscall-tables/limits.ts";
import { type ArgFormat, formatArg, formatStruct } from "./arguments.ts";
import { argAddr, argI32, argIndex, argU32, argU64, type Call, hasSucceeded, peekBytes, peekView } from "./call.ts";
import { fcntlArg, fcntlAux, fcntlOutputs, fcntlResult, fcntlShown } from "./fcntl.ts";
import { formatFd } from "./fields.ts";
import { futexOp, futexShown, futexTimeout, futexVal3 } from "./futex.ts";
import { ioctlArg, ioctlCommand, ioctlOutputs } from "./ioctl.ts";
import { prctlFirst, prctlShown } from "./prctl.ts";
import { formatOptionValue, optionName } from "./socket-options.ts";
import { pollResult, structs } from "./structs.ts";
import { ARRAY_LIMIT, hex64, list, permissions, pointer, quoteBytes } from "./text.ts";
import { formatFileMode } from "./words.ts";

export interface Special {
  /** Formats by argument name. */
  readonly args?: Readonly<Record<string, ArgFormat>>;
  /** Printed as `label=`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The arguments to print, in order; all in their order by default. */
  readonly shown?: (call: Call) => readonly string[];
  /** Arguments that wait for the call's end although their kind does not say so. */
  readonly outputs?: (call: Call) => readonly string[];
  /** Value-result arguments printed as they were at entry; what came back is in `aux`. */
  readonly frozen?: readonly string[];
  /** What strace(1) adds in parentheses behind the result; null for nothing. */
  readonly aux?: (call: Call) => string | null;
  readonly result?: (call: Call, result: number) => string;
}
/** Entries beyond this are not counted. */
const DIRECTORY_MAX = 0x10_0000;
const O_CREAT_OR_TMPFILE = 0o20000100;

/** `name` only if `flagsName` asks for a new file. */
const withMode =
  (...names: readonly string[]) =>
  (call: Call): readonly string[] =>
    (argU32(call, argIndex(call, names[names.length - 2])) & O_CREAT_OR_TMPFILE) === 0 ? names.slice(0, -1) : names;

const fileMode: ArgFormat = (call, index) => formatFileMode(argU32(call, index));

const fdSet = (call: Call, name: string): string => {
  const addr = argAddr(call, argIndex(call, name));
  const count = Math.min(Math.max(argI32(call, 0), 0), 1024);
  const bytes = addr === 0 ? null : peekBytes(call.memory, addr, Math.ceil(count / 64) * 8);
  if (bytes === null) return pointer(addr);
  const members: string[] = [];
  for (let fd = 0; fd < count; fd++) if ((bytes[fd >> 3] & (1 << (fd & 7))) !== 0) members.push(formatFd(call, fd));
  return `[${members.join(" ")}]`;
};

const fdSetArg: ArgFormat = (call, index) => fdSet(call, call.signature.args[index].name);

const left = (call: Call, name: string, of: string): string[] => {
  const addr = argAddr(call, argIndex(call, name));
  return addr === 0 ? [] : [`left ${formatStruct(call, of, addr)}`];
};

const selectAux =
  (timeoutType: string) =>
  (call: Call): string | null => {
    if (call.result === 0) return "Timeout";
    if (!hasSucceeded(call)) return null;
    const sets = [
      ["in", "readfds"],
      ["out", "writefds"],
      ["except", "exceptfds"],
    ].flatMap(([word, name]) => {
      const text = fdSet(call, name);
      return text === "NULL" || text === "[]" ? [] : [`${word} ${text}`];
    });
    return [...sets, ...left(call, "timeout", timeoutType)].join(", ");
  };

const select = (timeoutType: string): Special => ({
  args: { readfds: fdSetArg, writefds: fdSetArg, exceptfds: fdSetArg },
  frozen: ["timeout"],
  aux: selectAux(timeoutType),
});

const pollAux = (call: Call): string | null => {
  if (call.result === 0) return "Timeout";
  if (!hasSucceeded(call)) return null;
  const count = Math.min(argU32(call, 1), ARRAY_LIMIT);
  const view = peekView(call.memory, argAddr(call, 0), count * 8);
  if (view === null) return null;
  const ready = Array.from({ length: count }, (_, index) => index * 8).filter((at) => view.getInt16(at + 6, true) !== 0);
  const plain: Call = { ...call, describeFd: () => null };
  const fds = list(ready.map((at) => pollResult.format(view, at, plain)));
  return [fds, ...(call.name === "ppoll" ? left(call, "tsp", "timespec") : [])].join(", ");
};

/** struct linux_dirent and linux_dirent64 both keep d_reclen at 16. */
const directoryEntries: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const length = Math.min(call.result ?? 0, DIRECTORY_MAX);
  const view = length > 0 ? peekView(call.memory, addr, length) : null;
  if (view === null && length !== 0) return pointer(addr);
  let count = 0;
  for (let at = 0; view !== null && at + 18 <= length; count++) at += Math.max(view.getUint16(at + 16, true), 1);
  return `${pointer(addr)} /* ${count} entries */`;
};

const cpuSet: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const isOut = call.name === "sched_getaffinity";
  if (isOut && !hasSucceeded(call)) return pointer(addr);
  const length = Math.min(isOut ? (call.result ?? 0) : argU32(call, argIndex(call, "len")), 128);
  const bytes = peekBytes(call.memory, addr, length);
  if (bytes === null) return pointer(addr);
  const cpus: number[] = [];
  for (let cpu = 0; cpu < bytes.length * 8; cpu++) if ((bytes[cpu >> 3] & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  return `[${cpus.join(" ")}]`;
};

/** A path that came back: without its NUL, and never shortened. */
const pathBack: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const length = Math.min(call.result ?? 0, PATH_MAX);
  const bytes = hasSucceeded(call) ? peekBytes(call.memory, addr, length) : null;
  if (bytes === null) return pointer(addr);
  return quoteBytes(bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes, undefined, length);
};

/** wait4(2) writes a status only when it found a child. */
const waitStatus: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  return (call.result ?? 0) > 0 ? formatStruct(call, "wait_status", addr) : pointer(addr);
};
const rusageOfChild: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  return (call.result ?? 0) > 0 ? formatStruct(call, "rusage", addr) : pointer(addr);
};
const CLONE_CHILD_TID = 0x120_0000;

const cloneShown = (call: Call): readonly string[] => {
  const flags = argU32(call, 0);
  const names = ["newsp", "flags"];
  if ((flags & (CLONE_PARENT_SETTID | CLONE_PIDFD)) !== 0) names.push("parent_tid");
  if ((flags & CLONE_SETTLS) !== 0) names.push("tls");
  if ((flags & CLONE_CHILD_TID) !== 0) names.push("child_tid");
  return names;
};
const semctlArg: ArgFormat = (call, index) =>
  (argI32(call, 2) & 0xff) === SETVAL ? String(argI32(call, index)) : hex64(call.words[index * 2], call.words[index * 2 + 1]);

const openShown = withMode("filename", "flags", "mode");
const openatShown = withMode("dfd", "filename", "flags", "mode");

/** recvmmsg(2) fills as many headers as it returns. */
const receivedMessages: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const layout = structs.mmsghdr;
  const count = Math.min(call.result ?? 0, ARRAY_LIMIT);
  const view = hasSucceeded(call) && layout !== undefined ? peekView(call.memory, addr, count * layout.size) : null;
  if (view === null || layout === undefined) return pointer(addr);
  return list(Array.from({ length: count }, (_, element) => layout.format(view, element * layout.size, call)));
};

export const specials: Readonly<Record<string, Special | undefined>> = {
  open: { shown: openShown },
  openat: { shown: openatShown },
  mq_open: {
    shown: (call) => ((argU32(call, 1) & 0o100) === 0 ? ["u_name", "oflag"] : ["u_name", "oflag", "mode", "u_attr"]),
  },
  mknod: { args: { mode: fileMode } },
  mknodat: { args: { mode: fileMode } },
  umask: { result: (_call, result) => permissions(result) },
  getcwd: { args: { buf: pathBack } },
  readlink: { args: { buf: pathBack } },
  readlinkat: { args: { buf: pathBack } },
  getdents: { args: { dirent: directoryEntries } },
  getdents64: { args: { dirent: directoryEntries } },
  fcntl: { args: { arg: fcntlArg }, shown: fcntlShown, outputs: fcntlOutputs, aux: fcntlAux, result: fcntlResult },
  ioctl: { args: { cmd: ioctlCommand, arg: ioctlArg }, outputs: ioctlOutputs },
  select: select("timeval"),
  pselect6: select("timespec"),
  poll: { frozen: ["ufds"], aux: pollAux },
  ppoll: { frozen: ["ufds", "tsp"], aux: pollAux },
  recvmsg: { args: { msg: formatArg } },
  sendmmsg: { frozen: ["mmsg"] },
  recvmmsg: { args: { mmsg: receivedMessages }, frozen: ["timeout"] },
  futex: { args: { op: futexOp, timeout: futexTimeout, val3: futexVal3 }, shown: futexShown },
  prctl: { args: { arg2: prctlFirst }, shown: prctlShown },
  clone: {
    shown: cloneShown,
    labels: { newsp: "child_stack", flags: "flags", parent_tid: "parent_tid", tls: "tls", child_tid: "child_tidptr" },
  },
  wait4: { args: { stat_addr: waitStatus, ru: rusageOfChild } },
  sched_getaffinity: { args: { user_mask_ptr: cpuSet } },
  sched_setaffinity: { args: { user_mask_ptr: cpuSet } },
  setsockopt: { args: { optname: optionName, optval: formatOptionValue } },
  getsockopt: { args: { optname: optionName, optval: formatOptionValue }, outputs: () => ["optval"] },
  semctl: { args: { arg: semctlArg } },
  arch_prctl: { args: { arg2: (call, index) => pointer(argU64(call, index)) } },
  personality: { result: (_call, result) => `0x${result.toString(16)}` },
};
