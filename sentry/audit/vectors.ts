/** iovec lists and message headers: readv(2), sendmsg(2). */

import { SCM_CREDENTIALS, SCM_RIGHTS } from "../../syscall-tables/flags/socket.ts";
import { IOVEC_SIZE } from "../../syscall-tables/limits.ts";
import { type Call, peekBytes, peekView } from "./call.ts";
import { formatFd, loadU64, named32, type StructFormat } from "./fields.ts";
import { formatSockaddr } from "./sockaddr.ts";
import { ARRAY_LIMIT, list, pointer, quoteBytes, STRING_LIMIT } from "./text.ts";
import { formatNamed } from "./words.ts";

/** Neither an address nor ancillary data is shown beyond this. */
const NAME_MAX = 128;
const CONTROL_MAX = 1024;
const CMSGHDR_SIZE = 16;

/** `available` of the `length` bytes at `addr` as a string. */
export const formatBuffer = (call: Call, addr: number, length: number, available = length): string => {
  if (addr === 0) return "NULL";
  const bytes = peekBytes(call.memory, addr, Math.min(available, STRING_LIMIT + 1));
  return bytes === null ? pointer(addr) : quoteBytes(bytes, available);
};

export const formatIovec = (call: Call, addr: number, count: number, available = Number.MAX_SAFE_INTEGER): string => {
  if (addr === 0) return "NULL";
  const shown = Math.min(count, ARRAY_LIMIT);
  const view = peekView(call.memory, addr, shown * IOVEC_SIZE);
  if (view === null) return pointer(addr);
  let rest = available;
  const items = Array.from({ length: shown }, (_, index) => {
    const length = loadU64(view, index * IOVEC_SIZE + 8);
    const filled = Math.min(length, rest);
    rest -= filled;
    return `{iov_base=${formatBuffer(call, loadU64(view, index * IOVEC_SIZE), length, filled)}, iov_len=${length}}`;
  });
  return list(items, count > shown);
};

const formatControlData = (call: Call, view: DataView, at: number, length: number, type: number): string => {
  if (type === SCM_RIGHTS) {
    return `, cmsg_data=${list(Array.from({ length: length >> 2 }, (_, index) => formatFd(call, view.getInt32(at + index * 4, true))))}`;
  }
  if (type === SCM_CREDENTIALS && length >= 12) {
    const [pid, uid, gid] = [0, 4, 8].map((offset) => view.getInt32(at + offset, true));
    return `, cmsg_data={pid=${pid}, uid=${uid}, gid=${gid}}`;
  }
  return "";
};

/** cmsg(3): headers follow one another at multiples of eight bytes. */
const formatControl = (call: Call, addr: number, length: number): string => {
  const view = length <= CONTROL_MAX ? peekView(call.memory, addr, length) : null;
  if (view === null) return pointer(addr);
  const items: string[] = [];
  for (let at = 0; at + CMSGHDR_SIZE <= length; ) {
    const size = loadU64(view, at);
    if (size < CMSGHDR_SIZE || at + size > length) break;
    const level = view.getInt32(at + 8, true);
    const type = view.getInt32(at + 12, true);
    const typeName = level === 1 ? formatNamed("control_message", type) : String(type);
    const data = level === 1 ? formatControlData(call, view, at + CMSGHDR_SIZE, size - CMSGHDR_SIZE, type) : "";
    items.push(`{cmsg_len=${size}, cmsg_level=${formatNamed("socket_level", level)}, cmsg_type=${typeName}${data}}`);
    at += (size + 7) & ~7;
  }
  return list(items);
};

const formatMessage = (call: Call, view: DataView, at: number, available: number): string => {
  const nameAddr = loadU64(view, at);
  const nameLength = view.getUint32(at + 8, true);
  const bytes = nameAddr === 0 || nameLength > NAME_MAX ? null : peekBytes(call.memory, nameAddr, nameLength);
  const name = bytes === null ? pointer(nameAddr) : formatSockaddr(bytes);
  const count = loadU64(view, at + 24);
  const controlLength = loadU64(view, at + 40);
  const control = controlLength === 0 ? "" : `, msg_control=${formatControl(call, loadU64(view, at + 32), controlLength)}`;
  const vectors = formatIovec(call, loadU64(view, at + 16), count, available);
  const flags = named32("msg")(view, at + 48, call);
  return `{msg_name=${name}, msg_namelen=${nameLength}, msg_iov=${vectors}, msg_iovlen=${count}${control}, msg_controllen=${controlLength}, msg_flags=${flags}}`;
};

export const iovec: StructFormat = {
  size: IOVEC_SIZE,
  format: (view, at) => `{iov_base=${pointer(loadU64(view, at))}, iov_len=${loadU64(view, at + 8)}}`,
};

/** A received message holds as many bytes as the call returned, a sent one whatever it names. */
export const msghdr: StructFormat = {
  size: 56,
  format: (view, at, call) =>
    formatMessage(call, view, at, call.name === "recvmsg" ? Math.max(call.result ?? 0, 0) : Number.MAX_SAFE_INTEGER),
};

export const mmsghdr: StructFormat = {
  size: 64,
  format: (view, at, call) => {
    const length = view.getUint32(at + 56, true);
    const received = call.name === "recvmmsg" ? length : Number.MAX_SAFE_INTEGER;
    const sent = call.result === null ? "" : `, msg_len=${length}`;
    return `{msg_hdr=${formatMessage(call, view, at, received)}${sent}}`;
  },
};
