/** netlink_diag: the netlink sockets of a namespace, the kernel's ends among them (net/netlink/diag.c). */
import { AF_NETLINK, NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE, NETLINK_SOCK_DIAG, SOCK_RAW } from "../../../syscall-tables/flags/socket.ts";
import { EINVAL, EOPNOTSUPP } from "../../abi/errno.ts";
import { uint32At } from "../control.ts";
import { TCP_CLOSE, TCP_ESTABLISHED } from "../inet/tcp-state.ts";
import { type NetlinkBuilder, type NetlinkRequest, NLM_F_DUMP, NLM_F_MULTI, NLMSG_HEADER } from "../netlink/netlink-message.ts";
import type { NetlinkSocket } from "../netlink/netlink-socket.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { SOCK_DIAG_BY_FAMILY } from "./request.ts";

/** struct netlink_diag_req */
const REQUEST_SIZE = 20;
const SHOW = NLMSG_HEADER + 8;
const ALL_PROTOCOLS = 255;
const NDIAG_SHOW_MEMINFO = 0x1;
const NDIAG_SHOW_GROUPS = 0x2;
const NETLINK_DIAG_MEMINFO = 0;
const NETLINK_DIAG_GROUPS = 1;
const KERNEL_ENDS = [NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT];

const putSocket = (answers: NetlinkBuilder, request: NetlinkRequest, protocol: number, socket: NetlinkSocket | null): void => {
  const show = uint32At(request.bytes, SHOW);
  answers.begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, request.sequence, request.portId);
  const state = (socket?.peerPortId ?? 0) === 0 ? TCP_CLOSE : TCP_ESTABLISHED;
  answers
    .u8(AF_NETLINK)
    .u8(socket?.type ?? SOCK_RAW)
    .u8(protocol)
    .u8(state);
  answers
    .u32(socket?.portId ?? 0)
    .u32(socket?.peerPortId ?? 0)
    .u32(0);
  answers
    .u32(socket?.inode.ino ?? 0)
    .u32(socket?.cookie ?? 0)
    .u32(0);
  if ((show & NDIAG_SHOW_GROUPS) !== 0 && socket !== null && socket.groups !== 0) {
    answers.attribute(NETLINK_DIAG_GROUPS, new Uint8Array(new Uint32Array([socket.groups, 0]).buffer));
  }
  if ((show & NDIAG_SHOW_MEMINFO) !== 0) {
    const { receiveBuffer = 0, sendBuffer = 0 } = socket?.settings ?? {};
    const memory = [socket?.queuedBytes ?? 0, receiveBuffer, 0, sendBuffer, 0, 0, 0, 0, 0];
    answers.attribute(NETLINK_DIAG_MEMINFO, new Uint8Array(new Uint32Array(memory).buffer));
  }
  answers.finish();
};

/** netlink_diag_handler_dump(): dumps only. */
export const answerNetlinkDiag = (net: NetworkNamespace, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  const { bytes } = request;
  if (bytes.length < NLMSG_HEADER + REQUEST_SIZE) return EINVAL;
  if ((request.flags & NLM_F_DUMP) !== NLM_F_DUMP) return EOPNOTSUPP;
  const wanted = bytes[NLMSG_HEADER + 1];
  for (const protocol of KERNEL_ENDS) {
    if (wanted === ALL_PROTOCOLS || wanted === protocol) putSocket(answers, request, protocol, null);
  }
  for (const socket of net.netlink.sockets()) {
    if (wanted === ALL_PROTOCOLS || wanted === socket.protocol) putSocket(answers, request, socket.protocol, socket);
  }
  return 0;
};
