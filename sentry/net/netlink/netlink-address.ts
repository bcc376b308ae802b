/** struct sockaddr_nl (netlink(7)). */
import { AF_NETLINK } from "../../../syscall-tables/flags/socket.ts";

const SOCKADDR_NL_SIZE = 12;

export const netlinkAddress = (portId: number, groups: number): Uint8Array => {
  const bytes = new Uint8Array(SOCKADDR_NL_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, portId, true);
  view.setUint32(8, groups, true);
  return bytes;
};

export const isNetlinkAddress = (bytes: Uint8Array): boolean =>
  bytes.length >= SOCKADDR_NL_SIZE && (bytes[0] | (bytes[1] << 8)) === AF_NETLINK;
