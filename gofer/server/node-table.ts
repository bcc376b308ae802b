/**
 * The nodes the sentry holds. Each has an O_PATH fd, so what the sentry means by an id stays
 * the same file whatever happens to names. When fds run out, nodes not used lately lose
 * theirs and are found again through their parent, one component at a time and without
 * following links; a file that is no longer the same answers ESTALE.
 */

import { closeFd, openAt, stat, statAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFMT } from "../../syscall-tables/flags/open.ts";
import { EINVAL, ENFILE, ESTALE } from "../protocol/errno.ts";
import type { Node, Tree } from "./tree.ts";

const O_PATH_HERE = O_PATH | O_NOFOLLOW | O_CLOEXEC;

export class NodeTable {
  readonly #byId = new Map<number, Node>();
  /** Nodes with an fd, in the order in which the evicting hand meets them. Roots are not among them. */
  readonly #open = new Set<Node>();
  /** Nodes that have lost their name: they keep their fd, for there is no way back. */
  readonly #pinned = new Set<Node>();
  /** Open ones on file systems that the host may want to unmount: closed when the request is done. */
  readonly #passing = new Set<Node>();
  readonly #maxOpen: number;
  #lastId = 0;

  constructor(maxOpen: number) {
    this.#maxOpen = maxOpen;
  }

  get size(): number {
    return this.#byId.size;
  }

  get openCount(): number {
    return this.#open.size + this.#pinned.size;
  }

  get(id: number): Node | undefined {
    return this.#byId.get(id);
  }

  /** Takes `fd` as the root of `tree`. A negative errno when it cannot be looked at. */
  addRoot(tree: Tree, fd: number): number {
    const result = statAt(fd, "", AT_EMPTY_PATH);
    if (result < 0) return result;
    tree.root = this.#make(tree, null, "", fd);
    return 0;
  }

  /** The fd of `node`, or a negative errno. */
  fd(node: Node): number {
    node.isRecent = true;
    return node.fd >= 0 ? node.fd : this.#reopen(node);
  }

  /** The node of `name` in `parent`, whose attributes are then in `stat`; a negative errno. */
  child(parent: Node, name: string): Node | number {
    const parentFd = this.fd(parent);
    if (parentFd < 0) return parentFd;
    const { tree } = parent;
    const result = statAt(parentFd, name, AT_SYMLINK_NOFOLLOW);
    if (result < 0) return result;
    const known = tree.find(tree.statDevice(), tree.statIno());
    if (known !== undefined) {
      if (known.fd >= 0 || isSame(known)) {
        known.isRecent = true;
        return known;
      }
      tree.remove(known);
    }
    const room = this.#makeRoom();
    if (room < 0) return room;
    // Making room may have closed the parent's.
    const again = this.fd(parent);
    const fd = again < 0 ? again : openAt(again, name, O_PATH_HERE);
    return fd < 0 ? fd : this.adopt(parent, name, fd);
  }

  /** The node of the O_PATH `fd`, which the table takes; its attributes are then in `stat`. */
  adopt(parent: Node, name: string, fd: number): Node | number {
    const { tree } = parent;
    const result = statAt(fd, "", AT_EMPTY_PATH);
    if (result < 0) {
      closeFd(fd);
      return result;
    }
    const known = tree.find(tree.statDevice(), tree.statIno());
    if (known !== undefined && (known.fd >= 0 || isSame(known))) {
      if (known.fd >= 0) closeFd(fd);
      else this.#give(known, fd);
      return known;
    }
    const node = this.#make(tree, parent, name, fd);
    this.#opened(node);
    return node;
  }

  /** The node of an inode just looked at by statAt, if the sentry holds it. */
  known(tree: Tree): Node | undefined {
    return tree.find(tree.statDevice(), tree.statIno());
  }

  forget(id: number): void {
    const node = this.#byId.get(id);
    if (node === undefined || node.parent === null) return;
    this.#byId.delete(id);
    node.tree.remove(node);
    this.#close(node);
  }

  /** `node` is about to lose the name it was found by. 0 or a negative errno. */
  pin(node: Node): number {
    const fd = this.fd(node);
    if (fd < 0) return fd;
    if (this.#open.delete(node)) this.#pinned.add(node);
    return 0;
  }

  /** `node` can be found as `name` in `parent` from now on. */
  move(node: Node, parent: Node, name: string): void {
    if (node.parent === null) return;
    node.parent = parent;
    node.name = name;
    if (this.#pinned.delete(node)) this.#open.add(node);
  }

  /** Closes all fds. */
  clear(): void {
    for (const node of this.#byId.values()) if (node.fd >= 0) closeFd(node.fd);
    this.#byId.clear();
    this.#open.clear();
    this.#pinned.clear();
  }

  #make(tree: Tree, parent: Node | null, name: string, fd: number): Node {
    const node: Node = {
      id: ++this.#lastId,
      tree,
      parent,
      name,
      fd,
      device: tree.statDevice(),
      ino: tree.statIno(),
      type: stat.mode() & S_IFMT,
      size: stat.size(),
      btimeSec: stat.btimeSec(),
      btimeNsec: stat.btimeNsec(),
      isRecent: true,
    };
    this.#byId.set(node.id, node);
    tree.add(node);
    return node;
  }

  #give(node: Node, fd: number): void {
    node.fd = fd;
    this.#opened(node);
  }

  #opened(node: Node): void {
    this.#open.add(node);
    if (node.tree.listens && node.device !== node.tree.root?.device) this.#passing.add(node);
  }

  /** Lets go of what would make unmounting fail on the host. What has lost its name keeps its fd: there is no way back. */
  closePassing(): void {
    if (this.#passing.size === 0) return;
    for (const node of this.#passing) if (this.#open.has(node)) this.#close(node);
    this.#passing.clear();
  }

  #close(node: Node): void {
    if (node.fd < 0) return;
    closeFd(node.fd);
    node.fd = -1;
    this.#open.delete(node);
    this.#pinned.delete(node);
  }

  /** Evicts until one more fd may be opened: second chance for what was used lately. */
  #makeRoom(): number {
    if (this.openCount < this.#maxOpen) return 0;
    for (let tries = this.#open.size * 2; tries > 0; tries--) {
      const [node] = this.#open;
      if (!node.isRecent) {
        this.#close(node);
        return 0;
      }
      node.isRecent = false;
      this.#open.delete(node);
      this.#open.add(node);
    }
    return ENFILE;
  }

  /** Walks down from the nearest ancestor that has an fd; only `node` keeps the new one. */
  #reopen(node: Node): number {
    const room = this.#makeRoom();
    if (room < 0) return room;
    const chain: Node[] = [];
    let from = node;
    while (from.fd < 0 && from.parent !== null) {
      chain.push(from);
      from = from.parent;
    }
    let fd = from.fd;
    for (let i = chain.length - 1; i >= 0; i--) {
      const next = fd < 0 ? ESTALE : openAt(fd, chain[i].name, O_PATH_HERE);
      if (i !== chain.length - 1) closeFd(fd);
      if (next < 0) return next === EINVAL ? next : ESTALE;
      fd = next;
      const result = statAt(fd, "", AT_EMPTY_PATH);
      const { tree } = node;
      if (result < 0 || tree.statDevice() !== chain[i].device || tree.statIno() !== chain[i].ino || !isSame(chain[i])) {
        closeFd(fd);
        return ESTALE;
      }
    }
    this.#give(node, fd);
    return fd;
  }
}

/** Whether the inode just looked at is `node`'s and not a later one with its number. */
const isSame = (node: Node): boolean =>
  stat.btimeSec() === node.btimeSec && stat.btimeNsec() === node.btimeNsec && (stat.mode() & S_IFMT) === node.type;
