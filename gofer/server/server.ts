/**
 * The file server: one request, one answer, one thread, no waiting but for the next request.
 * The sentry may be in a guest's hands: nothing it sends is used unchecked, no name it sends
 * has more than one component, and no error leaves but as an answer.
 */

import { closeFd, openAt, raiseFdLimit } from "../../native/ffi/file-calls-unsafe.ts";
import { PacketChannel } from "../../native/ffi/packet-channel-unsafe.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../syscall-tables/flags/open.ts";
import { fits, packInto, unpackFrom } from "../protocol/codec.ts";
import { EIO, EMSGSIZE, EPROTO } from "../protocol/errno.ts";
import { isOneWay, MAX_REPLY, MAX_REQUEST } from "../protocol/messages.ts";
import { handlers } from "./handlers.ts";
import { NodeTable } from "./node-table.ts";
import { type OwnerMap, Tree, type TreeOptions } from "./tree.ts";

export interface GoferOptions {
  readonly trees: readonly TreeOptions[];
  /** O_PATH fd of /proc/self/fd; opened by path when left out. */
  readonly procFd?: number;
  readonly ownerMap?: OwnerMap | null;
  /** How many nodes may have an fd; by default what RLIMIT_NOFILE allows. */
  readonly maxOpen?: number;
  /** Called when all is loaded and open, before the first request: confines the process. */
  readonly beforeServing?: () => void;
}

/** Fds for anything but nodes: channel, trees, listings, donations under way, Node's own. */
const RESERVED_FDS = 512;

export class FileServer {
  readonly nodes: NodeTable;
  readonly trees: Tree[] = [];
  /** Magic links to the gofer's own fds: the way from an O_PATH fd to an open file. */
  readonly procFd: number;
  readonly ownerMap: OwnerMap | null;
  /** The directory being listed; see `readdir`. */
  listingFd = -1;
  /** See `watch`. */
  inotifyFd = -1;
  /** Requests that were no valid messages. */
  malformed = 0;
  /** What goes out beside the answer, and whether it is closed then. */
  #donatedFd = -1;

  /** Throws when a tree or /proc/self/fd is not usable: a start-up failure. */
  constructor(options: GoferOptions) {
    const limit = raiseFdLimit();
    process.umask(0);
    this.nodes = new NodeTable(options.maxOpen ?? Math.max(64, (limit < 0 ? 1024 : limit) - RESERVED_FDS));
    this.ownerMap = options.ownerMap ?? null;
    this.procFd = options.procFd ?? openAt(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (this.procFd < 0) throw new Error(`gofer: /proc/self/fd: errno ${-this.procFd}`);
    for (const [index, { fd, ...kind }] of options.trees.entries()) {
      const tree = new Tree(index, kind);
      const result = this.nodes.addRoot(tree, fd);
      if (result < 0) throw new Error(`gofer: tree ${index}: errno ${-result}`);
      this.trees.push(tree);
    }
  }

  /** `fd` travels with the answer to the request in hand and is closed here. */
  donate(fd: number): void {
    this.#donatedFd = fd;
  }

  takeDonated(): number {
    const fd = this.#donatedFd;
    this.#donatedFd = -1;
    return fd;
  }

  /** Answers the request in `request[0…length]`: the answer's length in `reply`, or 0 for none. */
  handle(request: Buffer, length: number, reply: Buffer): number {
    const values = unpackFrom(request, length);
    const answer = values === null ? this.#refuse() : this.#answer(values);
    this.nodes.closePassing();
    if (answer === null) return 0;
    const packed = packInto(reply, answer);
    return packed >= 0 ? packed : packInto(reply, [packed]);
  }

  #answer(values: unknown[]): readonly unknown[] | null {
    const [id] = values;
    const handler = typeof id === "number" ? handlers[id] : undefined;
    if (handler === undefined || !fits(handler.message.request, values)) return this.#refuse();
    const answer = handler.run(this, values);
    if (isOneWay(handler.message.id)) return null;
    return typeof answer === "number" ? [answer < 0 ? answer : EIO] : answer;
  }

  #refuse(): unknown[] {
    this.malformed++;
    return [EPROTO];
  }

  close(): void {
    if (this.listingFd >= 0) closeFd(this.listingFd);
    if (this.inotifyFd >= 0) closeFd(this.inotifyFd);
    this.nodes.clear();
    closeFd(this.procFd);
  }
}

/** Serves until the channel is closed; the exit status of the process. */
export const serve = (server: FileServer, channelFd: number): number => {
  const channel = new PacketChannel(channelFd, { sendCapacity: MAX_REPLY, receiveCapacity: MAX_REQUEST, acceptsFds: false });
  for (;;) {
    const length = channel.receive();
    if (length === 0) return 0;
    if (length < 0 && length !== EMSGSIZE) return 1;
    const replyLength = server.handle(channel.receiveBuffer, Math.max(length, 0), channel.sendBuffer);
    const donated = server.takeDonated();
    const sent = replyLength > 0 ? channel.send(replyLength, donated) : 0;
    if (donated >= 0) closeFd(donated);
    if (sent < 0) return 1;
  }
};

export const goferMain = (options: GoferOptions & { readonly channelFd: number }): number =>
  serve(new FileServer(options), options.channelFd);
