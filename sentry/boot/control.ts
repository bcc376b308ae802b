/** Requests of the container's control socket: start, kill, exec, ps. */

import { writeSync } from "node:fs";
import { readMemfd } from "../../native/ffi/fd-packets-unsafe.ts";
import { hostClose } from "../../native/ffi/syscall-unsafe.ts";
import {
  ANSWER_DONE,
  ANSWER_EXEC_EXITED,
  ANSWER_EXEC_REFUSED,
  ANSWER_EXEC_STARTED,
  ANSWER_PROCESSES,
  CONTROL_ABANDON,
  CONTROL_EXEC,
  CONTROL_EXEC_SIGNAL,
  CONTROL_GONE,
  CONTROL_LISTENER,
  CONTROL_NOTIFY_ADD,
  CONTROL_NOTIFY_ANSWER,
  CONTROL_NOTIFY_READ,
  CONTROL_PROCESSES,
  CONTROL_RESOURCES,
  CONTROL_SIGNAL,
  CONTROL_START,
  SIGNAL_ALL,
  SIGNAL_FROM_TERMINAL,
  SIGNAL_MASK,
} from "../../runtime/sandbox/control-protocol.ts";
import { type ProcessConfig, parseProcessConfig } from "../../runtime/sandbox/process-config.ts";
import { readSeenResources } from "../../runtime/sandbox/seen-resources.ts";
import type { ControlMessage } from "../../runtime/sandbox/supervisor-protocol.ts";
import { SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM } from "../../syscall-tables/flags/signal.ts";
import { EAGAIN, EINVAL, ESRCH, isErrno } from "../abi/errno.ts";

import { exitStatus, signalStatus } from "../abi/wait.ts";
import { type HostListener, hostListener } from "../fs/seccomp/host-listener.ts";
import { openHostFd } from "../fs/tty/host-file.ts";
import { HostTerminal } from "../fs/tty/host-tty.ts";
import { TtyFile } from "../fs/tty/tty-file.ts";
import type { Waiter } from "../task/blocking.ts";
import type { Process } from "../task/process.ts";
import { finishSyscall } from "../task/run.ts";
import { kernelSignal } from "../task/signal-info.ts";
import { sendSignalToProcess } from "../task/signals.ts";
import type { Task } from "../task/task.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { MoatKernel } from "./moat-kernel.ts";
import { processList } from "./process-list.ts";
import { type ContainerWorld, FIRST_CONTAINER, startAnotherProgram } from "./program.ts";
import { containerRefusal } from "./refusal.ts";
import { inDevpts } from "./terminals.ts";

/** runc's status for an exec that did not start. */
const EXIT_EXEC_FAILED = 255;
const PACKET_TEXT_MAX = 8000;

const ENDING: ReadonlySet<number> = new Set([SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM]);

/** Who hears of a container: its own init, or the one of the container that relays for it. */
export interface Reports {
  created(): void;
  exited(waitStatus: number): void;
  answer(kind: number, client: number, argument: number, text?: string): void;
}

/** A program that waits for a pristine host process. */
interface PendingExec {
  readonly client: number;
  readonly config: ProcessConfig;
  readonly stdio: readonly (OpenFile | null)[];
}

/** Of a program that was given one. */
export const terminalOf = ([input]: readonly (OpenFile | null)[]): HostTerminal | null =>
  input instanceof TtyFile && input.terminal instanceof HostTerminal ? input.terminal : null;

export class Control implements Waiter {
  readonly #kernel: MoatKernel;
  readonly #supervisor: Reports;
  readonly #errorFd: number;
  readonly #world: ContainerWorld;
  /** Its first process. */
  #init: Process | null = null;
  /** Loaded, not started. */
  #waiting: Task | null = null;
  /** Signals for it meanwhile. */
  readonly #early: number[] = [];
  #pending: PendingExec[] = [];
  readonly #executed = new Map<number, Process>();
  /** Clients that are seccomp agents' files. */
  readonly #listeners = new Map<number, HostListener>();

  /** `errorFd`: the host's fd of the first program's standard error; -1: it has none. */
  constructor(kernel: MoatKernel, supervisor: Reports, errorFd: number, world: ContainerWorld = FIRST_CONTAINER) {
    this.#errorFd = errorFd;
    this.#world = world;
    this.#kernel = kernel;
    this.#supervisor = supervisor;
  }

  /** The container's first program, which runs, or waits for its start. */
  begin(task: Task): void {
    this.#init = task.process;
  }

  awaitStart(task: Task): void {
    this.begin(task);
    this.#waiting = task;
    this.#supervisor.created();
  }

  /** The caller's signal for the first program. */
  signalInit(signal: number): number {
    const init = this.#init;
    if (init === null || init.isZombie) return ESRCH;
    if (this.#waiting === null) return sendSignalToProcess(init, kernelSignal(signal));
    // runc's init, which waits for the start, dies of these.
    if (ENDING.has(signal)) this.#supervisor.exited(signalStatus(signal));
    this.#early.push(signal);
    return 0;
  }

  handle(message: ControlMessage): void {
    const { client, argument, fds } = message;
    switch (message.request) {
      case CONTROL_START:
        this.#done(client, this.#start());
        break;
      case CONTROL_ABANDON:
        this.#done(client, this.#abandon(argument, message.text));
        break;
      case CONTROL_SIGNAL:
        this.#done(client, this.#signal(argument));
        break;
      case CONTROL_EXEC:
        this.#prepareExec(client, fds);
        return;
      case CONTROL_EXEC_SIGNAL:
        this.#signalExecuted(client, argument);
        break;
      case CONTROL_PROCESSES:
        this.#listProcesses(client);
        break;
      case CONTROL_RESOURCES:
        this.#done(client, this.#limit(message.text));
        break;
      case CONTROL_GONE:
        this.#forget(client);
        break;
      case CONTROL_LISTENER:
        this.#attachListener(client, message.text);
        break;
      case CONTROL_NOTIFY_READ:
      case CONTROL_NOTIFY_ANSWER:
      case CONTROL_NOTIFY_ADD:
        if (!this.#listeners.has(client)) break;
        this.#listeners.get(client)?.handle(message.request, message.text, fds);
        return;
      default:
        this.#done(client, EINVAL);
    }
    for (const fd of fds) hostClose(fd);
  }

  #done(client: number, result: number): void {
    this.#supervisor.answer(ANSWER_DONE, client, result < 0 ? -result : 0);
  }

  #start(): number {
    const task = this.#waiting;
    if (task === null) return EINVAL;
    this.#waiting = null;
    for (const signal of this.#early.splice(0)) sendSignalToProcess(task.process, kernelSignal(signal));
    finishSyscall(task, 0);
    return 0;
  }

  #abandon(status: number, text: string): number {
    if (this.#waiting === null) return EINVAL;
    if (this.#errorFd >= 0) writeSync(this.#errorFd, `${text}\n`);
    this.#supervisor.exited(exitStatus(status & 0xff));
    return 0;
  }

  #limit(json: string): number {
    // What a kernel shows of the machine is one for all its containers.
    if (this.#world.number !== 0) return 0;
    try {
      this.#kernel.limit(readSeenResources(JSON.parse(json), "resources"));
      return 0;
    } catch {
      return EINVAL;
    }
  }

  #signal(argument: number): number {
    const signal = argument & SIGNAL_MASK;
    if ((argument & SIGNAL_ALL) === 0 || this.#waiting !== null) return this.signalInit(signal);
    this.#signalAll(signal);
    return 0;
  }

  #signalAll(signal: number): void {
    for (const process of [...this.#kernel.pids.processes()]) {
      if (process.container === this.#world.number) sendSignalToProcess(process, kernelSignal(signal));
    }
  }

  /** Nobody waits for its processes any more. */
  end(): void {
    for (const process of this.#kernel.pids.processes()) if (process.container === this.#world.number) process.isHostChild = false;
    this.#signalAll(SIGKILL);
  }

  #refuse(client: number, text: string): void {
    this.#supervisor.answer(ANSWER_EXEC_REFUSED, client, EXIT_EXEC_FAILED, text);
  }

  /** Opens what came: from here on the files own the fds. */
  #prepareExec(client: number, fds: readonly number[]): void {
    const [memfd, ...stdioFds] = fds;
    let config: ProcessConfig;
    try {
      config = parseProcessConfig(readMemfd(memfd));
    } catch (error) {
      for (const fd of fds) hostClose(fd);
      this.#refuse(client, error instanceof Error ? error.message : String(error));
      return;
    }
    hostClose(memfd);
    this.#pending.push({ client, config, stdio: this.openStdio(config, stdioFds, this.#init?.anyTask.fs.namespace ?? null) });
    this.#tryPending();
  }

  /** `namespace`: whose devpts shows a terminal. */
  openStdio(config: ProcessConfig, fds: readonly number[], namespace: MountNamespace | null): (OpenFile | null)[] {
    const terminalPlace = namespace !== null && config.terminal ? inDevpts(this.#kernel, namespace, config.uid) : "hidden";
    const open = (fd: number): OpenFile | null => {
      const file = openHostFd(this.#kernel, fd, terminalPlace, true);
      if (!isErrno(file)) return file;
      hostClose(fd);
      return null;
    };
    if (!config.terminal) return fds.map(open);
    // One file for all three, as a login has it.
    for (const fd of fds.slice(1, 3)) hostClose(fd);
    const terminal = open(fds[0]);
    return [terminal, terminal?.take() ?? null, terminal?.take() ?? null, ...fds.slice(3).map(open)];
  }

  /** A pristine host process is there. */
  wake(): void {
    this.#tryPending();
  }

  #tryPending(): void {
    const { platform } = this.#kernel;
    platform.pristineQueue.remove(this);
    while (this.#pending.length > 0) {
      const { client, config, stdio } = this.#pending[0];
      const init = this.#init;
      const task = init === null || init.isZombie ? ESRCH : startAnotherProgram(this.#kernel, init, this.#world, config, stdio);
      if (task === EAGAIN) {
        platform.pristineQueue.add(this);
        return;
      }
      this.#pending.shift();
      if (task === "cwd") {
        for (const file of stdio) file?.put();
        this.#refuse(client, `chdir to cwd (${JSON.stringify(config.cwd)}) set in config.json failed: no such file or directory`);
      } else if (isErrno(task)) this.#refuse(client, containerRefusal(config, task).text);
      else this.#run(client, config, task, stdio);
    }
  }

  #run(client: number, config: ProcessConfig, task: Task, stdio: readonly (OpenFile | null)[]): void {
    this.#executed.set(client, task.process);
    this.#supervisor.answer(ANSWER_EXEC_STARTED, client, task.process.pid);
    if (config.terminal) terminalOf(stdio)?.attachTo(task.process);
    finishSyscall(task, 0);
  }

  #signalExecuted(client: number, argument: number): void {
    const process = this.#executed.get(client);
    if (process === undefined) return;
    const signal = argument & SIGNAL_MASK;
    const { tty, foreground } = process.session;
    if ((argument & SIGNAL_FROM_TERMINAL) !== 0 && tty instanceof HostTerminal && foreground !== null) tty.deliver(signal);
    else sendSignalToProcess(process, kernelSignal(signal));
  }

  #attachListener(client: number, token: string): void {
    const listener = hostListener(token);
    this.#listeners.set(client, listener);
    listener.attach((kind, argument, text) => this.#supervisor.answer(kind, client, argument, text));
    this.#done(client, 0);
  }

  #forget(client: number): void {
    this.#listeners.get(client)?.close();
    this.#listeners.delete(client);
    for (const { stdio } of this.#pending.filter((pending) => pending.client === client)) for (const file of stdio) file?.put();
    this.#pending = this.#pending.filter((pending) => pending.client !== client);
    const process = this.#executed.get(client);
    if (process !== undefined) sendSignalToProcess(process, kernelSignal(SIGKILL));
  }

  /** A process that has no parent inside ends: whoever executed it hears of it. */
  processExited(process: Process): void {
    if (process === this.#init) this.#supervisor.exited(process.exitStatus);
    if (!process.isHostChild || process.container !== this.#world.number || process === this.#kernel.pids.init) return;
    // Nobody inside will wait for it.
    process.isHostChild = false;
    for (const [client, executed] of this.#executed) {
      if (executed !== process) continue;
      this.#executed.delete(client);
      this.#supervisor.answer(ANSWER_EXEC_EXITED, client, process.exitStatus);
    }
  }

  #listProcesses(client: number): void {
    let text = "";
    for (const info of processList(this.#kernel, this.#world.number, this.#init)) {
      const line = `${JSON.stringify(info)}\n`;
      if (text.length + line.length > PACKET_TEXT_MAX) {
        this.#supervisor.answer(ANSWER_PROCESSES, client, 1, text);
        text = "";
      }
      text += line;
    }
    this.#supervisor.answer(ANSWER_PROCESSES, client, 0, text);
  }
}
