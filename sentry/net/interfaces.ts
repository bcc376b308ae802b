/** Network interfaces (netdevice(7)). */

import { EADDRNOTAVAIL, EEXIST, EINVAL } from "../abi/errno.ts";
import type { NetworkDevice } from "../fs/sys/network-class.ts";
import { type IpAddress, LOOPBACK4, LOOPBACK6 } from "./inet/address.ts";

export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;
export const IFF_LOWER_UP = 0x10000;
export const ARPHRD_LOOPBACK = 772;

/** dev->flags that user space may change on the loopback device (__dev_change_flags()). */
const CHANGEABLE = 0x80 | 0x20 | 0x4000 | 0x1000 | 0x8000 | 0x200 | 0x100; // NOARP, NOTRAILERS, DYNAMIC, MULTICAST, PORTSEL, ALLMULTI, PROMISC
const RUNNING = IFF_RUNNING | IFF_LOWER_UP;
const MTU_MAX = 0x7fff_ffff;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;

export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly prefixLength: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  readonly broadcast?: IpAddress;
  /** IFA_LABEL; absent: the device's name. */
  readonly label?: string;
  /** IFA_F_SECONDARY: a further address of a subnet. */
  readonly isSecondary?: boolean;
}

export interface NetworkInterface extends NetworkDevice {
  readonly addresses: readonly InterfaceAddress[];
}

/** Is `address` in the IPv4 subnet of an address of the device? */
export const isInSubnet = (address: IpAddress, { address: own, prefixLength }: InterfaceAddress): boolean => {
  if (!address.isV4 || !own.isV4) return false;
  return prefixLength === 0 || (address.v4 ^ own.v4) >>> (32 - prefixLength) === 0;
};

const isSameSubnet = (one: InterfaceAddress, other: InterfaceAddress): boolean =>
  one.prefixLength === other.prefixLength && isInSubnet(one.address, other);

/** IPv6's scopes are numbered the other way round (ipv6_addr_scope2type()). */
const isBefore = (added: InterfaceAddress, other: InterfaceAddress): boolean =>
  added.address.isV4 ? added.scope > other.scope : added.scope <= other.scope;

/** `lo` of a namespace (drivers/net/loopback.c): down and without addresses in a new one. */
export class Loopback implements NetworkInterface {
  name = "lo";
  readonly index = 1;
  readonly type = ARPHRD_LOOPBACK;
  hardwareAddress = new Uint8Array(6);
  flags = IFF_LOOPBACK;
  mtu = 65536;
  queueLength = 1000;
  /** "noop" until it is up for the first time (dev_activate()). */
  queueing: "noop" | "noqueue" = "noop";
  /** IPv4's before IPv6's, each in the order in which Linux lists them. */
  addresses: readonly InterfaceAddress[] = [];

  get isUp(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }

  /** Never up, and without addresses. */
  get isUntouched(): boolean {
    return this.queueing === "noop" && this.addresses.length === 0;
  }

  /** dev_change_flags(): going up brings the loopback addresses (inetdev_event(), addrconf_notify()), going down takes IPv6's. */
  setFlags(flags: number): void {
    const kept = this.flags & ~(CHANGEABLE | IFF_UP | RUNNING);
    const isUp = (flags & IFF_UP) !== 0;
    const wasUp = this.isUp;
    this.flags = kept | (flags & CHANGEABLE) | (isUp ? IFF_UP | RUNNING : 0);
    if (isUp === wasUp) return;
    if (!isUp) {
      this.addresses = this.addresses.filter(({ address }) => address.isV4);
      return;
    }
    this.queueing = "noqueue";
    this.add({ address: LOOPBACK4, prefixLength: 8, scope: RT_SCOPE_HOST });
    this.add({ address: LOOPBACK6, prefixLength: 128, scope: RT_SCOPE_HOST });
  }

  setMtu(mtu: number): number {
    if (mtu < 0 || mtu > MTU_MAX) return EINVAL;
    this.mtu = mtu;
    return 0;
  }

  /** 0; EEXIST when the device has the address already (__inet_insert_ifa(), ipv6_add_addr()). */
  add(added: InterfaceAddress): number {
    const { isV4 } = added.address;
    const isThere = this.addresses.some(({ address, prefixLength }) => {
      return address.equals(added.address) && (!isV4 || prefixLength === added.prefixLength);
    });
    if (isThere) return EEXIST;
    const isSecondary = this.addresses.some((own) => isSameSubnet(added, own));
    const family = this.addresses.filter(({ address }) => address.isV4 === isV4);
    const others = this.addresses.filter(({ address }) => address.isV4 !== isV4);
    let at = isSecondary ? -1 : family.findIndex((own) => own.isSecondary === true || isBefore(added, own));
    if (at < 0) at = family.length;
    family.splice(at, 0, isSecondary ? { ...added, isSecondary } : added);
    this.addresses = isV4 ? [...family, ...others] : [...others, ...family];
    return 0;
  }

  /** 0, or EADDRNOTAVAIL. With the first address of a subnet go the others (__inet_del_ifa()). `prefixLength`: null for any. */
  remove(address: IpAddress, prefixLength: number | null): number {
    const gone = this.addresses.find((own) => own.address.equals(address) && (prefixLength === null || own.prefixLength === prefixLength));
    if (gone === undefined) return EADDRNOTAVAIL;
    this.addresses = this.addresses.filter(
      (own) => own !== gone && (gone.isSecondary === true || own.isSecondary !== true || !isSameSubnet(own, gone)),
    );
    return 0;
  }

  /** Is a packet to `address` for this host (the local table of routes)? All of a subnet on a loopback device is. */
  isLocal(address: IpAddress): boolean {
    return this.isUp && this.addresses.some((own) => own.address.equals(address) || isInSubnet(address, own));
  }

  /** The source of packets to `destination`, which is local (fib_select_default(), ipv6_dev_get_saddr()). */
  sourceFor(destination: IpAddress): IpAddress {
    const { addresses } = this;
    const own = addresses.find(({ address }) => address.equals(destination)) ?? addresses.find((one) => isInSubnet(destination, one));
    return own?.address ?? (destination.isV4 ? LOOPBACK4 : LOOPBACK6);
  }
}
