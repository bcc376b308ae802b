/** A tree that the gofer serves, and the nodes of it that the sentry knows. */
import { stat } from "../../native/ffi/file-calls-unsafe.ts";
import type { IdRange } from "./id-map.ts";

export interface TreeOptions {
  /** O_PATH or O_RDONLY, of a directory or of a single file. The gofer owns it. */
  readonly fd: number;
  readonly readOnly: boolean;
  /** The host may mount and unmount file systems in it. */
  readonly listens?: boolean;
  readonly uids?: readonly IdRange[];
  readonly gids?: readonly IdRange[];
}

/** Presents files of `hostUid`/`hostGid` as another owner's, and back: for callers who have but one id. */
export interface OwnerMap {
  readonly hostUid: number;
  readonly hostGid: number;
  readonly guestUid: number;
  readonly guestGid: number;
}

/** One file that the sentry holds. The fd is O_PATH; -1 while it is evicted. */
export interface Node {
  readonly id: number;
  readonly tree: Tree;
  /** The way back to it after an eviction; null for the root. */
  parent: Node | null;
  name: string;
  fd: number;
  readonly device: number;
  readonly ino: number;
  /** st_mode's type bits. */
  readonly type: number;
  /** st_size when it was found: whether a directory is a large one. */
  readonly size: number;
  /** Tells a reused inode number from the old one. */
  readonly btimeSec: number;
  readonly btimeNsec: number;
  /** Used since the evicting hand passed last. */
  isRecent: boolean;
}

const TWO_52 = 2 ** 52;

export class Tree {
  readonly index: number;
  readonly isReadOnly: boolean;
  readonly listens: boolean;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  root: Node | null = null;
  /** By device and inode number, so that hard links are one node. */
  readonly #nodes: Map<number, Node>[] = [];
  readonly #devices: number[] = [];
  readonly #folded = new Map<string, number>();

  constructor(index: number, { readOnly: isReadOnly, listens = false, uids = [], gids = [] }: Omit<TreeOptions, "fd">) {
    this.listens = listens;
    this.uids = uids;
    this.gids = gids;
    this.index = index;
    this.isReadOnly = isReadOnly;
  }

  /** The device that the last statAt saw, counted from 0. */
  statDevice(): number {
    const device = stat.devMajor() * 2 ** 20 + stat.devMinor();
    const known = this.#devices.indexOf(device);
    if (known >= 0) return known;
    this.#nodes.push(new Map());
    return this.#devices.push(device) - 1;
  }

  /** The inode number that the last statAt saw. */
  statIno(): number {
    return this.foldIno(stat.inoHigh(), stat.inoLow());
  }

  /** Inode numbers that a double cannot hold get one above 2^52 of their own. */
  foldIno(high: number, low: number): number {
    if (high < 0x10_0000) return high * 2 ** 32 + low;
    const key = `${high}:${low}`;
    const known = this.#folded.get(key);
    if (known !== undefined) return known;
    const ino = TWO_52 + this.#folded.size;
    this.#folded.set(key, ino);
    return ino;
  }

  find(device: number, ino: number): Node | undefined {
    return this.#nodes[device].get(ino);
  }

  add(node: Node): void {
    this.#nodes[node.device].set(node.ino, node);
  }

  remove(node: Node): void {
    if (this.#nodes[node.device].get(node.ino) === node) this.#nodes[node.device].delete(node.ino);
  }
}
