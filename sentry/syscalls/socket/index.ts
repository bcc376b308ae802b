import { registerNetwork } from "../../net/register.ts";
import type { Implementation } from "../implement.ts";
import { sys_accept, sys_accept4 } from "./accept.ts";
import { sys_bind, sys_listen } from "./bind.ts";
import { sys_connect } from "./connect.ts";
import { sys_getpeername, sys_getsockname } from "./names.ts";
import { sys_getsockopt, sys_setsockopt } from "./options.ts";
import { sys_recvfrom, sys_recvmsg } from "./receive.ts";
import { sys_recvmmsg } from "./receive-many.ts";
import { sys_sendmmsg, sys_sendmsg, sys_sendto } from "./send.ts";
import { sys_shutdown } from "./shutdown.ts";
import { sys_socket, sys_socketpair } from "./socket.ts";

registerNetwork();

export const socketSyscalls: Implementation[] = [
  sys_socket,
  sys_socketpair,
  sys_bind,
  sys_listen,
  sys_accept,
  sys_accept4,
  sys_connect,
  sys_getsockname,
  sys_getpeername,
  sys_sendto,
  sys_recvfrom,
  sys_sendmsg,
  sys_recvmsg,
  sys_sendmmsg,
  sys_recvmmsg,
  sys_shutdown,
  sys_getsockopt,
  sys_setsockopt,
];
