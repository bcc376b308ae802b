/** ioctl(2) on the host's interfaces (netdevice(7)). */

import { hostInterfaceList, hostStructIoctl } from "../../../native/ffi/socket-calls-unsafe.ts";
import * as IO from "../../../syscall-tables/flags/ioctl.ts";
import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { IFNAMSIZ } from "../../../syscall-tables/limits.ts";

import { EFAULT, EINVAL, ENOTTY, EOPNOTSUPP, EPERM } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { IFREQ_SIZE, interfaceChanges } from "../interface-ioctl.ts";
import type { NetworkInterface } from "../interfaces.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import type { Broker } from "./broker.ts";

/** sizeof(struct arpreq) */
const ARPREQ_SIZE = 68;
const LIST_MAX = 65_536;

/** Requests that fill a struct ifreq; the sentry's filter allows them and SIOCGIFCONF. */
export const interfaceReads: readonly number[] = [
  IO.SIOCGIFNAME,
  IO.SIOCGIFFLAGS,
  IO.SIOCGIFADDR,
  IO.SIOCGIFDSTADDR,
  IO.SIOCGIFBRDADDR,
  IO.SIOCGIFNETMASK,
  IO.SIOCGIFMETRIC,
  IO.SIOCGIFMTU,
  IO.SIOCGIFHWADDR,
  IO.SIOCGIFINDEX,
  IO.SIOCGIFTXQLEN,
  IO.SIOCGIFMAP,
];

const isRead = new Set(interfaceReads);

const listInterfaces = (hostFd: number, task: Task, argument: number): number => {
  const { memory } = task;
  const room = memory.loadU32(argument);
  const target = memory.loadU64(argument + 8);
  if (room < 0 || target < 0) return EFAULT;
  const list = hostInterfaceList(hostFd, LIST_MAX);
  if (typeof list === "number") return list;
  if (target === 0) return memory.storeU32(argument, list.length);
  const length = Math.min(list.length, Math.floor(Math.max(0, room | 0) / IFREQ_SIZE) * IFREQ_SIZE);
  const error = memory.copyOut(target, list.subarray(0, length));
  return error < 0 ? error : memory.storeU32(argument, length);
};

export const hostInterfaceIoctl = (
  net: NetworkNamespace,
  broker: Broker,
  hostFd: number,
  task: Task,
  command: number,
  argument: number,
): number => {
  if (command === IO.SIOCGIFCONF) return listInterfaces(hostFd, task, argument);
  if (command === IO.SIOCETHTOOL) return EOPNOTSUPP;
  if (command === IO.SIOCGIFMEM || command === IO.SIOCSIFMEM || command === IO.SIOCGIFSLAVE) return EINVAL;
  const isChange = interfaceChanges.has(command);
  if (!isRead.has(command) && command !== IO.SIOCGARP && !isChange) return ENOTTY;
  if (isChange && !task.creds.hasIn(net.userNamespace, CAP_NET_ADMIN)) return EPERM;
  const request = task.memory.copyIn(argument, command === IO.SIOCGARP ? ARPREQ_SIZE : IFREQ_SIZE);
  if (typeof request === "number") return EFAULT;
  if (isChange) return broker.changeInterface(hostFd, command, request);
  const error = hostStructIoctl(hostFd, command, request);
  return error < 0 ? error : task.memory.copyOut(argument, request);
};

/** One interface as it is now; null when it has gone. */
export const readInterface = (hostFd: number, name: string): NetworkInterface | null => {
  const request = new Uint8Array(IFREQ_SIZE);
  const view = new DataView(request.buffer);
  const ask = (command: number): boolean => {
    request.fill(0);
    request.set(Buffer.from(name, "latin1").subarray(0, IFNAMSIZ - 1));
    return hostStructIoctl(hostFd, command, request) >= 0;
  };
  const int = (command: number): number => (ask(command) ? view.getInt32(IFNAMSIZ, true) : 0);
  const index = int(IO.SIOCGIFINDEX);
  if (index === 0) return null;
  const flags = ask(IO.SIOCGIFFLAGS) ? view.getUint16(IFNAMSIZ, true) : 0;
  const hasHardware = ask(IO.SIOCGIFHWADDR);
  const type = hasHardware ? view.getUint16(IFNAMSIZ, true) : 0;
  const hardwareAddress = request.slice(IFNAMSIZ + 2, IFNAMSIZ + 8);
  return { name, index, flags, type, hardwareAddress, mtu: int(IO.SIOCGIFMTU), queueLength: int(IO.SIOCGIFTXQLEN), addresses: [] };
};
