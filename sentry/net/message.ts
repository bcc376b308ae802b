/** What sendmsg(2) and recvmsg(2) carry besides the bytes. */
import { MSG_CTRUNC } from "../../syscall-tables/flags/socket.ts";
import type { Pid } from "../task/pid-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { ControlMessage, ControlWriter } from "./control.ts";

/** Who sent something (struct ucred); ids of the root user namespace. */
export interface SocketCredentials {
  readonly pid: Pid | null;
  readonly uid: number;
  readonly gid: number;
}

export class SendMessage {
  /** MSG_* */
  flags = 0;
  /** A socket address, or null. */
  address: Uint8Array | null = null;
  /** Control messages that the socket itself looks at (IP_PKTINFO and the like). */
  control: ControlMessage[] | null = null;
  /** SCM_RIGHTS: references that belong to this message until a socket takes them over. */
  rights: OpenFile[] | null = null;
  /** SCM_CREDENTIALS, checked. */
  credentials: SocketCredentials | null = null;

  reset(flags: number, address: Uint8Array | null): this {
    this.flags = flags;
    this.address = address;
    this.control = null;
    this.rights = null;
    this.credentials = null;
    return this;
  }

  /** A copy that a sleeping call may keep. */
  detach(): SendMessage {
    const copy = new SendMessage();
    copy.flags = this.flags;
    copy.address = this.address;
    copy.control = this.control;
    copy.rights = this.rights;
    copy.credentials = this.credentials;
    return copy;
  }

  /** The call is over: rights that nobody took are dropped. */
  release(): void {
    const { rights } = this;
    if (rights === null) return;
    this.rights = null;
    for (const file of rights) file.put();
  }
}

export class ReceiveMessage {
  /** MSG_* of the caller. */
  flags = 0;
  /** msg_flags of the result. */
  outFlags = 0;
  /** The sender's address; null: none (its length is then 0). */
  address: Uint8Array | null = null;
  /** Where control messages go; null: the caller gave no buffer. */
  control: ControlWriter | null = null;
  /** The call is not to wait for more bytes, whatever it has asked for. */
  isComplete = false;

  reset(flags: number, control: ControlWriter | null): this {
    this.flags = flags;
    this.outFlags = 0;
    this.address = null;
    this.control = control;
    this.isComplete = false;
    return this;
  }

  detach(): ReceiveMessage {
    const copy = new ReceiveMessage();
    copy.flags = this.flags;
    copy.outFlags = this.outFlags;
    copy.address = this.address;
    copy.control = this.control;
    return copy;
  }

  /** A control message; without room MSG_CTRUNC is set (put_cmsg). */
  putControl(level: number, type: number, data: Uint8Array): void {
    if (this.control === null || !this.control.put(level, type, data)) this.outFlags |= MSG_CTRUNC;
  }
}
