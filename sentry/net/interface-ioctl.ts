/** SIOCGIF* and SIOCSIF* (netdevice(7)): struct ifreq is a name of 16 bytes and a union of 24. */

import * as IO from "../../syscall-tables/flags/ioctl.ts";
import { AF_INET } from "../../syscall-tables/flags/socket.ts";
import { CAP_NET_ADMIN } from "../../syscall-tables/flags/system.ts";
import { IFNAMSIZ } from "../../syscall-tables/limits.ts";
import { EADDRNOTAVAIL, EFAULT, EINVAL, ENODEV, ENOTTY, ENXIO, EOPNOTSUPP, EPERM } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { v4Address } from "./inet/address.ts";
import { IFF_LOWER_UP, type Loopback, type NetworkInterface, RT_SCOPE_HOST, RT_SCOPE_UNIVERSE } from "./interfaces.ts";
import type { NetworkNamespace } from "./network-namespace.ts";
export const IFREQ_SIZE = 40;

const putSockaddrIn = (view: DataView, at: number, address: number): void => {
  view.setUint16(at, AF_INET, true);
  view.setUint16(at + 2, 0, true);
  view.setUint32(at + 4, address, false);
};

const firstV4 = (device: NetworkInterface) => device.addresses.find(({ address }) => address.isV4) ?? null;

/** SIOCGIFCONF: struct ifconf { int len; struct ifreq *buf }. Interfaces with an IPv4 address. */
const listInterfaces = (net: NetworkNamespace, task: Task, addr: number): number => {
  const { memory } = task;
  const room = memory.loadU32(addr);
  const target = memory.loadU64(addr + 8);
  if (room < 0 || target < 0) return EFAULT;
  const listed = net.interfaces.filter((device) => firstV4(device) !== null);
  if (target === 0) return memory.storeU32(addr, listed.length * IFREQ_SIZE);
  let length = 0;
  for (const device of listed) {
    if (length + IFREQ_SIZE > (room | 0)) break;
    const bytes = new Uint8Array(IFREQ_SIZE);
    bytes.set(Buffer.from(device.name, "latin1"));
    putSockaddrIn(new DataView(bytes.buffer), IFNAMSIZ, firstV4(device)?.address.v4 ?? 0);
    const error = memory.copyOut(target + length, bytes);
    if (error < 0) return error;
    length += IFREQ_SIZE;
  }
  return memory.storeU32(addr, length);
};

const netmask = (prefixLength: number): number => (prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0);

/** Fills the union of `request`; 0 or an errno. */
const answer = (device: NetworkInterface, command: number, view: DataView): number => {
  const at = IFNAMSIZ;
  switch (command) {
    case IO.SIOCGIFFLAGS:
      // A short: what does not fit (IFF_LOWER_UP) is not shown.
      view.setUint16(at, device.flags & ~IFF_LOWER_UP, true);
      return 0;
    case IO.SIOCGIFADDR:
    case IO.SIOCGIFDSTADDR:
    case IO.SIOCGIFBRDADDR:
    case IO.SIOCGIFNETMASK: {
      const first = firstV4(device);
      if (first === null) return EADDRNOTAVAIL;
      const isMask = command === IO.SIOCGIFNETMASK;
      const isBroadcast = command === IO.SIOCGIFBRDADDR;
      putSockaddrIn(view, at, isMask ? netmask(first.prefixLength) : isBroadcast ? 0 : first.address.v4);
      return 0;
    }
    case IO.SIOCGIFMETRIC:
      view.setInt32(at, 0, true);
      return 0;
    case IO.SIOCGIFMTU:
      view.setInt32(at, device.mtu, true);
      return 0;
    case IO.SIOCGIFINDEX:
      view.setInt32(at, device.index, true);
      return 0;
    case IO.SIOCGIFTXQLEN:
      view.setInt32(at, device.queueLength, true);
      return 0;
    case IO.SIOCGIFHWADDR:
      view.setUint16(at, device.type, true);
      for (let i = 0; i < 6; i++) view.setUint8(at + 2 + i, device.hardwareAddress[i]);
      return 0;
    case IO.SIOCGIFMAP:
      for (let i = 0; i < 24; i++) view.setUint8(at + i, 0);
      return 0;
    case IO.SIOCETHTOOL:
      return EOPNOTSUPP;
    default:
      return ENOTTY;
  }
};

/** What changes an interface. */
export const interfaceChanges = new Set<number>([
  IO.SIOCSIFFLAGS,
  IO.SIOCSIFADDR,
  IO.SIOCSIFDSTADDR,
  IO.SIOCSIFBRDADDR,
  IO.SIOCSIFNETMASK,
  IO.SIOCSIFMETRIC,
  IO.SIOCSIFMTU,
  IO.SIOCSIFNAME,
  IO.SIOCSIFHWADDR,
  IO.SIOCSIFTXQLEN,
  IO.SIOCSIFSLAVE,
  IO.SIOCADDMULTI,
  IO.SIOCDELMULTI,
  IO.SIOCBRADDBR,
  IO.SIOCBRDELBR,
  IO.SIOCDARP,
  IO.SIOCSARP,
]);

/** dev_ifsioc(), devinet_ioctl(): `device` is told what the union of the request says. */
const change = (device: Loopback, command: number, view: DataView): number => {
  const at = IFNAMSIZ;
  const first = firstV4(device);
  switch (command) {
    case IO.SIOCSIFFLAGS:
      device.setFlags(view.getUint16(at, true));
      return 0;
    case IO.SIOCSIFMTU:
      return device.setMtu(view.getInt32(at, true));
    case IO.SIOCSIFTXQLEN:
      if (view.getInt32(at, true) < 0) return EINVAL;
      device.queueLength = view.getInt32(at, true);
      return 0;
    case IO.SIOCSIFADDR: {
      if (view.getUint16(at, true) !== AF_INET) return EINVAL;
      const address = v4Address(view.getUint32(at + 4, false));
      if (first !== null) device.remove(first.address, first.prefixLength);
      if (address.isAny) return 0;
      return device.add({
        address,
        prefixLength: classfulPrefix(address.v4),
        scope: address.isLoopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
      });
    }
    case IO.SIOCSIFNETMASK: {
      if (first === null) return EADDRNOTAVAIL;
      const prefixLength = Math.clz32(~view.getUint32(at + 4, false));
      if (netmask(prefixLength) !== view.getUint32(at + 4, false)) return EINVAL;
      device.remove(first.address, first.prefixLength);
      return device.add({ ...first, prefixLength });
    }
    default:
      return EOPNOTSUPP;
  }
};

/** inet_abc_len() */
const classfulPrefix = (address: number): number => (address >>> 31 === 0 ? 8 : address >>> 30 === 2 ? 16 : address >>> 29 === 6 ? 24 : 32);

export const loopbackIoctl = (net: NetworkNamespace, task: Task, command: number, argument: number): number => {
  if (command === IO.SIOCGIFCONF) return listInterfaces(net, task, argument);
  if (interfaceChanges.has(command) && !task.creds.hasIn(net.userNamespace, CAP_NET_ADMIN)) return EPERM;
  if (command === IO.SIOCGARP) return ENXIO;
  if (command === IO.SIOCGIFMEM || command === IO.SIOCSIFMEM || command === IO.SIOCGIFSLAVE) return EINVAL;
  const request = task.memory.copyIn(argument, IFREQ_SIZE);
  if (typeof request === "number") return EFAULT;
  const view = new DataView(request.buffer, request.byteOffset, IFREQ_SIZE);
  let device: NetworkInterface | null;
  if (command === IO.SIOCGIFNAME) {
    device = net.interfaceByIndex(view.getInt32(IFNAMSIZ, true));
    if (device === null) return ENODEV;
    request.fill(0, 0, IFNAMSIZ);
    request.set(Buffer.from(device.name, "latin1"));
    return task.memory.copyOut(argument, request);
  }
  const end = request.indexOf(0);
  const label = Buffer.from(request.subarray(0, Math.min(IFNAMSIZ - 1, end < 0 ? IFNAMSIZ : end))).toString("latin1");
  // An alias ("lo:1") names its device.
  device = net.interfaceByName(label.split(":")[0]);
  if (device === null) return ENODEV;
  if (device === net.loopback && interfaceChanges.has(command)) return change(net.loopback, command, view);
  const error = answer(device, command, view);
  return error < 0 ? error : task.memory.copyOut(argument, request);
};
