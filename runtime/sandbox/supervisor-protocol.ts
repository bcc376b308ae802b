/** The supervisor channel's messages, as in native/launcher/protocol.h (which explains each). */

import { CONTROL_FIRST, CONTROL_LAST } from "./control-protocol.ts";

export const MESSAGE_HEADER_SIZE = 16;
export const MESSAGE_TEXT_MAX = 8192;
export const MESSAGE_FDS_MAX = 250;

export const MSG_START = 2;
export const MSG_SIGNAL = 3;
export const MSG_CONTINUED = 4;
export const MSG_CHILD_DIED = 5;
export const MSG_CONFINED = 6;
export const MSG_LOADED = 16;
export const MSG_EXITED = 17;
export const MSG_STOPPED = 18;
export const MSG_FATAL = 19;
export const MSG_EXEC_FAILED = 20;
export const MSG_CREATED = 23;
export const MSG_PREPARE = 32;
export const MSG_PREPARED = 33;

export const START_DEBUG_LOG = 1;
export const START_STRACE_LOG = 2;
export const START_BROKER = 8;
export const START_JOIN = 16;
export const START_STDIO_SHIFT = 8;

/** What the sentry hears while it runs. */
export type SupervisorMessage =
  | { readonly kind: typeof MSG_SIGNAL; readonly signal: number; readonly fromTerminal: boolean }
  | { readonly kind: typeof MSG_CONTINUED; readonly isForeground: boolean }
  | { readonly kind: typeof MSG_CHILD_DIED; readonly pid: number; readonly waitStatus: number }
  | ControlMessage;

/** From a client of the control socket (control-protocol.ts), who is known by a number. The fds are the receiver's to close. */
export interface ControlMessage {
  readonly kind: "control";
  readonly request: number;
  readonly client: number;
  readonly argument: number;
  readonly text: string;
  readonly fds: readonly number[];
}

/** Reads one packet; null for what this sandbox's init never sends (ignored, so that an older sentry survives). */
export const decodeSupervisorMessage = (packet: DataView, length: number, fds: readonly number[] = []): SupervisorMessage | null => {
  if (length < MESSAGE_HEADER_SIZE) return null;
  const kind = packet.getUint32(0, true);
  const x = packet.getInt32(4, true);
  const y = packet.getInt32(8, true);
  if (kind >= CONTROL_FIRST && kind <= CONTROL_LAST) {
    const text = Buffer.from(packet.buffer, packet.byteOffset + MESSAGE_HEADER_SIZE, length - MESSAGE_HEADER_SIZE).toString("utf8");
    return { kind: "control", request: kind, client: x, argument: y, text, fds: [...fds] };
  }
  switch (kind) {
    case MSG_SIGNAL:
      return { kind: MSG_SIGNAL, signal: x, fromTerminal: y === 1 };
    case MSG_CONTINUED:
      return { kind: MSG_CONTINUED, isForeground: x === 1 };
    case MSG_CHILD_DIED:
      return { kind: MSG_CHILD_DIED, pid: x, waitStatus: y };
    default:
      return null;
  }
};

/** Writes a packet into `target` and returns its length. Text that is too long is cut. */
export const encodeSupervisorMessage = (target: DataView, kind: number, x: number, y: number, text = ""): number => {
  const bytes = Buffer.from(text, "utf8").subarray(0, Math.min(MESSAGE_TEXT_MAX, target.byteLength - MESSAGE_HEADER_SIZE));
  target.setUint32(0, kind, true);
  target.setInt32(4, x, true);
  target.setInt32(8, y, true);
  target.setUint32(12, bytes.length, true);
  new Uint8Array(target.buffer, target.byteOffset + MESSAGE_HEADER_SIZE, bytes.length).set(bytes);
  return MESSAGE_HEADER_SIZE + bytes.length;
};
