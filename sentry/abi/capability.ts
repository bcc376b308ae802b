export const CAP_LAST_CAP = 40;

export const SECBIT_NOROOT = 1 << 0;
export const SECBIT_NOROOT_LOCKED = 1 << 1;
export const SECBIT_NO_SETUID_FIXUP = 1 << 2;
export const SECBIT_NO_SETUID_FIXUP_LOCKED = 1 << 3;
export const SECBIT_KEEP_CAPS = 1 << 4;
export const SECBIT_KEEP_CAPS_LOCKED = 1 << 5;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 1 << 6;
export const SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 1 << 7;
/** SECURE_ALL_BITS and SECURE_ALL_LOCKS */
export const SECURE_ALL_BITS = SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS | SECBIT_NO_CAP_AMBIENT_RAISE;
export const SECURE_ALL_LOCKS = SECURE_ALL_BITS << 1;

/** Names as in config.json and capabilities(7), by number. */
export const CAPABILITY_NAMES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];

/** An immutable set of capabilities: 1..32 in `lo`, the rest in `hi`. */
export class CapabilitySet {
  readonly lo: number;
  readonly hi: number;

  constructor(lo: number, hi: number) {
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
  }

  has(capability: number): boolean {
    return capability < 32 ? ((this.lo >>> capability) & 1) !== 0 : ((this.hi >>> (capability - 32)) & 1) !== 0;
  }

  get isEmpty(): boolean {
    return this.lo === 0 && this.hi === 0;
  }

  with(capability: number): CapabilitySet {
    return this.union(CapabilitySet.of(capability));
  }

  without(capability: number): CapabilitySet {
    return this.minus(CapabilitySet.of(capability));
  }

  union(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo | other.lo, this.hi | other.hi);
  }

  intersect(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo & other.lo, this.hi & other.hi);
  }

  minus(other: CapabilitySet): CapabilitySet {
    return new CapabilitySet(this.lo & ~other.lo, this.hi & ~other.hi);
  }

  isSubsetOf(other: CapabilitySet): boolean {
    return (this.lo & ~other.lo) === 0 && (this.hi & ~other.hi) === 0;
  }

  equals(other: CapabilitySet): boolean {
    return this.lo === other.lo && this.hi === other.hi;
  }

  /** As /proc/pid/status prints it: 16 hex digits. */
  toString(): string {
    return this.hi.toString(16).padStart(8, "0") + this.lo.toString(16).padStart(8, "0");
  }

  static of(...capabilities: number[]): CapabilitySet {
    let lo = 0;
    let hi = 0;
    for (const capability of capabilities) {
      if (capability < 32) lo |= 1 << capability;
      else hi |= 1 << (capability - 32);
    }
    return new CapabilitySet(lo, hi);
  }

  /** From names such as "CAP_CHOWN"; unknown names are left out. */
  static fromNames(names: readonly string[]): CapabilitySet {
    return CapabilitySet.of(...names.map((name) => CAPABILITY_NAMES.indexOf(name)).filter((number) => number >= 0));
  }

  static readonly EMPTY = new CapabilitySet(0, 0);
  /** CAP_FULL_SET: every capability this kernel knows. */
  static readonly FULL = new CapabilitySet(0xffff_ffff, (1 << (CAP_LAST_CAP - 31)) - 1);
}
