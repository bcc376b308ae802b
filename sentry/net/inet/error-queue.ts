/** IP_RECVERR: what recvmsg(MSG_ERRQUEUE) tells about a datagram that came to nothing (ip(7)). */
import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { AF_INET } from "../../../syscall-tables/flags/socket.ts";
import { SOL_IP, SOL_IPV6 } from "../../../syscall-tables/flags/socket-options.ts";
import type { Errno } from "../../abi/errno.ts";
import type { ReceiveMessage } from "../message.ts";
import { encodeSockaddr } from "./address.ts";
import type { Datagram } from "./datagram.ts";

/** sizeof(struct sock_extended_err) */
const EXTENDED_ERR = 16;
const SO_EE_ORIGIN_ICMP = 2;
const SO_EE_ORIGIN_ICMP6 = 3;
const ICMP_DEST_UNREACH = 3;
const ICMP_PORT_UNREACH = 3;
const ICMPV6_DEST_UNREACH = 1;
const ICMPV6_PORT_UNREACH = 4;

export interface ErrorReport {
  readonly errno: Errno;
  /** The datagram that was sent. */
  readonly datagram: Datagram;
}

export const putErrorReport = (family: number, message: ReceiveMessage, report: ErrorReport): void => {
  const { destination } = report.datagram;
  const isV4 = destination.isV4;
  const offender = encodeSockaddr(family, destination, 0);
  const bytes = new Uint8Array(EXTENDED_ERR + offender.length);
  new DataView(bytes.buffer).setUint32(0, -report.errno, true);
  bytes[4] = isV4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
  bytes[5] = isV4 ? ICMP_DEST_UNREACH : ICMPV6_DEST_UNREACH;
  bytes[6] = isV4 ? ICMP_PORT_UNREACH : ICMPV6_PORT_UNREACH;
  bytes.set(offender, EXTENDED_ERR);
  if (family === AF_INET) message.putControl(SOL_IP, IP.IP_RECVERR, bytes);
  else message.putControl(SOL_IPV6, IP.IPV6_RECVERR, bytes);
};
