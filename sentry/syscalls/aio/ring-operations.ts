/** What the opcodes of io_uring(7) do: mostly, the system call of the same name. */
import * as OP from "../../../syscall-tables/flags/io-uring.ts";
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, isErrno } from "../../abi/errno.ts";
import type { Operation, RingRequest } from "../../io-uring/request.ts";
import { RingFile } from "../../io-uring/ring-file.ts";
import { startPoll, startTimeout } from "../../io-uring/waits.ts";
import { call, fileCall, fileOf } from "./ring-call.ts";
import { cancel, remove } from "./ring-cancel.ts";
import { updateFiles } from "./ring-files.ts";

const isCurrentPosition = ({ sqe }: RingRequest): boolean =>
  sqe.getUint32(8, true) === 0xffff_ffff && sqe.getUint32(12, true) === 0xffff_ffff;

/** READ and WRITE: at an offset where the file has one, else as the stream goes. */
const transfer = (plain: "read" | "write", positioned: "pread64" | "pwrite64"): Operation => {
  const stream = fileCall(plain, ({ addr, len }, fd) => [fd, addr, len]);
  const placed = fileCall(positioned, ({ addr, len, off }, fd) => [fd, addr, len, off]);
  return (request) => {
    if (request.opFlags !== 0) return EOPNOTSUPP;
    const target = fileOf(request);
    if (target === null) return EBADF;
    request.isTransfer = true;
    return target.isSeekable && !isCurrentPosition(request) ? placed(request) : stream(request);
  };
};

/** READV and WRITEV: preadv2(2), for which -1 is the current position. */
const vector = (name: "preadv2" | "pwritev2"): Operation =>
  fileCall(name, (request, fd) => {
    const target = fileOf(request);
    const offset = isCurrentPosition(request) || !target?.isSeekable ? -1 : request.off;
    return [fd, request.addr, request.len, offset, 0, request.opFlags];
  });

const fixedBuffer = (operation: Operation): Operation => {
  return (request) => {
    const buffer = request.ring.buffers?.[request.bufferIndex];
    if (buffer === undefined) return EFAULT;
    const isInside = request.addr >= buffer.addr && request.addr + request.len <= buffer.addr + buffer.length;
    return isInside ? operation(request) : EFAULT;
  };
};

const acceptCall = fileCall("accept4", ({ addr, off, opFlags }, fd) => [fd, addr, off, opFlags]);
const accept: Operation = (request) => {
  if ((request.ioprio & ~OP.IORING_ACCEPT_MULTISHOT) !== 0 || request.spliceFd !== 0) return EINVAL;
  request.isMultishot = request.ioprio === OP.IORING_ACCEPT_MULTISHOT;
  return acceptCall(request);
};

const close: Operation = (request) => {
  if (request.spliceFd !== 0) return updateFiles(request.ring, request.task, request.spliceFd - 1, [-1]) === 1 ? 0 : EBADF;
  return fileOf(request) instanceof RingFile ? EBADF : closeFd(request);
};
const closeFd = call("close", ({ fd }) => [fd]);

const spliceCall = fileCall("splice", ({ spliceFd, len, opFlags }, fd) => [spliceFd, 0, fd, 0, len, opFlags]);
/** Positions would have to stand in guest memory: only "as the stream goes" on both sides. */
const splice: Operation = (request) => {
  const hasInput = request.sqe.getInt32(16, true) !== -1 || request.sqe.getInt32(20, true) !== -1;
  return hasInput || !isCurrentPosition(request) ? EINVAL : spliceCall(request);
};

const poll: Operation = (request) => {
  const target = fileOf(request);
  return target === null ? EBADF : startPoll(request, target);
};

const filesUpdate: Operation = (request) => {
  const { ring, task, len, addr } = request;
  const view = task.memory.viewIn(addr, Math.min(len, 32_768) * 4);
  if (isErrno(view)) return EFAULT;
  return updateFiles(
    ring,
    task,
    request.off,
    Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true)),
  );
};

const fsyncData = fileCall("fdatasync", (_request, fd) => [fd]);
const fsyncAll = fileCall("fsync", (_request, fd) => [fd]);
const fsync: Operation = (request) => {
  if ((request.opFlags & ~OP.IORING_FSYNC_DATASYNC) !== 0) return EINVAL;
  return request.opFlags === 0 ? fsyncAll(request) : fsyncData(request);
};

const read = transfer("read", "pread64");
const write = transfer("write", "pwrite64");

/** By opcode; what is missing is EINVAL, as where an older kernel does not know it. */
export const operations = new Map<number, Operation>([
  [OP.IORING_OP_NOP, () => 0],
  [OP.IORING_OP_READV, vector("preadv2")],
  [OP.IORING_OP_WRITEV, vector("pwritev2")],
  [OP.IORING_OP_FSYNC, fsync],
  [OP.IORING_OP_READ_FIXED, fixedBuffer(read)],
  [OP.IORING_OP_WRITE_FIXED, fixedBuffer(write)],
  [OP.IORING_OP_POLL_ADD, poll],
  [OP.IORING_OP_POLL_REMOVE, remove(OP.IORING_OP_POLL_ADD)],
  [OP.IORING_OP_SYNC_FILE_RANGE, fileCall("sync_file_range", ({ off, len, opFlags }, fd) => [fd, off, len, opFlags])],
  [OP.IORING_OP_SENDMSG, fileCall("sendmsg", ({ addr, opFlags }, fd) => [fd, addr, opFlags])],
  [OP.IORING_OP_RECVMSG, fileCall("recvmsg", ({ addr, opFlags }, fd) => [fd, addr, opFlags])],
  [OP.IORING_OP_TIMEOUT, (request) => startTimeout(request, null)],
  [OP.IORING_OP_TIMEOUT_REMOVE, remove(OP.IORING_OP_TIMEOUT)],
  [OP.IORING_OP_ACCEPT, accept],
  [OP.IORING_OP_ASYNC_CANCEL, cancel],
  [OP.IORING_OP_LINK_TIMEOUT, (request) => (request.target === null ? EINVAL : startTimeout(request, request.target))],
  [OP.IORING_OP_CONNECT, fileCall("connect", ({ addr, off }, fd) => [fd, addr, off])],
  [OP.IORING_OP_FALLOCATE, fileCall("fallocate", ({ off, addr, len }, fd) => [fd, len, off, addr])],
  [OP.IORING_OP_OPENAT, call("openat", ({ fd, addr, opFlags, len }) => [fd, addr, opFlags, len])],
  [OP.IORING_OP_CLOSE, close],
  [OP.IORING_OP_FILES_UPDATE, filesUpdate],
  [OP.IORING_OP_STATX, call("statx", ({ fd, addr, opFlags, len, off }) => [fd, addr, opFlags, len, off])],
  [OP.IORING_OP_READ, read],
  [OP.IORING_OP_WRITE, write],
  [OP.IORING_OP_FADVISE, fileCall("fadvise64", ({ off, len, opFlags }, fd) => [fd, off, len, opFlags])],
  [OP.IORING_OP_MADVISE, call("madvise", ({ addr, len, opFlags }) => [addr, len, opFlags])],
  [OP.IORING_OP_SEND, fileCall("sendto", ({ addr, len, opFlags, off, spliceFd }, fd) => [fd, addr, len, opFlags, off, spliceFd & 0xffff])],
  [OP.IORING_OP_RECV, fileCall("recvfrom", ({ addr, len, opFlags }, fd) => [fd, addr, len, opFlags, 0, 0])],
  [OP.IORING_OP_OPENAT2, call("openat2", ({ fd, addr, off, len }) => [fd, addr, off, len])],
  [OP.IORING_OP_EPOLL_CTL, fileCall("epoll_ctl", ({ len, off, addr }, fd) => [fd, len, off, addr])],
  [OP.IORING_OP_SPLICE, splice],
  [OP.IORING_OP_TEE, fileCall("tee", ({ spliceFd, len, opFlags }, fd) => [spliceFd, fd, len, opFlags])],
  [OP.IORING_OP_SHUTDOWN, fileCall("shutdown", ({ len }, fd) => [fd, len])],
  [OP.IORING_OP_RENAMEAT, call("renameat2", ({ fd, addr, len, off, opFlags }) => [fd, addr, len, off, opFlags])],
  [OP.IORING_OP_UNLINKAT, call("unlinkat", ({ fd, addr, opFlags }) => [fd, addr, opFlags])],
  [OP.IORING_OP_MKDIRAT, call("mkdirat", ({ fd, addr, len }) => [fd, addr, len])],
  [OP.IORING_OP_SYMLINKAT, call("symlinkat", ({ fd, addr, off }) => [addr, fd, off])],
  [OP.IORING_OP_LINKAT, call("linkat", ({ fd, addr, len, off, opFlags }) => [fd, addr, len, off, opFlags])],
  [OP.IORING_OP_SOCKET, call("socket", ({ fd, off, len, opFlags }) => [fd, off, len, opFlags])],
  [OP.IORING_OP_FTRUNCATE, fileCall("ftruncate", ({ off }, fd) => [fd, off])],
  [OP.IORING_OP_BIND, fileCall("bind", ({ addr, off }, fd) => [fd, addr, off])],
  [OP.IORING_OP_LISTEN, fileCall("listen", ({ len }, fd) => [fd, len])],
]);
