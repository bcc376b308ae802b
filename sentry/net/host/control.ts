/** Control messages on their way to and from the host: those of the internet protocols and no others. */
import { CONTROL_ROOM, received, socketControl } from "../../../native/ffi/socket-calls-unsafe.ts";
import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { SCM_CREDENTIALS, SCM_RIGHTS } from "../../../syscall-tables/flags/socket.ts";
import * as SO from "../../../syscall-tables/flags/socket-options.ts";
import { EINVAL, ENOBUFS } from "../../abi/errno.ts";
import { type ControlMessage, ControlWriter, parseControl } from "../control.ts";
import type { ReceiveMessage } from "../message.ts";

/** IP_PROTOCOL of linux/in.h, a control message alone. */
const IP_PROTOCOL = 52;

const sendable = new Map<number, ReadonlySet<number>>([
  [SO.SOL_SOCKET, new Set([SO.SO_TIMESTAMPING, SO.SO_TIMESTAMPING_NEW, SO.SO_MARK, SO.SO_PRIORITY])],
  [SO.SOL_IP, new Set([IP.IP_PKTINFO, IP.IP_TTL, IP.IP_TOS, IP_PROTOCOL])],
  [SO.SOL_IPV6, new Set([IP.IPV6_PKTINFO, IP.IPV6_HOPLIMIT, IP.IPV6_TCLASS, IP.IPV6_DONTFRAG])],
  [SO.SOL_UDP, new Set([IP.UDP_SEGMENT])],
]);

/** Puts what a send carries into `socketControl`: its length, or an errno. */
export const placeControl = (control: readonly ControlMessage[] | null): number => {
  if (control === null) return 0;
  const writer = new ControlWriter(CONTROL_ROOM);
  for (const { level, type, data } of control) {
    // The host passes over these on internet sockets (__sock_cmsg_send), and must never see them.
    if (level === SO.SOL_SOCKET && (type === SCM_RIGHTS || type === SCM_CREDENTIALS)) continue;
    if (sendable.get(level)?.has(type) !== true) return EINVAL;
    if (!writer.put(level, type, data)) return ENOBUFS;
  }
  socketControl.set(writer.bytes.subarray(0, writer.used));
  return writer.used;
};

/** Hands on what the last receive brought. */
export const takeControl = (message: ReceiveMessage): void => {
  if (received.controlLength === 0) return;
  const control = parseControl(socketControl.slice(0, received.controlLength));
  if (typeof control === "number") return;
  for (const { level, type, data } of control) if (level !== SO.SOL_SOCKET || type !== SCM_RIGHTS) message.putControl(level, type, data);
};
