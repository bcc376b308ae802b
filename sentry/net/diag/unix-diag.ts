/** unix_diag: the unix sockets of a namespace (sock_diag(7), net/unix/diag.c). */
import { EINVAL, ENOENT, ESTALE } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { uint32At } from "../control.ts";
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN } from "../inet/tcp-state.ts";
import { type NetlinkBuilder, type NetlinkRequest, NLM_F_DUMP, NLM_F_MULTI, NLMSG_HEADER } from "../netlink/netlink-message.ts";
import type { NetworkNamespace } from "../network-namespace.ts";
import { PATH_OFFSET } from "../unix/names.ts";
import type { UnixSocket } from "../unix/unix-socket.ts";
import { cookieAt, isCookie, SOCK_DIAG_BY_FAMILY } from "./request.ts";

/** struct unix_diag_req */
const REQUEST_SIZE = 24;
const STATES = NLMSG_HEADER + 4;
const INO = NLMSG_HEADER + 8;
const SHOW = NLMSG_HEADER + 12;
const COOKIE = NLMSG_HEADER + 16;

const UDIAG_SHOW_NAME = 0x1;
const UDIAG_SHOW_VFS = 0x2;
const UDIAG_SHOW_PEER = 0x4;
const UDIAG_SHOW_ICONS = 0x8;
const UDIAG_SHOW_RQLEN = 0x10;
const UDIAG_SHOW_MEMINFO = 0x20;
const UDIAG_SHOW_UID = 0x40;

const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_VFS = 1;
const UNIX_DIAG_PEER = 2;
const UNIX_DIAG_ICONS = 3;
const UNIX_DIAG_RQLEN = 4;
const UNIX_DIAG_MEMINFO = 5;
const UNIX_DIAG_SHUTDOWN = 6;
const UNIX_DIAG_UID = 7;

const stateOf = (socket: UnixSocket): number =>
  socket.isListening ? TCP_LISTEN : socket.state === "connected" ? TCP_ESTABLISHED : TCP_CLOSE;

/** A connection that nobody has accepted has no inode yet, and a closed one none any more. */
const inodeOf = (socket: UnixSocket): number => (socket.waitsIn === null && !socket.isReleased ? socket.inode.ino : 0);

const words = (values: number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);

/** sk_diag_fill() */
const putSocket = (answers: NetlinkBuilder, task: Task, request: NetlinkRequest, socket: UnixSocket): void => {
  const show = uint32At(request.bytes, SHOW);
  const flags = (request.flags & NLM_F_DUMP) === NLM_F_DUMP ? NLM_F_MULTI : 0;
  answers.begin(SOCK_DIAG_BY_FAMILY, flags, request.sequence, request.portId);
  answers.u8(socket.family).u8(socket.type).u8(stateOf(socket)).u8(0);
  answers.u32(socket.inode.ino).u32(socket.cookie).u32(0);
  if ((show & UDIAG_SHOW_NAME) !== 0 && socket.name !== null) answers.attribute(UNIX_DIAG_NAME, socket.name.subarray(PATH_OFFSET));
  const place = socket.boundInode;
  if ((show & UDIAG_SHOW_VFS) !== 0 && place !== null) answers.attribute(UNIX_DIAG_VFS, words([place.ino, place.fs.device]));
  if ((show & UDIAG_SHOW_PEER) !== 0 && socket.peer !== null) answers.attributeU32(UNIX_DIAG_PEER, inodeOf(socket.peer));
  const waiting = socket.acceptQueue.map(({ peer }) => peer?.inode.ino ?? 0);
  if ((show & UDIAG_SHOW_ICONS) !== 0 && socket.isListening) answers.attribute(UNIX_DIAG_ICONS, words(waiting));
  const queued = socket.isListening ? waiting.length : Math.max(0, socket.inputQueue());
  const unread = socket.isListening ? socket.backlog : Math.max(0, socket.outputQueue());
  if ((show & UDIAG_SHOW_RQLEN) !== 0) answers.attribute(UNIX_DIAG_RQLEN, words([queued, unread]));
  if ((show & UDIAG_SHOW_MEMINFO) !== 0) {
    const { receiveBuffer, sendBuffer } = socket.settings;
    answers.attribute(UNIX_DIAG_MEMINFO, words([0, receiveBuffer, socket.isListening ? 0 : unread, sendBuffer, 0, 0, 0, 0, 0]));
  }
  answers.attributeU8(UNIX_DIAG_SHUTDOWN, socket.shutdownMask);
  if ((show & UDIAG_SHOW_UID) !== 0) answers.attributeU32(UNIX_DIAG_UID, task.creds.userNamespace.showUid(socket.inode.uid));
  answers.finish();
};

/** unix_diag_handler_dump(): 0 or an errno. */
export const answerUnixDiag = (net: NetworkNamespace, task: Task, request: NetlinkRequest, answers: NetlinkBuilder): number => {
  const { bytes } = request;
  if (bytes.length < NLMSG_HEADER + REQUEST_SIZE) return EINVAL;
  if ((request.flags & NLM_F_DUMP) === NLM_F_DUMP) {
    const states = uint32At(bytes, STATES);
    for (const socket of net.unix.sockets) {
      if (inodeOf(socket) !== 0 && (states & (1 << stateOf(socket))) !== 0) putSocket(answers, task, request, socket);
    }
    return 0;
  }
  const ino = uint32At(bytes, INO);
  if (ino === 0) return EINVAL;
  for (const socket of net.unix.sockets) {
    if (socket.inode.ino !== ino) continue;
    if (!isCookie(socket, ...cookieAt(bytes, COOKIE))) return ESTALE;
    putSocket(answers, task, request, socket);
    return 0;
  }
  return ENOENT;
};
