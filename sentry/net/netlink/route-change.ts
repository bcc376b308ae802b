/** NETLINK_ROUTE requests that change `lo`: its flags, its sizes and its addresses (net/core/rtnetlink.c, net/ipv4/devinet.c, net/ipv6/addrconf.c). */
import { AF_INET, AF_INET6 } from "../../../syscall-tables/flags/socket.ts";
import { IFNAMSIZ } from "../../../syscall-tables/limits.ts";
import { EADDRNOTAVAIL, EAFNOSUPPORT, EEXIST, EINVAL, ENODEV, EOPNOTSUPP, type Errno, isErrno } from "../../abi/errno.ts";
import { int32At, uint32At } from "../control.ts";
import { type IpAddress, v4In, v6In } from "../inet/address.ts";
import { type InterfaceAddress, type Loopback, RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from "../interfaces.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { attributesOf, type NetlinkRequest, NLMSG_HEADER } from "./netlink-message.ts";

export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;

const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
/** Of a request that deletes. */
const NLM_F_BULK = 0x200;
const NLM_F_CREATE = 0x400;

const IFINFOMSG_SIZE = 16;
const IFADDRMSG_SIZE = 8;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_TXQLEN = 13;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;

const SETTABLE: readonly number[] = [IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN, IFLA_LINKINFO, IFLA_EXT_MASK];

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;

/** What the answer says beside the errno (NETLINK_EXT_ACK). */
export class Note {
  text: string | null = null;

  say(error: Errno, text: string): Errno {
    this.text = text;
    return error;
  }
}

/** dev_valid_name() */
const isDeviceName = (name: string): boolean =>
  name !== "" && name.length < IFNAMSIZ && name !== "." && name !== ".." && !/[/:\s]/.test(name);

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1").replace(/\0.*$/s, "");

/** struct ifinfomsg with the index, or the name as an attribute (__dev_get_by_index(), rtnl_dev_get()). */
export const linkOf = (net: NetworkNamespace, request: NetlinkRequest): Loopback | Errno => {
  if (request.bytes.length < NLMSG_HEADER + IFINFOMSG_SIZE) return EINVAL;
  const index = int32At(request.bytes, NLMSG_HEADER + 4);
  const name = attributesOf(request.bytes, NLMSG_HEADER + IFINFOMSG_SIZE).get(IFLA_IFNAME);
  if (index < 0 || (index === 0 && name === undefined)) return EINVAL;
  const { loopback } = net;
  return (index !== 0 ? index === loopback.index : textOf(name ?? new Uint8Array()) === loopback.name) ? loopback : ENODEV;
};

/** do_setlink(): what `lo` can be told; all is checked before anything changes. */
const setLink = (device: Loopback, request: NetlinkRequest, note: Note): number => {
  const { bytes } = request;
  const attributes = attributesOf(bytes, NLMSG_HEADER + IFINFOMSG_SIZE);
  if (attributes.has(IFLA_NET_NS_PID) || attributes.has(IFLA_NET_NS_FD)) return note.say(EINVAL, "The interface netns is immutable");
  if ([...attributes.keys()].some((type) => !SETTABLE.includes(type))) return EOPNOTSUPP;
  const index = int32At(bytes, NLMSG_HEADER + 4);
  // Beside an index the name is a new one.
  const name = index === 0 ? undefined : attributes.get(IFLA_IFNAME);
  const newName = name === undefined ? device.name : textOf(name);
  if (!isDeviceName(newName)) return EINVAL;
  const address = attributes.get(IFLA_ADDRESS);
  if (address !== undefined && address.length < device.hardwareAddress.length) return EINVAL;
  const mtu = attributes.get(IFLA_MTU);
  const queueLength = attributes.get(IFLA_TXQLEN);
  if ((mtu !== undefined && mtu.length < 4) || (queueLength !== undefined && queueLength.length < 4)) return EINVAL;
  if (mtu !== undefined) {
    const error = device.setMtu(int32At(mtu, 0));
    if (error < 0) return error;
  }
  device.name = newName;
  if (address !== undefined) device.hardwareAddress = address.slice(0, device.hardwareAddress.length);
  if (queueLength !== undefined) device.queueLength = uint32At(queueLength, 0);
  const flags = uint32At(bytes, NLMSG_HEADER + 8);
  const change = uint32At(bytes, NLMSG_HEADER + 12);
  // rtnl_dev_get_flags(): without a mask all flags are meant, when there are any.
  if (flags !== 0 || change !== 0) device.setFlags(change === 0 ? flags : (flags & change) | (device.flags & ~change));
  return 0;
};

/** rtnl_newlink(): there are no other kinds of devices. */
const newLink = (net: NetworkNamespace, request: NetlinkRequest, note: Note): number => {
  const device = linkOf(net, request);
  if (!isErrno(device)) return (request.flags & NLM_F_EXCL) !== 0 ? EEXIST : setLink(device, request, note);
  if (request.bytes.length < NLMSG_HEADER + IFINFOMSG_SIZE) return EINVAL;
  // A new device may be nameless; ip(8) tells by ENODEV that there is such a request.
  return (request.flags & NLM_F_CREATE) !== 0 ? note.say(EOPNOTSUPP, "Unknown device type") : ENODEV;
};

const addressIn = (bytes: Uint8Array | undefined, isV4: boolean): IpAddress | null => {
  if (bytes === undefined || bytes.length < (isV4 ? 4 : 16)) return null;
  return isV4 ? v4In(bytes, 0) : v6In(bytes, 0);
};

/** struct ifaddrmsg: inet_rtm_newaddr(), inet6_rtm_newaddr(). */
export const readAddress = (request: NetlinkRequest): (InterfaceAddress & { readonly index: number }) | Errno => {
  const { bytes } = request;
  if (bytes.length < NLMSG_HEADER + IFADDRMSG_SIZE) return EINVAL;
  const family = bytes[NLMSG_HEADER];
  if (family !== AF_INET && family !== AF_INET6) return EAFNOSUPPORT;
  const isV4 = family === AF_INET;
  const prefixLength = bytes[NLMSG_HEADER + 1];
  const attributes = attributesOf(bytes, NLMSG_HEADER + IFADDRMSG_SIZE);
  const address = addressIn(attributes.get(IFA_LOCAL) ?? (isV4 ? undefined : attributes.get(IFA_ADDRESS)), isV4);
  if (address === null || prefixLength > (isV4 ? 32 : 128)) return EINVAL;
  const label = attributes.get(IFA_LABEL);
  const broadcast = addressIn(attributes.get(IFA_BROADCAST), isV4);
  // IPv6 derives the scope from the address (ipv6_addr_type()).
  const scope6 = address.isLoopback ? RT_SCOPE_HOST : address.isLinkLocal ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  return {
    index: int32At(bytes, NLMSG_HEADER + 4),
    address,
    prefixLength,
    scope: isV4 ? bytes[NLMSG_HEADER + 3] : scope6,
    ...(isV4 && broadcast !== null ? { broadcast } : {}),
    ...(isV4 && label !== undefined ? { label: textOf(label) } : {}),
  };
};

const changeAddress = (net: NetworkNamespace, request: NetlinkRequest, note: Note): number => {
  const wanted = readAddress(request);
  if (isErrno(wanted)) return wanted;
  const { loopback } = net;
  if (wanted.index !== loopback.index) return ENODEV;
  const { index: _, ...added } = wanted;
  const { address } = added;
  if (request.type === RTM_DELADDR) {
    if (loopback.remove(address, added.prefixLength) === 0) return 0;
    return note.say(EADDRNOTAVAIL, address.isV4 ? "ipv4: Address not found" : "ipv6: address not found");
  }
  if (!address.isV4 && address.isAny) return note.say(EADDRNOTAVAIL, "ipv6: Invalid address");
  if (!address.isV4 && address.isMulticast)
    return note.say(EADDRNOTAVAIL, 'ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag');
  if (loopback.add(added) === 0) return 0;
  if ((request.flags & NLM_F_REPLACE) !== 0 && (request.flags & NLM_F_EXCL) === 0) return 0;
  return note.say(EEXIST, address.isV4 ? "ipv4: Address already assigned" : "ipv6: address already assigned");
};

/** The caller has CAP_NET_ADMIN; 0 or an errno. */
export const changeRoute = (net: NetworkNamespace, request: NetlinkRequest, note: Note): number => {
  // Only tables that are not here can be emptied at once.
  if (request.type % 4 === 1 && (request.flags & NLM_F_BULK) !== 0) return EOPNOTSUPP;
  switch (request.type) {
    case RTM_NEWLINK:
      return newLink(net, request, note);
    case RTM_SETLINK: {
      const device = linkOf(net, request);
      return isErrno(device) ? device : setLink(device, request, note);
    }
    case RTM_DELLINK: {
      const device = linkOf(net, request);
      return isErrno(device) ? device : EOPNOTSUPP;
    }
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return changeAddress(net, request, note);
    default:
      return EOPNOTSUPP;
  }
};
