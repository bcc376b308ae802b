/** /sys/class/net and /sys/devices/virtual/net: the interfaces of the reader's network namespace, which come and go (net/core/net-sysfs.c). */
import { O_ACCMODE, O_RDONLY, S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { EACCES, EINVAL, ENOENT, type Errno } from "../../abi/errno.ts";
import type { Kernel } from "../../kernel.ts";
import type { Task } from "../../task/task.ts";
import type { Filesystem } from "../../vfs/filesystem.ts";
import type { Inode } from "../../vfs/inode.ts";

import { type DirectoryEntry, GeneratedDirectory, GeneratedLink, ListedDirectory, TextInode } from "../proc/generated.ts";

/** What the network tells of an interface. */
export interface NetworkDevice {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  /** IFF_* */
  readonly flags: number;
  /** ARPHRD_* */
  readonly type: number;
  readonly hardwareAddress: Uint8Array;
  readonly queueLength: number;
  /** The columns of /proc/net/dev; absent: all 0. */
  readonly counters?: readonly number[];
}

/** The network registers how to find them; `task`: null for the kernel itself. */
export const networkDevices = { list: (_kernel: Kernel, _task: Task | null): readonly NetworkDevice[] => [] };

const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;

const colons = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");

/** File → text; EINVAL where the device cannot say. */
const texts: Readonly<Record<string, (device: NetworkDevice) => string | number | Errno>> = {
  address: ({ hardwareAddress }) => colons(hardwareAddress),
  addr_assign_type: () => 0,
  addr_len: () => 6,
  broadcast: ({ flags }) => (flags & IFF_LOOPBACK ? "00:00:00:00:00:00" : "ff:ff:ff:ff:ff:ff"),
  carrier: ({ flags }) => (flags & IFF_UP ? (flags & IFF_RUNNING ? 1 : 0) : EINVAL),
  carrier_changes: () => 0,
  dev_id: () => "0x0",
  dev_port: () => 0,
  dormant: ({ flags }) => (flags & IFF_UP ? 0 : EINVAL),
  duplex: ({ flags }) => (flags & IFF_LOOPBACK ? EINVAL : "full"),
  // The bits that stand for states are not shown.
  flags: ({ flags }) => `0x${(flags & ~IFF_RUNNING).toString(16)}`,
  ifindex: ({ index }) => index,
  iflink: ({ index }) => index,
  link_mode: () => 0,
  mtu: ({ mtu }) => mtu,
  operstate: ({ flags }) => (flags & IFF_LOOPBACK ? "unknown" : flags & IFF_RUNNING ? "up" : "down"),
  speed: ({ flags }) => (flags & IFF_LOOPBACK ? EINVAL : 10_000),
  tx_queue_len: ({ queueLength }) => queueLength,
  type: ({ type }) => type,
  uevent: ({ name, index }) => `INTERFACE=${name}\nIFINDEX=${index}`,
};

/** statistics/NAME → column of /proc/net/dev. */
const statistics: Readonly<Record<string, number>> = {
  rx_bytes: 0,
  rx_packets: 1,
  rx_errors: 2,
  rx_dropped: 3,
  rx_fifo_errors: 4,
  rx_frame_errors: 5,
  rx_compressed: 6,
  multicast: 7,
  tx_bytes: 8,
  tx_packets: 9,
  tx_errors: 10,
  tx_dropped: 11,
  tx_fifo_errors: 12,
  collisions: 13,
  tx_carrier_errors: 14,
  tx_compressed: 15,
};

class DeviceText extends TextInode {
  readonly #kernel: Kernel;
  readonly #name: string;
  readonly #make: (device: NetworkDevice) => string | number | Errno;

  constructor(kernel: Kernel, fs: Filesystem, ino: number, name: string, make: (device: NetworkDevice) => string | number | Errno) {
    super(fs, ino, 0o444);
    this.size = 4096;
    this.#kernel = kernel;
    this.#name = name;
    this.#make = make;
  }

  override text(task: Task): string | Errno {
    const device = networkDevices.list(this.#kernel, task).find(({ name }) => name === this.#name);
    if (device === undefined) return EINVAL;
    const value = this.#make(device);
    return value === EINVAL ? EINVAL : `${value}\n`;
  }

  protected override mayOpen(flags: number, _task: Task): number {
    return (flags & O_ACCMODE) === O_RDONLY ? 0 : EACCES;
  }
}

/** One entry for each interface. */
export class NetworkClass extends ListedDirectory {
  readonly #kernel: Kernel;
  readonly #known = new Map<string, Inode>();
  readonly #isLinks: boolean;
  readonly #stamped: <T extends Inode>(make: (ino: number) => T) => T;

  /** `isLinks`: /sys/class/net. `stamped` numbers an inode and sets its times. */
  constructor(kernel: Kernel, fs: Filesystem, ino: number, isLinks: boolean, stamped: <T extends Inode>(make: (ino: number) => T) => T) {
    super(fs, ino, S_IFDIR | 0o755);
    this.#kernel = kernel;
    this.#isLinks = isLinks;
    this.#stamped = stamped;
  }

  #entry(name: string): Inode {
    let inode = this.#known.get(name);
    if (inode !== undefined) return inode;
    inode = this.#isLinks
      ? this.#stamped((ino) => new GeneratedLink(this.fs, ino, () => `../../devices/virtual/net/${name}`))
      : this.#device(name);
    this.#known.set(name, inode);
    return inode;
  }

  #device(name: string): GeneratedDirectory {
    const directory = this.#stamped((ino) => new GeneratedDirectory(this.fs, ino, S_IFDIR | 0o755));
    for (const [file, make] of Object.entries(texts))
      directory.add(
        file,
        this.#stamped((ino) => new DeviceText(this.#kernel, this.fs, ino, name, make)),
      );
    const counters = this.#stamped((ino) => new GeneratedDirectory(this.fs, ino, S_IFDIR | 0o755));
    for (const [file, column] of Object.entries(statistics)) {
      counters.add(
        file,
        this.#stamped((ino) => new DeviceText(this.#kernel, this.fs, ino, name, (device) => device.counters?.[column] ?? 0)),
      );
    }
    directory.add("statistics", counters);
    directory.add(
      "subsystem",
      this.#stamped((ino) => new GeneratedLink(this.fs, ino, () => "../../../../class/net")),
    );
    return directory;
  }

  override lookup(name: string, task: Task | null): Inode | Errno {
    return networkDevices.list(this.#kernel, task).some((device) => device.name === name) ? this.#entry(name) : ENOENT;
  }

  override *entries(task: Task): Iterable<DirectoryEntry> {
    for (const { name } of networkDevices.list(this.#kernel, task)) yield { name, inode: this.#entry(name) };
  }
}
