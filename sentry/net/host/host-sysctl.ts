/** /proc/sys/net of the reader's network namespace of the host; what belongs to unix sockets stays the sentry's own. */

import { CAP_NET_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { type Sysctl, type SysctlSource, sysctls } from "../../fs/proc/registries.ts";
import type { Task } from "../../task/task.ts";
import { networkOf } from "../network-namespace.ts";
import type { Broker } from "./broker.ts";
import { HostStack } from "./host-stack.ts";

const PREFIX = "net/";

const brokerOf = (task: Task): Broker | null => {
  const { stack } = networkOf(task);
  return stack instanceof HostStack ? stack.broker : null;
};

export class HostSysctls implements SysctlSource {
  readonly #broker: Broker;

  /** `broker`: of the kernel's first namespace, whose names are shown. */
  constructor(broker: Broker) {
    this.#broker = broker;
  }

  names(path: string): readonly string[] {
    const below = path.slice(PREFIX.length);
    if (below.startsWith("unix/")) return [];
    const names = this.#broker.list(below === "" ? "." : below.replace(/\/$/, ""));
    return isErrno(names) ? [] : names.filter((name) => below !== "" || name !== "unix/");
  }

  sysctl(path: string): Sysctl {
    const below = path.slice(PREFIX.length);
    /** A namespace that the guest has made itself has the sentry's own knobs. */
    const own = (task: Task): Sysctl | null => (brokerOf(task) === null ? (sysctls.get(path) ?? null) : null);
    return {
      read: (task) => own(task)?.read(task) ?? this.#read(brokerOf(task) ?? this.#broker, below),
      write: (value, task) => {
        const knob = own(task);
        if (knob !== null) return knob.write?.(value, task) ?? EPERM;
        if (!task.creds.hasIn(networkOf(task).userNamespace, CAP_NET_ADMIN)) return EPERM;
        return (brokerOf(task) ?? this.#broker).write(below, value) as 0 | Errno;
      },
    };
  }

  #read(broker: Broker, path: string): string {
    const text = broker.read(path);
    return isErrno(text) ? "" : text;
  }
}
