/**
 * The sentry's end of the gofer channel: one call, one answer, waited for on the spot
 * (docs/adr/0006-synchronous-gofer-calls.md). Answers are checked like any other input.
 */

import { fits, packInto, unpackFrom } from "../../gofer/protocol/codec.ts";
import { forget, MAX_FORGET, MAX_REPLY, MAX_REQUEST, type Message, place } from "../../gofer/protocol/messages.ts";
import { currentCpu, goHome, isHome, MAX_CPU, saveCpus, stayOn } from "../../native/ffi/cpu-unsafe.ts";
import { PacketChannel } from "../../native/ffi/packet-channel-unsafe.ts";
import { EIO, EPROTO, type Errno } from "../abi/errno.ts";

export interface GoferClientOptions {
  /** How often an answer is looked for before the sentry sleeps. */
  readonly spins?: number;
  /** The gofer is to run where the sentry runs. */
  readonly isFollowed?: boolean;
  /** The gofer is gone. Unless this ends the sandbox, calls answer EIO from now on. */
  readonly onLost?: () => void;
}

const isHostErrno = (status: unknown): status is Errno => Number.isInteger(status) && (status as number) < 0 && (status as number) > -4096;

export type Answer<Reply extends readonly unknown[]> = readonly [0, ...Reply] | Errno;

/** What filesystems need of the gofer. */
export interface Gofer {
  /** Asks and waits: [0, ...reply fields] or the gofer's errno. Byte arrays in it are valid until the next call. */
  call<Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): Answer<Reply>;
  /** The fd that came beside the last answer, now the caller's; -1 for none. */
  takeFd(): number;
  /** The sentry holds node `id` no more. Told in batches, without an answer. */
  forget(id: number): void;
  /** An answer has named node `id`: the sentry holds it (again). */
  hold(id: number): void;
  /** Sends the batched `forget`s. */
  flush(): void;
}

export class GoferClient implements Gofer {
  readonly #channel: PacketChannel;
  readonly #forgotten = new Set<number>();
  readonly #isFollowed: boolean;
  readonly #onLost: (() => void) | undefined;
  #cpu = -1;
  #isClosed = false;
  /** Calls made, for statistics. */
  calls = 0;

  constructor(channelFd: number, options: GoferClientOptions = {}) {
    this.#channel = new PacketChannel(channelFd, { sendCapacity: MAX_REQUEST, receiveCapacity: MAX_REPLY, acceptsFds: true });
    this.#channel.spins = options.spins ?? 0;
    this.#isFollowed = options.isFollowed ?? true;
    this.#onLost = options.onLost;
    saveCpus();
  }

  /** True once the gofer is gone: every call answers EIO. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  call<Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): Answer<Reply> {
    if (this.#isClosed) return EIO;
    this.calls++;
    const isAway = this.#isFollowed && this.#beFollowed();
    const channel = this.#channel;
    const length = packInto(channel.sendBuffer, [message.id, ...fields]);
    if (length < 0) return length as Errno;
    const sent = channel.send(length);
    if (sent < 0) return this.#lost();
    const received = channel.receive();
    if (isAway) goHome();
    if (received <= 0) return this.#lost();
    const values = unpackFrom(channel.receiveBuffer, received);
    if (values === null) return EPROTO;
    const [status] = values;
    if (values.length === 1 && isHostErrno(status)) return status;
    return status === 0 && fits(message.reply, values) ? (values as unknown as readonly [0, ...Reply]) : EPROTO;
  }

  takeFd(): number {
    return this.#channel.takeFd();
  }

  forget(id: number): void {
    if (this.#forgotten.add(id).size >= MAX_FORGET) this.flush();
  }

  hold(id: number): void {
    if (this.#forgotten.size > 0) this.#forgotten.delete(id);
  }

  flush(): void {
    if (this.#forgotten.size === 0 || this.#isClosed) return;
    this.#tell(forget, [...this.#forgotten]);
    this.#forgotten.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.#channel.close();
  }

  /** Sleeping for an answer from another CPU costs three times as much (benchmarks/gofer.mjs). True: `goHome` must follow. */
  #beFollowed(): boolean {
    const cpu = currentCpu();
    const isAway = !isHome(cpu);
    if (isAway) stayOn(cpu);
    if (cpu !== this.#cpu && cpu >= 0 && cpu <= MAX_CPU) {
      this.#cpu = cpu;
      this.#tell(place, cpu);
    }
    return isAway;
  }

  #tell<Request extends readonly unknown[]>(message: Message<Request, []>, ...fields: Request): void {
    const length = packInto(this.#channel.sendBuffer, [message.id, ...fields]);
    if (length < 0 || this.#channel.send(length) < 0) this.#lost();
  }

  #lost(): Errno {
    this.#isClosed = true;
    this.#onLost?.();
    return EIO;
  }
}
