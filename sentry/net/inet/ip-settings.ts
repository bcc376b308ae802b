/** The options of levels SOL_IP and SOL_IPV6 as a socket keeps them. */
import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import type { IpAddress } from "./address.ts";

export interface Membership {
  readonly group: IpAddress;
  readonly interfaceIndex: number;
  /** Only these sources (INCLUDE), or all but these (EXCLUDE). */
  isInclude: boolean;
  readonly sources: IpAddress[];
}

export class IpSettings {
  readonly v4 = new Map<number, number>();
  readonly v6 = new Map<number, number>();
  /** Some received packet must be told about by control messages. */
  wantsControl = false;
  readonly memberships: Membership[] = [];
  /** IP_MULTICAST_IF, IPV6_MULTICAST_IF: 0 for none. */
  multicastInterface = 0;
  /** The address of IP_MULTICAST_IF. */
  multicastSource: IpAddress | null = null;

  /** IP_OPTIONS, padded to words. */
  options: Uint8Array = new Uint8Array(0);

  get ttl(): number {
    return this.v4.get(IP.IP_TTL) ?? 64;
  }

  get tos(): number {
    return this.v4.get(IP.IP_TOS) ?? 0;
  }

  get multicastTtl(): number {
    return this.v4.get(IP.IP_MULTICAST_TTL) ?? 1;
  }

  get hopLimit(): number {
    const value = this.v6.get(IP.IPV6_UNICAST_HOPS) ?? -1;
    return value === -1 ? 64 : value;
  }

  get trafficClass(): number {
    return this.v6.get(IP.IPV6_TCLASS) ?? 0;
  }

  /** IP_RECVERR, IPV6_RECVERR */
  get wantsErrors(): boolean {
    return (this.v4.get(IP.IP_RECVERR) ?? 0) !== 0 || (this.v6.get(IP.IPV6_RECVERR) ?? 0) !== 0;
  }

  inherit(from: IpSettings): void {
    this.options = from.options;
    for (const [name, value] of from.v4) this.v4.set(name, value);
    for (const [name, value] of from.v6) this.v6.set(name, value);
  }
}
