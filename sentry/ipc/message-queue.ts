/** A System V message queue (ipc/msg.c). */
import { WaitQueue } from "../task/blocking.ts";
import type { IpcPermission } from "./ipc-permission.ts";
import type { IpcObject } from "./ipc-table.ts";

export interface Message {
  /** A long: its upper half (signed) and its lower half. */
  readonly typeHigh: number;
  readonly typeLow: number;
  readonly data: Uint8Array;
}

/** Which message msgrcv(2) wants. */
export interface MessageChoice {
  readonly kind: "any" | "equal" | "not" | "lowest" | "index";
  readonly typeHigh: number;
  readonly typeLow: number;
}

const isType = (message: Message, high: number, low: number): boolean => message.typeHigh === high && message.typeLow === low;

const isLower = (message: Message, high: number, low: number): boolean =>
  message.typeHigh < high || (message.typeHigh === high && message.typeLow < low);

export class MessageQueue implements IpcObject {
  readonly permission: IpcPermission;
  readonly messages: Message[] = [];
  byteCount = 0;
  maxBytes: number;
  /** Seconds since the epoch. */
  sendTime = 0;
  receiveTime = 0;
  changeTime: number;
  lastSender = 0;
  lastReceiver = 0;
  isRemoved = false;
  /** Senders and receivers sleep here; both only look again. */
  readonly queue = new WaitQueue();

  constructor(permission: IpcPermission, maxBytes: number, now: number) {
    this.permission = permission;
    this.maxBytes = maxBytes;
    this.changeTime = now;
  }

  /** msg_fits_inqueue() */
  fits(length: number): boolean {
    return length + this.byteCount <= this.maxBytes && this.messages.length + 1 <= this.maxBytes;
  }

  send(message: Message, pid: number, now: number): void {
    this.messages.push(message);
    this.byteCount += message.data.length;
    this.lastSender = pid;
    this.sendTime = now;
    this.queue.notify();
  }

  /** The index of the wanted message, -1 if there is none (find_msg). */
  find({ kind, typeHigh, typeLow }: MessageChoice): number {
    const { messages } = this;
    switch (kind) {
      case "any":
        return messages.length > 0 ? 0 : -1;
      case "equal":
        return messages.findIndex((message) => isType(message, typeHigh, typeLow));
      case "not":
        return messages.findIndex((message) => !isType(message, typeHigh, typeLow));
      case "index":
        return typeHigh === 0 && typeLow < messages.length ? typeLow : -1;
      default: {
        let best = -1;
        for (let i = 0; i < messages.length; i++) {
          const message = messages[i];
          if (!isLower(message, typeHigh, typeLow) && !isType(message, typeHigh, typeLow)) continue;
          if (best < 0 || isLower(message, messages[best].typeHigh, messages[best].typeLow)) best = i;
        }
        return best;
      }
    }
  }

  take(index: number, pid: number, now: number): Message {
    const [message] = this.messages.splice(index, 1);
    this.byteCount -= message.data.length;
    this.lastReceiver = pid;
    this.receiveTime = now;
    this.queue.notify();
    return message;
  }

  /** IPC_RMID: sleepers find `isRemoved` and return EIDRM. */
  destroy(): void {
    this.isRemoved = true;
    this.messages.length = 0;
    this.byteCount = 0;
    this.queue.notify();
  }
}
