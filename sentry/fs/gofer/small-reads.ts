/**
 * Small reads of the same page of a file, one after the other: a host call for each is most of what they cost. Only of trees
 * that do not change, and what the host changes there all the same is seen a millisecond later.
 */
import type { Clock } from "../../loop/clock.ts";
import type { Io } from "../../vfs/io.ts";
import { kernelIo } from "../../vfs/user-io.ts";
import type { HostFiles } from "./host-files.ts";

const PAGE = 4096;
export const SMALL_READ = 1024;
const KEPT_NS = 1e6;

type Source = Pick<HostFiles, "forPread">;

export class SmallReads {
  readonly #bytes = new Uint8Array(PAGE);
  /** The page that was read from last; it is fetched when it is read from once more. */
  #files: Source | null = null;
  #page = -1;
  #length = 0;
  #untilNs = 0;

  /** What a read of at most SMALL_READ bytes gets, or null: it is to ask the host itself. */
  read(io: Io, files: Source, offset: number, clock: Pick<Clock, "monotonicNs">): number | null {
    const page = Math.floor(offset / PAGE);
    if (files !== this.#files || page !== this.#page) {
      this.#files = files;
      this.#page = page;
      this.#length = 0;
      return null;
    }
    const at = offset - page * PAGE;
    const end = at + io.remaining;
    if (end > PAGE) return null;
    const nowNs = clock.monotonicNs();
    if ((nowNs >= this.#untilNs || end > this.#length) && !this.#fetch(files, nowNs)) return null;
    return end <= this.#length ? io.put(this.#bytes, at, io.remaining) : null;
  }

  #fetch(files: Source, nowNs: number): boolean {
    const fd = files.forPread();
    const n = fd < 0 ? fd : kernelIo(this.#bytes, 0, PAGE).putFromHost(fd, this.#page * PAGE, PAGE);
    this.#length = Math.max(0, n);
    this.#untilNs = nowNs + KEPT_NS;
    return n > 0;
  }
}
