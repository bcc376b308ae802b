/** What a signal carries, and its 128-byte form (siginfo_t, include/uapi/asm-generic/siginfo.h). */
import {
  SI_KERNEL,
  SI_SIGIO,
  SI_TIMER,
  SI_TKILL,
  SI_USER,
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
} from "../../syscall-tables/flags/signal.ts";
import { SIGINFO_SIZE, SIGPOLL } from "../abi/signal.ts";
import type { Task } from "./task.ts";

/** The highest si_code of SIGPOLL. */
const NSIGPOLL = 6;

export interface SignalInfo {
  readonly signal: number;
  readonly code: number;
  readonly errno?: number;
  /** The sender as the receiver's namespaces see it. */
  readonly pid?: number;
  readonly uid?: number;
  /** sigval: a whole double, or its low half when `valueHi` is given. */
  readonly value?: number;
  readonly valueHi?: number;
  /** Faults: si_addr. SIGSYS: si_call_addr. */
  readonly addr?: number;
  /** SIGCHLD; times in clock ticks. */
  readonly status?: number;
  readonly utime?: number;
  readonly stime?: number;
  /** SIGIO. */
  readonly band?: number;
  readonly fd?: number;
  /** SI_TIMER: si_tid. */
  readonly timerId?: number;
  /** SI_TIMER: si_overrun, settled when the signal is dequeued. */
  overrun?: number;
  /** SIGSYS. */
  readonly syscall?: number;
  readonly arch?: number;
  /** rt_sigqueueinfo(2): the sender's own siginfo, 128 bytes; signal and code are those above. */
  readonly raw?: Uint8Array;
  /** Faults: what the frame's sigcontext shows (trapno, err, cr2). */
  readonly trap?: { readonly number: number; readonly error: number; readonly addr: number };
  /** Asked when the signal leaves the queue; false drops it (a timer that was deleted or set again). */
  readonly source?: SignalSource;
  /** Sent by an ancestor pid namespace or by the kernel itself: reaches an init that has no handler. */
  readonly force?: boolean;
}

/** A timer or message queue whose queued signal is settled late. */
export interface SignalSource {
  onDequeue(info: SignalInfo): boolean;
  /** The signal was dropped or flushed unread. */
  onDiscard(info: SignalInfo): void;
}

/** SEND_SIG_PRIV */
export const kernelSignal = (signal: number): SignalInfo => ({ signal, code: SI_KERNEL, pid: 0, uid: 0, force: true });

/** A signal that `sender` sends to `receiver` by kill(2). */
export const userSignal = (signal: number, sender: Task, receiver: Task, code: number = SI_USER): SignalInfo => {
  const pid = sender.process.leader.pid.in(receiver.pidNamespace);
  return { signal, code, pid, uid: receiver.creds.userNamespace.showUid(sender.creds.uid), force: pid === 0 };
};

/** The same for tkill(2) and tgkill(2). */
export const threadSignal = (signal: number, sender: Task, receiver: Task): SignalInfo => userSignal(signal, sender, receiver, SI_TKILL);

/** A fault of the running instruction. */
export const faultSignal = (signal: number, code: number, addr: number, trapNumber = 0, error = 0, cr2 = addr): SignalInfo => ({
  signal,
  code,
  addr,
  trap: { number: trapNumber, error, addr: cr2 },
});

/** Linux's siginfo_layout, as far as it decides between unions. */
export type SignalLayout = "kill" | "timer" | "rt" | "child" | "fault" | "poll" | "sys";

export const signalLayout = (signal: number, code: number): SignalLayout => {
  if (code > SI_USER && code < SI_KERNEL) {
    switch (signal) {
      case SIGILL:
      case SIGFPE:
      case SIGSEGV:
      case SIGBUS:
      case SIGTRAP:
        return "fault";
      case SIGCHLD:
        return "child";
      case SIGSYS:
        return "sys";
      case SIGPOLL:
        return "poll";
      default:
        // F_SETSIG: any other signal with the reasons of SIGIO.
        return code <= NSIGPOLL ? "poll" : "kill";
    }
  }
  if (code === SI_TIMER) return "timer";
  if (code === SI_SIGIO) return "poll";
  return code < 0 ? "rt" : "kill";
};

const putDouble = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
};

const putValue = (view: DataView, at: number, info: SignalInfo): void => {
  if (info.valueHi === undefined) putDouble(view, at, info.value ?? 0);
  else {
    view.setUint32(at, info.value ?? 0, true);
    view.setUint32(at + 4, info.valueHi, true);
  }
};

const putInfo = (bytes: Uint8Array, view: DataView, info: SignalInfo): void => {
  if (info.raw !== undefined) bytes.set(info.raw.subarray(0, SIGINFO_SIZE));
  view.setInt32(0, info.signal, true);
  if (info.raw !== undefined) return;
  view.setInt32(4, info.errno ?? 0, true);
  view.setInt32(8, info.code, true);
  switch (signalLayout(info.signal, info.code)) {
    case "timer":
      view.setInt32(16, info.timerId ?? 0, true);
      view.setInt32(20, info.overrun ?? 0, true);
      putValue(view, 24, info);
      break;
    case "child":
      view.setInt32(16, info.pid ?? 0, true);
      view.setUint32(20, info.uid ?? 0, true);
      view.setInt32(24, info.status ?? 0, true);
      putDouble(view, 32, info.utime ?? 0);
      putDouble(view, 40, info.stime ?? 0);
      break;
    case "fault":
      putDouble(view, 16, info.addr ?? 0);
      break;
    case "poll":
      putDouble(view, 16, info.band ?? 0);
      view.setInt32(24, info.fd ?? 0, true);
      break;
    case "sys":
      putDouble(view, 16, info.addr ?? 0);
      view.setInt32(24, info.syscall ?? 0, true);
      view.setUint32(28, info.arch ?? 0, true);
      break;
    default:
      view.setInt32(16, info.pid ?? 0, true);
      view.setUint32(20, info.uid ?? 0, true);
      putValue(view, 24, info);
  }
};

/** copy_siginfo_to_user: a fresh 128-byte siginfo_t. */
export const packSignalInfo = (info: SignalInfo): Uint8Array => {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  putInfo(bytes, new DataView(bytes.buffer), info);
  return bytes;
};

const frameBytes = new Uint8Array(SIGINFO_SIZE);
const frameView = new DataView(frameBytes.buffer);

/** The same for a signal frame: valid until the next call. */
export const packFrameInfo = (info: SignalInfo): Uint8Array => {
  frameBytes.fill(0);
  putInfo(frameBytes, frameView, info);
  return frameBytes;
};
