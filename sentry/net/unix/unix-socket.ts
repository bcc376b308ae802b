/** unix(7): names, connections, credentials. What travels is in stream.ts and packet.ts. */

import { AT_FDCWD, O_NONBLOCK, S_IFMT, S_IFSOCK } from "../../../syscall-tables/flags/open.ts";
import { POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../../../syscall-tables/flags/poll.ts";
import { SHUT_RDWR, SOCK_DGRAM, SOCK_NONBLOCK } from "../../../syscall-tables/flags/socket.ts";
import { SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD, SOL_SOCKET } from "../../../syscall-tables/flags/socket-options.ts";
import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EEXIST,
  EINVAL,
  EISCONN,
  ENODATA,
  ENOTCONN,
  EOPNOTSUPP,
  EPERM,
  EPROTOTYPE,
  type Errno,
  ESRCH,
  isErrno,
} from "../../abi/errno.ts";
import { createPidfd } from "../../fs/pidfd/pidfd.ts";
import { SCOPE_ABSTRACT_UNIX_SOCKET } from "../../landlock/access.ts";
import type { Domain } from "../../landlock/domain.ts";
import type { Task } from "../../task/task.ts";

import { removeDentry } from "../../vfs/dentry-cache.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { type Path, putPath, takePath } from "../../vfs/path.ts";
import { MAY_WRITE, mayAccessPath } from "../../vfs/permission.ts";
import { WALK_FOLLOW } from "../../vfs/walk.ts";
import { type ControlMessage, int32Bytes } from "../control.ts";
import type { SendMessage, SocketCredentials } from "../message.ts";
import { OptionTooLong, type OptionValue, RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from "../socket.ts";
import { checkUnixAddress, isAbstract, PATH_OFFSET, pathAddress, pathIn, unnamed } from "./names.ts";
import { collect, hasFilesInFlight, type RightsHolder } from "./rights.ts";
import { credentialsOf, encodeCredentials, prepareScm } from "./scm.ts";

export const IN = POLLIN | POLLRDNORM;
export const OUT = POLLOUT | POLLWRNORM | POLLWRBAND;

export type UnixState = "closed" | "connected" | "listening";

export abstract class UnixSocket extends Socket implements RightsHolder {
  readonly isRightsHolder = true;
  state: UnixState = "closed";
  peer: UnixSocket | null = null;
  /** The address it is bound to, as getsockname(2) shows it; null: unnamed. */
  name: Uint8Array | null = null;
  #path: Path | null = null;
  /** SO_PEERCRED and SO_PEERGROUPS. */
  peerCredentials: SocketCredentials | null = null;
  #peerGroups: readonly number[] = [];
  /** Listening: connections that nobody has accepted. */
  readonly acceptQueue: UnixSocket[] = [];
  backlog = 0;
  /** The listener in whose accept queue this connection waits. */
  waitsIn: UnixSocket | null = null;
  /** Sockets that found this one full: told when there is room again. */
  readonly #crowd = new Set<UnixSocket>();
  /** The sockets in whose crowd this one is: a closed one must not stay there. */
  #crowds: Set<UnixSocket> | null = null;
  /** What a listener's caller was (SO_PEERCRED of those who connect). */
  #ownCredentials: SocketCredentials | null = null;
  #ownGroups: readonly number[] = [];
  /** The Landlock domain that it was made in. */
  readonly domain: Domain | null;
  /** Somebody wants POLLOUT. */
  isStarved = false;

  constructor(options: ConstructorParameters<typeof Socket>[0]) {
    super(options);
    this.domain = options.domain ?? null;
    this.net.unix.sockets.add(this);
  }

  /** Connections (SOCK_STREAM, SOCK_SEQPACKET), as opposed to datagrams. */
  get isConnectionBased(): boolean {
    return this.type !== SOCK_DGRAM;
  }

  override get isListening(): boolean {
    return this.state === "listening";
  }

  // ---- names

  override bind(task: Task, bytes: Uint8Array): number {
    const family = bytes.length >= 2 ? bytes[0] | (bytes[1] << 8) : 0;
    if (bytes.length === PATH_OFFSET && family === 1) return this.autobind();
    const error = checkUnixAddress(bytes);
    if (error < 0) return error;
    if (isAbstract(bytes)) {
      if (this.name !== null) return EINVAL;
      const taken = this.net.unix.bind(this, bytes);
      if (taken < 0) return taken;
      this.name = bytes.slice();
      return 0;
    }
    return this.#bindPath(task, pathIn(bytes));
  }

  #bindPath(task: Task, path: string): number {
    const made = task.kernel.vfs.makeNode(task, AT_FDCWD, path, S_IFSOCK | (this.inode.mode & 0o7777), 0);
    if (isErrno(made)) return made === EEXIST ? EADDRINUSE : made;
    const inode = made.dentry.inode;
    if (this.name !== null) {
      // unix_bind_bsd(): the node is taken back.
      made.dentry.parent?.inode.unlink(made.dentry.name, inode);
      removeDentry(made.dentry);
      return EINVAL;
    }
    this.name = pathAddress(path);
    this.#path = takePath(made);
    inode.socket = this;
    return 0;
  }

  /** A name of five digits, for sockets that pass credentials without one. */
  autobind(): number {
    if (this.name !== null) return 0;
    const name = this.net.unix.autobind(this, this.net.random(0x10_0000));
    if (isErrno(name)) return name;
    this.name = name;
    return 0;
  }

  /** unix_may_passcred(): who sent something is told with it. */
  get wantsCredentials(): boolean {
    return this.settings.passCredentials || this.settings.passPidfd;
  }

  protected get mustAutobind(): boolean {
    return this.name === null && this.wantsCredentials;
  }

  /** unix_find_other(): the socket at an address, or an errno. */
  protected find(task: Task, bytes: Uint8Array): UnixSocket | Errno {
    const error = checkUnixAddress(bytes);
    if (error < 0) return error as Errno;
    if (isAbstract(bytes)) {
      const named = this.net.unix.find(this.type, bytes);
      if (named === null) return ECONNREFUSED;
      // hook_unix_stream_connect() and hook_unix_may_send() of Landlock; who is connected may go on.
      const isKept = this.peer !== named && task.creds.landlock?.keepsFrom(named.domain, SCOPE_ABSTRACT_UNIX_SOCKET);
      return isKept ? EPERM : named;
    }
    const path = task.kernel.vfs.walk(task, AT_FDCWD, pathIn(bytes), WALK_FOLLOW);
    if (isErrno(path)) return path;
    const { inode } = path.dentry;
    const denied = mayAccessPath(path, task.creds, MAY_WRITE);
    if (denied < 0) return denied as Errno;
    if ((inode.mode & S_IFMT) !== S_IFSOCK || inode.socket === null) return ECONNREFUSED;
    const other = inode.socket as UnixSocket;
    return other.type === this.type ? other : EPROTOTYPE;
  }

  /** The socket file that it is bound to. */
  get boundInode(): Inode | null {
    return this.#path?.dentry.inode ?? null;
  }

  override localName(): Uint8Array {
    return this.name ?? unnamed();
  }

  override peerName(): Uint8Array | Errno {
    return this.peer === null ? ENOTCONN : (this.peer.name ?? unnamed());
  }

  // ---- connections

  protected connectStream(task: Task, bytes: Uint8Array): number {
    const valid = checkUnixAddress(bytes);
    if (valid < 0) return valid;
    if (this.mustAutobind) {
      const error = this.autobind();
      if (error < 0) return error;
    }
    const listener = this.find(task, bytes);
    if (isErrno(listener)) return listener;
    if (listener.state !== "listening" || (listener.shutdownMask & RCV_SHUTDOWN) !== 0) return ECONNREFUSED;
    if (listener.acceptQueue.length > listener.backlog) {
      listener.crowdIn(this);
      return EAGAIN;
    }
    if (this.state === "connected") return EISCONN;
    if (this.state === "listening") return EINVAL;
    const child = listener.createChild(task);
    child.name = listener.name;
    child.settings.passCredentials = listener.settings.passCredentials;
    child.settings.passPidfd = listener.settings.passPidfd;
    child.waitsIn = listener;
    child.join(this);
    child.#setPeer(credentialsOf(task, "effective"), task.creds.groups);
    this.join(child);
    this.#setPeer(listener.#ownCredentials, listener.#ownGroups);
    listener.acceptQueue.push(child);
    listener.queue.notify(IN);
    return 0;
  }

  override connected(task: Task, address: Uint8Array): number {
    return this.connect(task, address, false);
  }

  /** A socket for the other end of a connection to this listener. */
  protected abstract createChild(task: Task): UnixSocket;

  protected childOptions(task: Task): ConstructorParameters<typeof Socket>[0] {
    const { kernel, net, family, type, protocol } = this;
    return { kernel, net, family, type, protocol, flags: 0, uid: task.creds.fsuid, gid: task.creds.fsgid, domain: this.domain };
  }

  protected join(peer: UnixSocket): void {
    this.peer = peer;
    this.state = "connected";
    this.shutdownMask = 0;
  }

  override pair(task: Task, other: Socket): number {
    if (!(other instanceof UnixSocket)) return EOPNOTSUPP;
    const credentials = credentialsOf(task, "effective");
    for (const [one, two] of [
      [this, other],
      [other, this],
    ] as [UnixSocket, UnixSocket][]) {
      one.peer = two;
      one.state = "connected";
      one.#setPeer(credentials, task.creds.groups);
    }
    return 0;
  }

  #setPeer(credentials: SocketCredentials | null, groups: readonly number[]): void {
    this.peerCredentials = credentials;
    this.#peerGroups = groups;
  }

  override listen(task: Task, backlog: number): number {
    if (!this.isConnectionBased) return EOPNOTSUPP;
    if (this.name === null || this.state === "connected") return EINVAL;
    const room = Math.min(backlog >>> 0, this.net.somaxconn);
    const hadRoom = this.acceptQueue.length <= this.backlog;
    this.backlog = room;
    this.state = "listening";
    this.#ownCredentials = credentialsOf(task, "effective");
    this.#ownGroups = task.creds.groups;
    // init_peercred(): a listener shows its own.
    this.peerCredentials = this.#ownCredentials;
    this.#peerGroups = this.#ownGroups;
    if (!hadRoom) this.tellCrowd();
    return 0;
  }

  override accept(task: Task, flags: number): Socket | Errno {
    if (!this.isConnectionBased) return EOPNOTSUPP;
    if (this.state !== "listening") return EINVAL;
    const child = this.acceptQueue.shift();
    if (child === undefined) return (this.shutdownMask & RCV_SHUTDOWN) !== 0 ? EINVAL : EAGAIN;
    child.waitsIn = null;
    child.inode.uid = task.creds.fsuid;
    child.inode.gid = task.creds.fsgid;
    child.flags = (child.flags & ~O_NONBLOCK) | ((flags & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0);
    this.tellCrowd();
    return child;
  }

  /** `socket` is told when this one has room again. */
  crowdIn(socket: UnixSocket): void {
    this.#crowd.add(socket);
    socket.#crowds ??= new Set();
    socket.#crowds.add(this);
  }

  tellCrowd(): void {
    if (this.#crowd.size === 0) return;
    const waiting = [...this.#crowd];
    this.#crowd.clear();
    for (const socket of waiting) {
      socket.#crowds?.delete(this);
      socket.queue.notify(OUT);
    }
  }

  // ---- closing

  override shutdown(_task: Task, how: number): number {
    if (how < 0 || how > SHUT_RDWR) return EINVAL;
    const mask = how + 1;
    this.shutdownMask |= mask;
    const { peer } = this;
    if (peer !== null && this.isConnectionBased && !peer.isReleased) {
      if ((mask & RCV_SHUTDOWN) !== 0) peer.shutdownMask |= SEND_SHUTDOWN;
      if ((mask & SEND_SHUTDOWN) !== 0) peer.shutdownMask |= RCV_SHUTDOWN;
      peer.queue.notify(peer.shutdownMask === SHUTDOWN_MASK ? IN | OUT | POLLRDHUP | POLLHUP : IN | OUT | POLLRDHUP);
    }
    this.queue.notify(this.shutdownMask === SHUTDOWN_MASK ? IN | OUT | POLLRDHUP | POLLHUP : IN | OUT | POLLRDHUP);
    this.tellCrowd();
    return 0;
  }

  /** Is anything unread? A peer then hears ECONNRESET. */
  protected abstract get hasUnread(): boolean;

  abstract purge(): void;
  abstract heldRights(): Iterable<readonly OpenFile[]>;

  pendingSockets(): readonly UnixSocket[] {
    return this.acceptQueue;
  }

  /** unix_release_sock() */
  protected override close(): void {
    this.net.unix.sockets.delete(this);
    if (this.name !== null && this.waitsIn === null && isAbstract(this.name)) this.net.unix.unbind(this, this.name);
    const { peer } = this;
    this.shutdownMask = SHUTDOWN_MASK;
    if (peer !== null && this.isConnectionBased && !peer.isReleased) {
      peer.shutdownMask = SHUTDOWN_MASK;
      if (this.hasUnread || this.waitsIn !== null) peer.error = ECONNRESET;
      peer.queue.notify(IN | OUT | POLLRDHUP | POLLHUP);
    }
    this.waitsIn = null;
    if (this.state === "listening") {
      this.state = "closed";
      for (const child of this.acceptQueue.splice(0)) child.put();
    }
    this.state = "closed";
    this.purge();
    this.tellCrowd();
    if (this.#crowds !== null) for (const other of this.#crowds) other.#crowd.delete(this);
    const path = this.#path;
    if (path !== null) {
      this.#path = null;
      if (path.dentry.inode.socket === this) path.dentry.inode.socket = null;
      putPath(path);
    }
    collect();
  }

  /** A reference has gone: what is left of them may all be in flight. */
  override put(): void {
    super.put();
    if (!this.isReleased && hasFilesInFlight()) collect();
  }

  override prepareControl(task: Task, message: SendMessage, control: ControlMessage[]): number {
    return prepareScm(task, message, control);
  }

  // ---- options

  override option(task: Task, level: number, name: number, length: number): OptionValue {
    if (level !== SOL_SOCKET) return EOPNOTSUPP;
    switch (name) {
      case SO_PEERCRED:
        return this.peerCredentials === null ? int32Bytes(0, -1, -1) : encodeCredentials(task, this.peerCredentials);
      case SO_PEERGROUPS: {
        if (this.peerCredentials === null) return ENODATA;
        const ns = task.creds.userNamespace;
        const groups = this.#peerGroups.map((gid) => ns.showGid(gid));
        return length < groups.length * 4 ? new OptionTooLong(groups.length * 4) : int32Bytes(...groups);
      }
      case SO_PEERPIDFD: {
        if (this.peerCredentials === null) return ENODATA;
        const process = this.peerCredentials.pid?.task?.process ?? null;
        if (process === null) return ESRCH;
        const file = createPidfd(process, 0);
        const fd = task.files.install(file, true);
        if (fd < 0) file.put();
        return fd < 0 ? (fd as Errno) : int32Bytes(fd);
      }
      default:
        return super.option(task, level, name, length);
    }
  }

  get isReleasedOrShut(): boolean {
    return this.isReleased || (this.shutdownMask & RCV_SHUTDOWN) !== 0;
  }
}
