/**
 * Containers that have joined this sandbox's pid namespace (docs/adr/0015-containers-in-one-sandbox.md): each has its root
 * and its mounts by a gofer of its own, its own clients, and perhaps its own namespaces; the processes are all this kernel's.
 */
import { readMemfd } from "../../native/ffi/fd-packets-unsafe.ts";
import { hostClose } from "../../native/ffi/syscall-unsafe.ts";
import { parseSandboxConfig, type SandboxConfig } from "../../runtime/sandbox/config.ts";
import { ANSWER_RELAYED, CONTROL_GONE, CONTROL_JOIN, CONTROL_RELAYED } from "../../runtime/sandbox/control-protocol.ts";
import { packRelayed, unpackRelayed } from "../../runtime/sandbox/relayed.ts";
import type { SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import {
  type ControlMessage,
  MSG_CONTINUED,
  MSG_CREATED,
  MSG_EXEC_FAILED,
  MSG_EXITED,
  MSG_FATAL,
  MSG_SIGNAL,
  START_BROKER,
} from "../../runtime/sandbox/supervisor-protocol.ts";
import { SIGCONT } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, isErrno } from "../abi/errno.ts";
import { numberNamespaces } from "../fs/proc/task-links.ts";
import { GoferClient } from "../host/gofer-client.ts";
import { firstIpcNamespace, IpcNamespace } from "../ipc/ipc-namespace.ts";
import { Broker } from "../net/host/broker.ts";
import { HostStack } from "../net/host/host-stack.ts";
import { initialNetwork, NetworkNamespace } from "../net/network-namespace.ts";
import type { Waiter } from "../task/blocking.ts";
import { rootUtsNamespace } from "../task/first-process.ts";
import type { Process } from "../task/process.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";
import { UtsNamespace } from "../task/uts-namespace.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { Control, type Reports, terminalOf } from "./control.ts";
import type { MoatKernel } from "./moat-kernel.ts";
import { buildMounts, restrictPaths } from "./mounts.ts";
import { ownNull } from "./own-null.ts";
import { type ContainerWorld, startJoiningProgram } from "./program.ts";
import { containerRefusal } from "./refusal.ts";
import { writeSysctls } from "./sysctls.ts";
import { bindConsole } from "./terminals.ts";

/** To the sentry that relays. */
class RelayedReports implements Reports {
  readonly #supervisor: SupervisorChannel;
  readonly #client: number;

  constructor(supervisor: SupervisorChannel, client: number) {
    this.#supervisor = supervisor;
    this.#client = client;
  }

  say(kind: number, x: number, y = 0, text = ""): void {
    this.#supervisor.answer(ANSWER_RELAYED, this.#client, 0, packRelayed({ kind, x, y, text }));
  }

  created(): void {
    this.say(MSG_CREATED, 0);
  }

  exited(waitStatus: number): void {
    this.say(MSG_EXITED, waitStatus);
  }

  answer(kind: number, client: number, argument: number, text = ""): void {
    this.say(kind, client, argument, text);
  }
}

interface Parts {
  readonly config: SandboxConfig;
  readonly gofer: GoferClient;
  readonly brokerFd: number;
  readonly stdioFds: readonly number[];
}

class JoinedContainer implements Waiter {
  readonly #kernel: MoatKernel;
  readonly #reports: RelayedReports;
  readonly #world: ContainerWorld;
  readonly #parts: Parts;
  readonly control: Control;
  readonly #namespace: MountNamespace;
  readonly #stdio: readonly (OpenFile | null)[];

  /** Throws what is wrong with the config. */
  constructor(kernel: MoatKernel, reports: RelayedReports, number: number, parts: Parts) {
    const { config, gofer, stdioFds } = parts;
    this.#kernel = kernel;
    this.#reports = reports;
    this.#parts = parts;
    const namespaces = namespacesOf(kernel, parts);
    this.#world = { number, namespaces };
    this.#namespace = buildMounts(kernel, gofer, config, Math.floor(config.hostFacts.memTotalBytes / 2), namespaces.ipc);
    restrictPaths(kernel, this.#namespace, config);
    this.control = new Control(kernel, reports, -1, this.#world);
    this.#stdio = this.control.openStdio(config, stdioFds, this.#namespace).map((file, index) => {
      return file === null || index > 2 ? file : ownNull(kernel, this.#namespace, file);
    });
    bindConsole(kernel, this.#namespace, terminalOf(this.#stdio));
  }

  /** A pristine host process is there. */
  wake(): void {
    const { platform } = this.#kernel;
    platform.pristineQueue.remove(this);
    try {
      if (!this.start()) platform.pristineQueue.add(this);
    } catch (error) {
      this.#reports.say(MSG_FATAL, 0, 0, error instanceof Error ? error.message : String(error));
    }
  }

  /** False: there is no pristine host process. Throws what is wrong with the config. */
  start(): boolean {
    const { config } = this.#parts;
    const task = startJoiningProgram(this.#kernel, this.#namespace, this.#world, config, this.#stdio);
    if (task === EAGAIN) return false;
    if (isErrno(task)) {
      const { exitStatus, text } = containerRefusal(config, task);
      this.#reports.say(MSG_EXEC_FAILED, exitStatus, 0, text);
      return true;
    }
    if (config.namespaceNumbers !== null) numberNamespaces(task, config.namespaceNumbers);
    writeSysctls(this.#kernel, this.#namespace, task, config.sysctls);
    if (config.terminal) terminalOf(this.#stdio)?.attachTo(task.process);
    this.control.awaitStart(task);
    return true;
  }

  handle({ text, fds }: ControlMessage): void {
    const message = unpackRelayed(text);
    if (message === null) {
      for (const fd of fds) hostClose(fd);
      return;
    }
    const { kind, x, y } = message;
    const terminal = terminalOf(this.#stdio);
    if (kind === MSG_SIGNAL && y === 1 && terminal !== null) terminal.deliver(x);
    else if (kind === MSG_SIGNAL) this.control.signalInit(x);
    else if (kind === MSG_CONTINUED) {
      if (terminal !== null) terminal.isCallerForeground = x === 1;
      this.control.signalInit(SIGCONT);
    } else this.control.handle({ kind: "control", request: kind, client: x, argument: y, text: message.text, fds });
  }

  end(): void {
    this.#kernel.platform.pristineQueue.remove(this);
    this.control.end();
    this.#parts.gofer.close();
    if (this.#parts.brokerFd >= 0) hostClose(this.#parts.brokerFd);
  }
}

const namespacesOf = (kernel: MoatKernel, { config, brokerFd }: Parts): NonNullable<ContainerWorld["namespaces"]> => {
  const { joins, hostname, domainname } = config;
  const owner = initialUserNamespace();
  let uts = rootUtsNamespace(kernel);
  if (joins?.uts !== true) {
    uts = new UtsNamespace(null, null, owner);
    uts.hostname = hostname;
    uts.domainname = domainname;
  }
  const ipc = joins?.ipc === true ? firstIpcNamespace(kernel) : new IpcNamespace(kernel, owner);
  let network = initialNetwork(kernel);
  if (joins?.network !== true) {
    network = new NetworkNamespace(kernel, owner);
    if (brokerFd >= 0) network.stack = new HostStack(network, new Broker(brokerFd, () => {}));
  }
  return { uts, ipc, network };
};

export class JoinedContainers {
  readonly #kernel: MoatKernel;
  readonly #supervisor: SupervisorChannel;
  readonly #own: SandboxConfig;
  readonly #containers = new Map<number, JoinedContainer>();
  #lastNumber = 0;

  /** `own`: the config of the sandbox. */
  constructor(kernel: MoatKernel, supervisor: SupervisorChannel, own: SandboxConfig) {
    this.#kernel = kernel;
    this.#supervisor = supervisor;
    this.#own = own;
  }

  /** False: the message is not of, or for, a container that joins. */
  handle(message: ControlMessage): boolean {
    const { request, client } = message;
    if (request === CONTROL_JOIN) {
      this.#join(message);
      return true;
    }
    const container = this.#containers.get(client);
    if (container === undefined) return false;
    if (request === CONTROL_RELAYED) container.handle(message);
    else for (const fd of message.fds) hostClose(fd);
    if (request === CONTROL_GONE) {
      this.#containers.delete(client);
      container.end();
    }
    return true;
  }

  processExited(process: Process): void {
    if (process.container === 0) return;
    for (const { control } of this.#containers.values()) control.processExited(process);
  }

  #join({ client, argument, fds }: ControlMessage): void {
    const reports = new RelayedReports(this.#supervisor, client);
    const [configFd, goferFd, ...rest] = fds;
    try {
      const config = parseSandboxConfig(readMemfd(configFd));
      hostClose(configFd);
      this.#check(config);
      const brokerFd = (argument & START_BROKER) !== 0 ? (rest.shift() ?? -1) : -1;
      const parts = { config, gofer: new GoferClient(goferFd), brokerFd, stdioFds: rest };
      const container = new JoinedContainer(this.#kernel, reports, ++this.#lastNumber, parts);
      this.#containers.set(client, container);
      container.wake();
    } catch (error) {
      reports.say(MSG_FATAL, 0, 0, error instanceof Error ? error.message : String(error));
    }
  }

  /** What one kernel has for all its containers. */
  #check({ userNamespace, network, joins }: SandboxConfig): void {
    if (JSON.stringify(userNamespace) !== JSON.stringify(this.#own.userNamespace)) {
      throw new Error("containers in one pid namespace must have the same user namespace");
    }
    if (joins?.network !== true && network === "host" && this.#own.network !== "host") {
      throw new Error("the container whose pid namespace is joined has no host network, so this one cannot have one");
    }
  }
}
