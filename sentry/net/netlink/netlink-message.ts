/** Building and reading netlink messages (netlink(7)): headers of 16 bytes, attributes padded to 4. */
export const NLMSG_HEADER = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Below: control messages, which the kernel passes over. */
export const NLMSG_MIN_TYPE = 0x10;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
/** NLM_F_ROOT | NLM_F_MATCH */
export const NLM_F_DUMP = 0x300;
/** The answer to NLM_F_ACK does not repeat the request's payload. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

export const align4 = (length: number): number => (length + 3) & ~3;

/** struct nlmsghdr of a request, with its payload. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  /** The whole message, header included. */
  readonly bytes: Uint8Array;
}

/** Grows with use; `finish` sets the length of the open message. */
export class NetlinkBuilder {
  /** What a dump ends with: 0 or an errno. */
  dumpResult = 0;
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #start = 0;

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array((this.#length + more) * 2);
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Opens a message; its length is set by `finish`. */
  begin(type: number, flags: number, sequence: number, portId: number): this {
    this.#start = this.#length;
    this.#room(NLMSG_HEADER);
    this.#view.setUint16(this.#start + 4, type, true);
    this.#view.setUint16(this.#start + 6, flags, true);
    this.#view.setUint32(this.#start + 8, sequence, true);
    this.#view.setUint32(this.#start + 12, portId, true);
    this.#length += NLMSG_HEADER;
    return this;
  }

  u8(value: number): this {
    this.#room(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length + 4);
    this.#bytes.set(bytes, this.#length);
    this.#length += align4(bytes.length);
    return this;
  }

  attribute(type: number, bytes: Uint8Array): this {
    this.u16(bytes.length + 4).u16(type);
    return this.raw(bytes);
  }

  attributeU32(type: number, value: number): this {
    return this.u16(8).u16(type).u32(value);
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, new Uint8Array([value]));
  }

  attributeText(type: number, text: string): this {
    return this.attribute(type, Buffer.from(`${text}\0`, "latin1"));
  }

  finish(): this {
    this.#view.setUint32(this.#start, this.#length - this.#start, true);
    this.#room(4);
    this.#length = align4(this.#length);
    return this;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Whole messages in pieces of at most `most` bytes; a longer message alone. */
  *pieces(most: number): Generator<Uint8Array> {
    let from = 0;
    for (let at = 0; at < this.#length; ) {
      const next = at + align4(this.#view.getUint32(at, true));
      if (next - from > most && at > from) {
        yield this.#bytes.slice(from, at);
        from = at;
      }
      at = next;
    }
    if (from < this.#length) yield this.#bytes.slice(from, this.#length);
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** The attributes behind a fixed part of `offset` bytes, by type. Malformed ones end the list. */
export const attributesOf = (bytes: Uint8Array, offset: number): Map<number, Uint8Array> => {
  const found = new Map<number, Uint8Array>();
  let at = offset;
  while (bytes.length - at >= 4) {
    const length = bytes[at] | (bytes[at + 1] << 8);
    if (length < 4 || length > bytes.length - at) break;
    found.set((bytes[at + 2] | (bytes[at + 3] << 8)) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += align4(length);
  }
  return found;
};
