import {
  IORING_REGISTER_BUFFERS,
  IORING_REGISTER_ENABLE_RINGS,
  IORING_REGISTER_EVENTFD,
  IORING_REGISTER_EVENTFD_ASYNC,
  IORING_REGISTER_FILES,
  IORING_REGISTER_FILES_UPDATE,
  IORING_REGISTER_PROBE,
  IORING_UNREGISTER_BUFFERS,
  IORING_UNREGISTER_EVENTFD,
  IORING_UNREGISTER_FILES,
} from "../../../syscall-tables/flags/system.ts";
import { EBADF, EBADFD, EBUSY, EFAULT, EINVAL, ENXIO, isErrno } from "../../abi/errno.ts";
import { EventFile } from "../../fs/eventfd/eventfd.ts";
import type { RingFile } from "../../io-uring/ring-file.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";
import { ringOf } from "./io-uring.ts";
import { registerBuffers, registerFiles, updateFiles } from "./ring-files.ts";
import { operations } from "./ring-operations.ts";

const PROBE_SIZE = 16;
const PROBE_OP_SIZE = 8;
const PROBE_MAX = 256;
const IO_URING_OP_SUPPORTED = 1;
const UPDATE_SIZE = 16;

const registerEventfd = (ring: RingFile, task: Task, addr: UserAddr, count: number, isAsync: boolean): number => {
  if (count !== 1) return EINVAL;
  if (ring.eventfd !== null) return EBUSY;
  const fd = task.memory.loadU32(addr);
  if (fd < 0) return EFAULT;
  const file = task.file(fd | 0);
  if (isErrno(file)) return EBADF;
  if (!(file instanceof EventFile)) return EINVAL;
  file.take();
  ring.eventfd = file;
  ring.isEventfdAsync = isAsync;
  return 0;
};

/** io_probe(): which opcodes there are. */
const probe = (task: Task, addr: UserAddr, count: number): number => {
  if (count > PROBE_MAX) return EINVAL;
  const given = task.memory.copyIn(addr, PROBE_SIZE + count * PROBE_OP_SIZE);
  if (isErrno(given)) return EFAULT;
  if (given.some((byte) => byte !== 0)) return EINVAL;
  const last = Math.max(...operations.keys());
  const shown = Math.min(count, last + 1);
  given[0] = last;
  given[1] = shown;
  for (let opcode = 0; opcode < shown; opcode++) {
    given[PROBE_SIZE + opcode * PROBE_OP_SIZE] = opcode;
    given[PROBE_SIZE + opcode * PROBE_OP_SIZE + 2] = operations.has(opcode) ? IO_URING_OP_SUPPORTED : 0;
  }
  return task.memory.copyOut(addr, given) < 0 ? EFAULT : 0;
};

const filesUpdate = (ring: RingFile, task: Task, addr: UserAddr, count: number): number => {
  if (count === 0) return EINVAL;
  const update = task.memory.viewIn(addr, UPDATE_SIZE);
  if (isErrno(update)) return EFAULT;
  if (update.getUint32(4, true) !== 0) return EINVAL;
  const fdsAddr = update.getUint32(8, true) + update.getUint32(12, true) * 2 ** 32;
  const view = task.memory.viewIn(fdsAddr, Math.min(count, 32_768) * 4);
  if (isErrno(view)) return EFAULT;
  const fds = Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true));
  return updateFiles(ring, task, update.getUint32(0, true), fds);
};

/** io_uring_register(2) */
export const sys_io_uring_register = implement(
  "io_uring_register",
  { level: "partial", note: "buffers, files, eventfds, probes; no personalities, restrictions, provided buffers or tags" },
  (task, fd, opcode, addr, count) => {
    const ring = ringOf(task, fd);
    if (isErrno(ring)) return ring;
    switch (opcode) {
      case IORING_REGISTER_BUFFERS:
        return registerBuffers(ring, task, addr, count);
      case IORING_UNREGISTER_BUFFERS: {
        if (addr !== 0 || count !== 0) return EINVAL;
        if (ring.buffers === null) return ENXIO;
        ring.buffers = null;
        return 0;
      }
      case IORING_REGISTER_FILES:
        return registerFiles(ring, task, addr, count);
      case IORING_UNREGISTER_FILES: {
        if (addr !== 0 || count !== 0) return EINVAL;
        if (ring.files === null) return ENXIO;
        ring.unregisterFiles();
        return 0;
      }
      case IORING_REGISTER_FILES_UPDATE:
        return filesUpdate(ring, task, addr, count);
      case IORING_REGISTER_EVENTFD:
      case IORING_REGISTER_EVENTFD_ASYNC:
        return registerEventfd(ring, task, addr, count, opcode === IORING_REGISTER_EVENTFD_ASYNC);
      case IORING_UNREGISTER_EVENTFD: {
        if (addr !== 0 || count !== 0) return EINVAL;
        if (ring.eventfd === null) return ENXIO;
        ring.eventfd.put();
        ring.eventfd = null;
        return 0;
      }
      case IORING_REGISTER_PROBE:
        return addr === 0 ? EINVAL : probe(task, addr, count);
      case IORING_REGISTER_ENABLE_RINGS: {
        if (addr !== 0 || count !== 0) return EINVAL;
        if (!ring.isDisabled) return EBADFD;
        ring.isDisabled = false;
        return 0;
      }
      default:
        return EINVAL;
    }
  },
);
