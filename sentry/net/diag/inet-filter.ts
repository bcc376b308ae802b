/** The filter program of an inet_diag request (INET_DIAG_REQ_BYTECODE, net/ipv4/inet_diag.c): checked once, run for each socket. */
import { AF_INET, AF_INET6, AF_UNSPEC } from "../../../syscall-tables/flags/socket.ts";
import { EINVAL, EPERM } from "../../abi/errno.ts";
import { type IpAddress, v4In, v6In } from "../inet/address.ts";
import type { InetEntry } from "./inet-sockets.ts";

const BC_NOP = 0;
const BC_JMP = 1;
const BC_S_GE = 2;
const BC_S_LE = 3;
const BC_D_GE = 4;
const BC_D_LE = 5;
const BC_AUTO = 6;
const BC_S_COND = 7;
const BC_D_COND = 8;
const BC_DEV_COND = 9;
const BC_MARK_COND = 10;
const BC_S_EQ = 11;
const BC_D_EQ = 12;
const BC_CGROUP_COND = 13;

/** struct inet_diag_bc_op: code, how far on when true, how far when false. Its argument follows. */
const OP_SIZE = 4;
const CONDITION_SIZE = 8;
const ANY_PORT = -1;

export class InetFilter {
  readonly #code: Uint8Array;
  readonly #view: DataView;

  constructor(code: Uint8Array) {
    this.#code = code.slice();
    this.#view = new DataView(this.#code.buffer);
  }

  #no(at: number): number {
    return this.#view.getUint16(at + 2, true);
  }

  /** How long an operation with its argument is at least; 0: not known, or cut off. */
  #length(at: number, left: number): number {
    switch (this.#code[at]) {
      case BC_NOP:
      case BC_JMP:
      case BC_AUTO:
        return OP_SIZE;
      case BC_S_GE:
      case BC_S_LE:
      case BC_D_GE:
      case BC_D_LE:
      case BC_S_EQ:
      case BC_D_EQ:
      case BC_DEV_COND:
        return left < OP_SIZE + 4 ? 0 : OP_SIZE + 4;
      case BC_MARK_COND:
      case BC_CGROUP_COND:
        return left < OP_SIZE + 8 ? 0 : OP_SIZE + 8;
      case BC_S_COND:
      case BC_D_COND:
        return this.#conditionLength(at + OP_SIZE, left - OP_SIZE);
      default:
        return 0;
    }
  }

  /** valid_hostcond() */
  #conditionLength(at: number, left: number): number {
    if (left < CONDITION_SIZE) return 0;
    const family = this.#code[at];
    const bytes = family === AF_INET ? 4 : family === AF_INET6 ? 16 : family === AF_UNSPEC ? 0 : -1;
    if (bytes < 0 || left < CONDITION_SIZE + bytes || this.#code[at + 1] > bytes * 8) return 0;
    return OP_SIZE + CONDITION_SIZE + bytes;
  }

  /** valid_cc(): does the straight way come by the place that a jump leads to? */
  #isPlace(wanted: number): boolean {
    for (let at = 0; at <= wanted; ) {
      if (at === wanted) return true;
      const yes = this.#code[at + 1];
      if (wanted - at < OP_SIZE || yes < OP_SIZE || (yes & 3) !== 0) return false;
      at += yes;
    }
    return false;
  }

  /** inet_diag_bc_audit(): 0 or an errno. */
  check(isAdmin: boolean): number {
    const total = this.#code.length;
    if (total < OP_SIZE) return EINVAL;
    let at = 0;
    while (at < total) {
      const left = total - at;
      const least = left < OP_SIZE ? 0 : this.#length(at, left);
      if (this.#code[at] === BC_MARK_COND && !isAdmin) return EPERM;
      if (least === 0) return EINVAL;
      const no = this.#no(at);
      if (this.#code[at] !== BC_NOP) {
        if (no < least || no > left + 4 || (no & 3) !== 0) return EINVAL;
        if (no < left && !this.#isPlace(at + no)) return EINVAL;
      }
      const yes = this.#code[at + 1];
      if (yes < least || yes > left + 4 || (yes & 3) !== 0) return EINVAL;
      at += yes;
    }
    return at === total ? 0 : EINVAL;
  }

  #meets(at: number, entry: InetEntry, address: IpAddress, port: number): boolean {
    const wantedPort = this.#view.getInt32(at + 4, true);
    if (wantedPort !== ANY_PORT && wantedPort !== port) return false;
    const family = this.#code[at];
    const bits = this.#code[at + 1];
    if (family === AF_UNSPEC) return true;
    // An IPv4 address in a socket of IPv6.
    if (family !== entry.family && !(entry.family === AF_INET6 && family === AF_INET && address.isV4)) return false;
    const wanted = family === AF_INET ? v4In(this.#code, at + CONDITION_SIZE) : v6In(this.#code, at + CONDITION_SIZE);
    const words = family === AF_INET ? [[wanted.d, address.d]] : pairs(wanted, address);
    return words.every(([one, other], index) => {
      const count = Math.min(32, Math.max(0, bits - index * 32));
      return count === 0 || (one ^ other) >>> (32 - count) === 0;
    });
  }

  #isTrue(at: number, entry: InetEntry): boolean {
    const port = at + OP_SIZE + 2 <= this.#code.length - 2 ? this.#no(at + OP_SIZE) : 0;
    switch (this.#code[at]) {
      case BC_JMP:
        return false;
      case BC_S_EQ:
        return entry.localPort === port;
      case BC_D_EQ:
        return entry.remotePort === port;
      case BC_S_GE:
        return entry.localPort >= port;
      case BC_S_LE:
        return entry.localPort <= port;
      case BC_D_GE:
        return entry.remotePort >= port;
      case BC_D_LE:
        return entry.remotePort <= port;
      case BC_AUTO:
        return !entry.hasOwnPort;
      case BC_S_COND:
        return this.#meets(at + OP_SIZE, entry, entry.local, entry.localPort);
      case BC_D_COND:
        return this.#meets(at + OP_SIZE, entry, entry.remote, entry.remotePort);
      case BC_DEV_COND:
        return this.#view.getUint32(at + OP_SIZE, true) === entry.interfaceIndex;
      // Sockets here have no mark and all the same cgroup.
      case BC_MARK_COND:
        return this.#view.getUint32(at + OP_SIZE, true) === 0;
      case BC_CGROUP_COND:
        return false;
      default:
        return true;
    }
  }

  /** inet_diag_bc_run(): a jump beyond the end says no. */
  accepts(entry: InetEntry): boolean {
    let at = 0;
    while (at < this.#code.length) at += this.#isTrue(at, entry) ? this.#code[at + 1] : this.#no(at);
    return at === this.#code.length;
  }
}

const pairs = (one: IpAddress, other: IpAddress): [number, number][] => [
  [one.a, other.a],
  [one.b, other.b],
  [one.c, other.c],
  [one.d, other.d],
];
