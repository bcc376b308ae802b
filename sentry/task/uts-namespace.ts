/** UTS namespaces (uts_namespaces(7)): host and domain name. The first one is the kernel's own. */
import type { Kernel } from "../kernel.ts";
import { initialUserNamespace, type UserNamespace } from "./user-namespace.ts";

export class UtsNamespace {
  readonly #kernel: Kernel | null;
  readonly userNamespace: UserNamespace;
  #hostname = "";
  #domainname = "";

  /** `kernel`: its names are this namespace's (the first one). */
  constructor(kernel: Kernel | null, from: UtsNamespace | null = null, userNamespace: UserNamespace = initialUserNamespace()) {
    this.#kernel = kernel;
    this.userNamespace = userNamespace;
    if (from === null) return;
    this.#hostname = from.hostname;
    this.#domainname = from.domainname;
  }

  /** The first one: /proc/pid/ns/uts shows its well-known number. */
  get isInitial(): boolean {
    return this.#kernel !== null;
  }

  get hostname(): string {
    return this.#kernel === null ? this.#hostname : this.#kernel.hostname;
  }
  set hostname(name: string) {
    if (this.#kernel === null) this.#hostname = name;
    else this.#kernel.hostname = name;
  }

  get domainname(): string {
    return this.#kernel === null ? this.#domainname : this.#kernel.domainname;
  }
  set domainname(name: string) {
    if (this.#kernel === null) this.#domainname = name;
    else this.#kernel.domainname = name;
  }

  fork(userNamespace: UserNamespace): UtsNamespace {
    return new UtsNamespace(null, this, userNamespace);
  }
}
