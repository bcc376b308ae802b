/**
 * Changes by host processes, for the guest's inotify: the gofer watches on the host what the guest watches on a shared
 * tree. What the guest does itself comes back from the host as well; it has been told of it already, so for a
 * moment after each change of its own the host's events for that name are passed over.
 */

import { inotify, unwatch, WATCH_MASK, watch } from "../../../gofer/protocol/messages.ts";
import { readInotify } from "../../../native/ffi/inotify-unsafe.ts";
import { IN_IGNORED, IN_ISDIR, IN_MOVED_FROM, IN_MOVED_TO, IN_Q_OVERFLOW } from "../../../syscall-tables/flags/open.ts";
import { EPOLLIN } from "../../../syscall-tables/flags/poll.ts";
import type { Gofer } from "../../host/gofer-client.ts";
import type { Kernel } from "../../kernel.ts";
import { nextCookie } from "../../vfs/notify.ts";
import type { GoferInode } from "./inode.ts";

/** How long an own change may take to come back. */
const ECHO_MS = 50;

interface Watched {
  readonly inode: GoferInode;
  readonly wd: number;
  /** Names (none: itself) → until when the host's events are echoes. */
  readonly recent: Map<string, number>;
}

export class HostWatches {
  readonly #client: Gofer;
  /** -1: not asked for yet; -2: not to be had. */
  #fd = -1;
  readonly #byInode = new Map<GoferInode, Watched>();
  /** The host knows files, of which the guest may have several inodes (one tree inside another). */
  readonly #byDescriptor = new Map<number, Set<Watched>>();
  readonly #cookies = new Map<number, number>();
  readonly #take = (wd: number, mask: number, cookie: number, name: string): void => this.#deliver(wd, mask, cookie, name);

  constructor(client: Gofer) {
    this.#client = client;
  }

  #open(kernel: Kernel): boolean {
    if (this.#fd !== -1) return this.#fd >= 0;
    const answer = this.#client.call(inotify);
    this.#fd = typeof answer === "number" ? -2 : this.#client.takeFd();
    if (this.#fd >= 0) kernel.hostPoller.onEdge(this.#fd, EPOLLIN, () => this.#drain());
    return this.#fd >= 0;
  }

  add(inode: GoferInode, kernel: Kernel): void {
    if (this.#byInode.has(inode) || !this.#open(kernel)) return;
    const node = inode.nodeId();
    const answer = node < 0 ? node : this.#client.call(watch, node, WATCH_MASK);
    // Without it the guest hears of its own changes only, as on a filesystem that has no events.
    if (typeof answer === "number") return;
    const [, wd] = answer;
    const watched = { inode, wd, recent: new Map<string, number>() };
    this.#byInode.set(inode, watched);
    const others = this.#byDescriptor.get(wd);
    if (others === undefined) this.#byDescriptor.set(wd, new Set([watched]));
    else others.add(watched);
  }

  remove(inode: GoferInode): void {
    const watched = this.#byInode.get(inode);
    if (watched === undefined) return;
    this.#byInode.delete(inode);
    const others = this.#byDescriptor.get(watched.wd);
    others?.delete(watched);
    if (others === undefined || others.size > 0) return;
    this.#byDescriptor.delete(watched.wd);
    this.#client.call(unwatch, watched.wd);
  }

  /** The guest itself has done something to `name` in `inode` ("": to `inode`). */
  saw(inode: GoferInode, name: string): void {
    const watched = this.#byInode.get(inode);
    if (watched === undefined) return;
    const now = performance.now();
    const { recent } = watched;
    if (recent.size > 256) for (const [old, until] of recent) if (until < now) recent.delete(old);
    recent.set(name, now + ECHO_MS);
    // What came before is told before; what is there of the change itself is passed over now.
    this.#drain();
  }

  #drain(): void {
    readInotify(this.#fd, this.#take);
  }

  #deliver(wd: number, mask: number, cookie: number, name: string): void {
    if ((mask & IN_Q_OVERFLOW) !== 0) {
      for (const { inode } of [...this.#byInode.values()]) inode.watches?.outside(IN_Q_OVERFLOW, "", 0);
      return;
    }
    const all = this.#byDescriptor.get(wd);
    if (all === undefined) return;
    if ((mask & IN_IGNORED) !== 0) {
      this.#byDescriptor.delete(wd);
      for (const { inode } of all) this.#byInode.delete(inode);
      return;
    }
    const own = this.#cookie(mask, cookie);
    for (const { inode, recent } of [...all]) {
      const until = recent.get(name);
      if (until !== undefined && performance.now() < until) continue;
      inode.changedOutside();
      inode.watches?.outside(mask & (WATCH_MASK | IN_ISDIR), name, own);
    }
  }

  /** Cookies of the host's moves as the guest's own kernel counts them. */
  #cookie(mask: number, cookie: number): number {
    if ((mask & (IN_MOVED_FROM | IN_MOVED_TO)) === 0) return 0;
    const known = this.#cookies.get(cookie);
    if (known !== undefined) {
      this.#cookies.delete(cookie);
      return known;
    }
    const made = nextCookie();
    if (this.#cookies.size > 64) this.#cookies.clear();
    if ((mask & IN_MOVED_FROM) !== 0) this.#cookies.set(cookie, made);
    return made;
  }
}

const managers = new WeakMap<Gofer, HostWatches>();

/** One per gofer. */
export const hostWatchesOf = (client: Gofer): HostWatches => {
  let watches = managers.get(client);
  if (watches === undefined) {
    watches = new HostWatches(client);
    managers.set(client, watches);
  }
  return watches;
};
