/** Network interfaces (netdevice(7)). */
import type { NetworkDevice } from "../fs/sys/network-class.ts";
import { type IpAddress, LOOPBACK4, LOOPBACK6 } from "./inet/address.ts";

export const IFF_UP = 0x1;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;
export const IFF_LOWER_UP = 0x10000;
export const ARPHRD_LOOPBACK = 772;

export interface InterfaceAddress {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

export interface NetworkInterface extends NetworkDevice {
  readonly addresses: readonly InterfaceAddress[];
}

export const createLoopback = (): NetworkInterface => ({
  name: "lo",
  index: 1,
  mtu: 65536,
  flags: IFF_UP | IFF_LOOPBACK | IFF_RUNNING | IFF_LOWER_UP,
  type: ARPHRD_LOOPBACK,
  hardwareAddress: new Uint8Array(6),
  queueLength: 1000,
  addresses: [
    { address: LOOPBACK4, prefixLength: 8 },
    { address: LOOPBACK6, prefixLength: 128 },
  ],
});
