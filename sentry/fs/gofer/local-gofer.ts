/** For tests: a gofer in the same process, through the same messages, and a count of them. */

import { fits, packInto, unpackFrom } from "../../../gofer/protocol/codec.ts";
import { forget, MAX_REPLY, MAX_REQUEST, type Message } from "../../../gofer/protocol/messages.ts";
import { FileServer, type GoferOptions } from "../../../gofer/server/server.ts";
import { closeFd } from "../../../native/ffi/file-calls-unsafe.ts";
import { EPROTO, type Errno } from "../../abi/errno.ts";
import type { Answer, Gofer } from "../../host/gofer-client.ts";

export class LocalGofer implements Gofer {
  readonly server: FileServer;
  calls = 0;
  readonly #request = Buffer.alloc(MAX_REQUEST);
  readonly #reply = Buffer.alloc(MAX_REPLY);
  #fd = -1;
  readonly #forgotten = new Set<number>();

  constructor(options: GoferOptions) {
    this.server = new FileServer(options);
  }

  /** How many messages `action` takes. */
  count(action: () => void): number {
    const before = this.calls;
    action();
    return this.calls - before;
  }

  call<Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): Answer<Reply> {
    this.calls++;
    if (this.#fd >= 0) closeFd(this.#fd);
    const length = this.server.handle(this.#request, packInto(this.#request, [message.id, ...fields]), this.#reply);
    this.#fd = this.server.takeDonated();
    const values = unpackFrom(this.#reply, length) ?? [];
    if (values.length === 1 && values[0] !== 0) return values[0] as Errno;
    return fits(message.reply, values) ? (values as unknown as readonly [0, ...Reply]) : EPROTO;
  }

  takeFd(): number {
    const fd = this.#fd;
    this.#fd = -1;
    return fd;
  }

  forget(id: number): void {
    this.#forgotten.add(id);
  }

  hold(id: number): void {
    this.#forgotten.delete(id);
  }

  flush(): void {
    if (this.#forgotten.size === 0) return;
    this.server.handle(this.#request, packInto(this.#request, [forget.id, [...this.#forgotten]]), this.#reply);
    this.#forgotten.clear();
  }
}
