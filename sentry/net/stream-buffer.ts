/** What a stream socket has received: its bytes and the mark of urgent data (tcp(7), MSG_OOB; send(2)). */
import { EAGAIN, EFAULT, EINVAL } from "../abi/errno.ts";
import type { Io } from "../vfs/io.ts";
import { ByteRing } from "./byte-ring.ts";

const NONE = -1;
const urgentByte = new Uint8Array(1);

export class StreamBuffer extends ByteRing {
  /** Position of the urgent byte; NONE: there is none. */
  #urgentAt = NONE;
  /** The urgent byte was fetched by MSG_OOB. */
  #isUrgentTaken = false;

  /** Urgent data that MSG_OOB could fetch (POLLPRI). */
  get hasUrgent(): boolean {
    return this.#urgentAt !== NONE && !this.#isUrgentTaken;
  }

  /** SIOCATMARK */
  get isAtMark(): boolean {
    return this.#urgentAt === this.head;
  }

  /** The last byte of the ring is urgent. An earlier urgent byte becomes ordinary data. */
  markUrgent(): void {
    this.#urgentAt = this.tail - 1;
    this.#isUrgentTaken = false;
  }

  /** recv(MSG_OOB): EINVAL without urgent data. */
  readUrgent(io: Io, isPeek: boolean, isInline: boolean): number {
    if (isInline || !this.hasUrgent) return EINVAL;
    const offset = this.#urgentAt - this.head;
    if (offset >= this.length) return EAGAIN;
    if (io.remaining > 0) {
      urgentByte[0] = this.byteAt(offset);
      if (io.put(urgentByte, 0, 1) !== 1) return EFAULT;
    }
    if (!isPeek) this.#isUrgentTaken = true;
    return 1;
  }

  /** Bytes that ordinary reads can have, for FIONREAD and readiness. */
  readable(isInline: boolean): number {
    return this.#urgentAt === NONE || isInline || this.#urgentAt < this.head ? this.length : this.length - 1;
  }

  /** SIOCINQ of TCP: the bytes before urgent data. */
  beforeUrgent(isInline: boolean): number {
    if (isInline || this.#urgentAt < this.head) return this.length;
    return Math.min(this.length, this.#urgentAt - this.head);
  }

  /** How many bytes lie before the urgent mark: a read stops there. Infinity without a mark ahead. */
  beforeMark(): number {
    return this.#urgentAt > this.head ? this.#urgentAt - this.head : Number.POSITIVE_INFINITY;
  }

  /** A read that starts at the mark passes over the urgent byte, unless it is inline. */
  passMark(isInline: boolean): void {
    if (this.#urgentAt !== this.head || this.length === 0) return;
    if (!isInline) this.skip(1);
    this.#urgentAt = NONE;
  }

  override clear(): void {
    super.clear();
    this.#urgentAt = NONE;
  }
}
