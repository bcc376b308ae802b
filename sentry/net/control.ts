/** Control messages (cmsg(3)). What a guest passes in is checked field by field: lengths are hostile. */

import { SCM_RIGHTS } from "../../syscall-tables/flags/socket.ts";
import { SOL_SOCKET } from "../../syscall-tables/flags/socket-options.ts";
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EINVAL, type Errno } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import type { OpenFile } from "../vfs/open-file.ts";

/** sizeof(struct cmsghdr) */
export const CMSG_HEADER = 16;
const align = (length: number): number => (length + 7) & ~7;

export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

export const int32At = (bytes: Uint8Array, at: number): number =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

export const uint32At = (bytes: Uint8Array, at: number): number => int32At(bytes, at) >>> 0;

export const int32Bytes = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setInt32(i * 4, values[i], true);
  return bytes;
};

/** The messages in msg_control, or EINVAL for one whose length does not fit (CMSG_OK). */
export const parseControl = (bytes: Uint8Array): ControlMessage[] | Errno => {
  const messages: ControlMessage[] = [];
  let at = 0;
  while (bytes.length - at >= CMSG_HEADER) {
    const length = uint32At(bytes, at) + uint32At(bytes, at + 4) * TWO_32;
    if (length < CMSG_HEADER || length > bytes.length - at) return EINVAL;
    messages.push({ level: int32At(bytes, at + 8), type: int32At(bytes, at + 12), data: bytes.subarray(at + CMSG_HEADER, at + length) });
    at += align(length);
  }
  return messages;
};

/** Builds msg_control of recvmsg(2) in a buffer of the caller's size. */
export class ControlWriter {
  readonly bytes: Uint8Array;
  /** Bytes used: msg_controllen of the result. */
  used = 0;
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  get #room(): number {
    return this.bytes.length - this.used;
  }

  #header(length: number, level: number, type: number): void {
    this.#view.setUint32(this.used, length, true);
    this.#view.setUint32(this.used + 4, 0, true);
    this.#view.setInt32(this.used + 8, level, true);
    this.#view.setInt32(this.used + 12, type, true);
  }

  /** put_cmsg(): false when it did not fit whole; what fits is stored. */
  put(level: number, type: number, data: Uint8Array): boolean {
    const room = this.#room;
    if (room < CMSG_HEADER) return false;
    const length = Math.min(CMSG_HEADER + data.length, room);
    this.#header(length, level, type);
    this.bytes.set(data.subarray(0, length - CMSG_HEADER), this.used + CMSG_HEADER);
    this.used += Math.min(align(CMSG_HEADER + data.length), room);
    return length === CMSG_HEADER + data.length;
  }

  /** scm_detach_fds(): installs what fits, drops the rest. False: not all fitted. Takes over the references. */
  putRights(task: Task, files: readonly OpenFile[], isCloexec: boolean): boolean {
    const most = Math.max(0, Math.floor((this.#room - CMSG_HEADER) / 4));
    let count = 0;
    while (count < files.length && count < most) {
      const fd = task.files.install(files[count], isCloexec);
      if (fd < 0) break;
      this.#view.setInt32(this.used + CMSG_HEADER + count * 4, fd, true);
      count++;
    }
    if (count > 0) {
      this.#header(CMSG_HEADER + count * 4, SOL_SOCKET, SCM_RIGHTS);
      this.used += Math.min(align(CMSG_HEADER + count * 4), this.#room);
    }
    for (let i = count; i < files.length; i++) files[i].put();
    return count === files.length;
  }
}
