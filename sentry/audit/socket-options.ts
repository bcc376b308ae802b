/** getsockopt(2) and setsockopt(2): an option's name belongs to its level, its value to the option. */
import {
  SO_LINGER,
  SO_PEERCRED,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SOL_IP,
  SOL_IPV6,
  SOL_NETLINK,
  SOL_PACKET,
  SOL_SOCKET,
  SOL_TCP,
  SOL_UDP,
} from "../../syscall-tables/flags/socket-options.ts";
import { type ArgFormat, formatStruct } from "./arguments.ts";
import { argAddr, argI32, argIndex, hasSucceeded, peekView } from "./call.ts";
import { pointer } from "./text.ts";
import { formatBuffer } from "./vectors.ts";
import { formatNamed } from "./words.ts";

const OPTIONS: ReadonlyMap<number, string> = new Map([
  [SOL_SOCKET, "socket_option"],
  [SOL_IP, "ip_option"],
  [SOL_IPV6, "ipv6_option"],
  [SOL_TCP, "tcp_option"],
  [SOL_UDP, "udp_option"],
  [SOL_PACKET, "packet_option"],
  [SOL_NETLINK, "netlink_option"],
]);

export const optionName: ArgFormat = (call, index) => {
  const set = OPTIONS.get(argI32(call, 1));
  const option = argI32(call, index);
  return set === undefined ? String(option) : formatNamed(set, option);
};

export const formatOptionValue: ArgFormat = (call, index) => {
  const addr = argAddr(call, index);
  const isGet = call.name === "getsockopt";
  if (isGet && !hasSucceeded(call)) return pointer(addr);
  const lengthIndex = argIndex(call, "optlen");
  const length = isGet ? (peekView(call.memory, argAddr(call, lengthIndex), 4)?.getInt32(0, true) ?? 0) : argI32(call, lengthIndex);
  const option = argI32(call, 2);
  if (argI32(call, 1) === SOL_SOCKET) {
    if ((option === SO_RCVTIMEO || option === SO_SNDTIMEO) && length === 16) return formatStruct(call, "timeval", addr);
    const view = peekView(call.memory, addr, option === SO_PEERCRED ? 12 : 8);
    if (view !== null && option === SO_LINGER && length === 8) {
      return `{l_onoff=${view.getInt32(0, true)}, l_linger=${view.getInt32(4, true)}}`;
    }
    if (view !== null && option === SO_PEERCRED && length === 12) {
      return `{pid=${view.getInt32(0, true)}, uid=${view.getInt32(4, true)}, gid=${view.getInt32(8, true)}}`;
    }
  }
  return length === 4 ? formatStruct(call, "int", addr) : formatBuffer(call, addr, Math.max(length, 0));
};
