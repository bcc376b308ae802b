/** A host fd that came with a program added to the sandbox: closed when no file uses it any more, so that its other end sees the end. */
import { hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import type { Kernel } from "../../kernel.ts";

export class HostFdLease {
  readonly #kernel: Kernel;
  readonly #hostFd: number;
  readonly #ended: () => void;
  #users = 0;

  constructor(kernel: Kernel, hostFd: number, ended: () => void) {
    this.#kernel = kernel;
    this.#hostFd = hostFd;
    this.#ended = ended;
  }

  take(): void {
    this.#users++;
  }

  put(): void {
    if (--this.#users > 0) return;
    this.#ended();
    this.#kernel.hostPoller.unwatch(this.#hostFd);
    hostClose(this.#hostFd);
  }
}
