/** NETLINK_SOCK_DIAG (sock_diag(7), net/core/sock_diag.c): what ss(8) asks. */
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX } from "../../../syscall-tables/flags/socket.ts";
import { EINVAL, ENOENT, EOPNOTSUPP } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { type NetlinkBuilder, type NetlinkRequest, NLMSG_HEADER } from "../netlink/netlink-message.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { answerInetDiag } from "./inet-diag.ts";
import { answerNetlinkDiag } from "./netlink-diag.ts";
import { SOCK_DIAG_BY_FAMILY } from "./request.ts";
import { answerUnixDiag } from "./unix-diag.ts";

const TCPDIAG_GETSOCK = 18;
const DCCPDIAG_GETSOCK = 19;
const SOCK_DESTROY = 21;
const FAMILIES = 46;

/** sock_diag_rcv_msg(): puts the answers into `answers`; 0 or an errno. */
export const answerSockDiag = (net: NetworkNamespace, task: Task, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  switch (request.type) {
    case SOCK_DIAG_BY_FAMILY: {
      if (request.bytes.length < NLMSG_HEADER + 2) return EINVAL;
      const family = request.bytes[NLMSG_HEADER];
      if (family >= FAMILIES) return EINVAL;
      if (family === AF_UNIX) return answerUnixDiag(net, task, request, answers);
      if (family === AF_INET || family === AF_INET6) return answerInetDiag(net, task, request, answers);
      if (family === AF_NETLINK) return answerNetlinkDiag(net, request, answers);
      // There are no packet sockets here.
      return family === AF_PACKET ? 0 : ENOENT;
    }
    // The requests of before Linux 3.3, and ss --kill.
    case TCPDIAG_GETSOCK:
    case DCCPDIAG_GETSOCK:
    case SOCK_DESTROY:
      return EOPNOTSUPP;
    default:
      return EINVAL;
  }
};
