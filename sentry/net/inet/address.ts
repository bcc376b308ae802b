/**
 * Internet addresses. All are 128 bits wide: an IPv4 address is held as its v4-mapped form
 * (::ffff:a.b.c.d), so that both families meet in one port table.
 */
import { AF_INET, AF_INET6 } from "../../../syscall-tables/flags/socket.ts";

export const SOCKADDR_IN_SIZE = 16;
/** Without sin6_scope_id, which old programs leave out (SIN6_LEN_RFC2133). */
export const SOCKADDR_IN6_SHORT = 24;
export const SOCKADDR_IN6_SIZE = 28;

export class IpAddress {
  /** The four 32-bit words in reading order, host integers. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;

  constructor(a: number, b: number, c: number, d: number) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  /** IPv4, or v4-mapped, which is the same here. */
  get isV4(): boolean {
    return this.c === 0xffff && this.a === 0 && this.b === 0;
  }

  get v4(): number {
    return this.d;
  }

  /** 0.0.0.0 or :: */
  get isAny(): boolean {
    return this.d === 0 && this.a === 0 && this.b === 0 && (this.c === 0xffff || this.c === 0);
  }

  get isLoopback(): boolean {
    return this.isV4 ? this.d >>> 24 === 127 : this.a === 0 && this.b === 0 && this.c === 0 && this.d === 1;
  }

  get isMulticast(): boolean {
    return this.isV4 ? this.d >>> 28 === 0xe : this.a >>> 24 === 0xff;
  }

  /** 255.255.255.255 */
  get isBroadcast(): boolean {
    return this.isV4 && this.d === 0xffff_ffff;
  }

  /** The broadcast address of 127.0.0.0/8. */
  get isSubnetBroadcast(): boolean {
    return this.isV4 && this.d === 0x7fff_ffff;
  }

  get isLinkLocal(): boolean {
    return !this.isV4 && this.a >>> 22 === 0x3fa;
  }

  /** ff01::/16, ff02::/16 and the like: of one interface or link (__ipv6_addr_needs_scope_id). */
  get isLinkMulticast(): boolean {
    const scope = (this.a >>> 16) & 0xf;
    return !this.isV4 && this.isMulticast && (scope === 1 || scope === 2);
  }

  equals(other: IpAddress): boolean {
    return this.d === other.d && this.c === other.c && this.b === other.b && this.a === other.a;
  }

  /** Identifies the address in maps. */
  get key(): string {
    return this.isV4 ? this.d.toString(36) : `${this.a.toString(36)}.${this.b.toString(36)}.${this.c.toString(36)}.${this.d.toString(36)}`;
  }
}

export const v4Address = (value: number): IpAddress => new IpAddress(0, 0, 0xffff, value >>> 0);

export const ANY4 = v4Address(0);
export const LOOPBACK4 = v4Address(0x7f00_0001);
export const ANY6 = new IpAddress(0, 0, 0, 0);
export const LOOPBACK6 = new IpAddress(0, 0, 0, 1);

export const familyOf = (bytes: Uint8Array): number => bytes[0] | (bytes[1] << 8);

export const portIn = (bytes: Uint8Array): number => (bytes[2] << 8) | bytes[3];

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

export const v4In = (bytes: Uint8Array, at: number): IpAddress => {
  const value = wordAt(bytes, at);
  return value === LOOPBACK4.d ? LOOPBACK4 : value === 0 ? ANY4 : v4Address(value);
};

export const v6In = (bytes: Uint8Array, at: number): IpAddress =>
  new IpAddress(wordAt(bytes, at), wordAt(bytes, at + 4), wordAt(bytes, at + 8), wordAt(bytes, at + 12));

/** sin6_scope_id, 0 when the address is too short to hold one. */
export const scopeIn = (bytes: Uint8Array): number =>
  bytes.length < SOCKADDR_IN6_SIZE ? 0 : (bytes[24] | (bytes[25] << 8) | (bytes[26] << 16) | (bytes[27] << 24)) >>> 0;

export const putWord = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};

export const putAddress6 = (bytes: Uint8Array, at: number, address: IpAddress): void => {
  putWord(bytes, at, address.a);
  putWord(bytes, at + 4, address.b);
  putWord(bytes, at + 8, address.c);
  putWord(bytes, at + 12, address.d);
};

/** struct sockaddr_in or sockaddr_in6. An IPv6 socket shows 0.0.0.0 as ::. */
export const encodeSockaddr = (family: number, address: IpAddress, port: number, scope = 0): Uint8Array => {
  const bytes = new Uint8Array(family === AF_INET6 ? SOCKADDR_IN6_SIZE : SOCKADDR_IN_SIZE);
  bytes[0] = family;
  bytes[2] = port >>> 8;
  bytes[3] = port;
  if (family === AF_INET) putWord(bytes, 4, address.v4);
  else {
    putAddress6(bytes, 8, address.isV4 && address.d === 0 ? ANY6 : address);
    bytes[24] = scope;
  }
  return bytes;
};
