/** One sandbox from its config to its end. */
import { writeSync } from "node:fs";
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import type { SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import { MSG_CHILD_DIED, MSG_CONTINUED, MSG_SIGNAL } from "../../runtime/sandbox/supervisor-protocol.ts";
import { EACCES, ENOENT, ENOTDIR, isErrno } from "../abi/errno.ts";
import { SIGCONT } from "../abi/signal.ts";
import { consolePath } from "../fs/dev/dev.ts";
import { openHostFd } from "../fs/tty/host-file.ts";
import { hostTerminal } from "../fs/tty/host-tty.ts";
import { confine } from "../host/confine.ts";
import { GoferClient } from "../host/gofer-client.ts";
import { Log } from "../host/log.ts";
import { Clock } from "../loop/clock.ts";
import { HostPoller } from "../loop/host-poller.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import { Dispatcher } from "../syscalls/dispatch.ts";
import { implementations } from "../syscalls/index.ts";
import { exitHooks } from "../task/exit-hooks.ts";
import type { Process } from "../task/process.ts";
import { finishSyscall } from "../task/run.ts";
import { kernelSignal } from "../task/signal-info.ts";
import { sendSignalToProcess } from "../task/signals.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { registerFilesystems } from "./filesystems.ts";
import { GuestTraps } from "./guest-traps.ts";
import { MoatKernel } from "./moat-kernel.ts";
import { buildMounts } from "./mounts.ts";
import { startFirstProgram } from "./program.ts";
import { Strace } from "./strace.ts";

const EPOLLIN = 1;
const STDIO = [0, 1, 2];
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_EXECUTABLE = 126;

export const runSandbox = (platform: SystrapPlatform, supervisor: SupervisorChannel, goferFd: number, config: SandboxConfig): void => {
  const log = new Log("sentry", config.logLevel, config.debugLogFd);
  const poller = new HostPoller();
  const kernel = new MoatKernel(platform, poller, new Clock(), config, log);
  registerFilesystems(kernel);
  const dispatcher = new Dispatcher(implementations, log);
  platform.handler = new GuestTraps(dispatcher, log);
  if (config.strace) traceCalls(platform, dispatcher, config.strace);
  poller.onEdge(platform.doorbellFd, EPOLLIN, () => {});
  // The gofer serves only once it is confined itself: nothing is asked of it before.
  confine(supervisor);

  const namespace = buildMounts(kernel, new GoferClient(goferFd), config.mounts, Math.floor(config.hostFacts.memTotalBytes / 2));
  const console = consolePath(kernel, namespace);
  const stdio = STDIO.map((fd): OpenFile | null => {
    const file = openHostFd(kernel, fd, console);
    return isErrno(file) ? null : file;
  });
  watchSupervisor(kernel, supervisor);
  exitHooks.processExit = (process) => {
    if (process === kernel.pids.init) supervisor.exited(process.exitStatus);
  };
  exitHooks.hostChildStop = (process, signal) => {
    if (process === kernel.pids.init) supervisor.stopped(signal);
  };
  const work = (): void => {
    platform.poll();
  };
  while (!platform.isReady) work();
  const task = startFirstProgram(kernel, namespace, config, stdio, work);
  if (isErrno(task)) {
    refuseProgram(supervisor, config.argv[0], task);
    return;
  }
  if (config.terminal) hostTerminal.terminal?.attachTo(task.process);
  finishSyscall(task, 0);
  kernel.loop.run();
};

const reasons: Record<number, string> = {
  [ENOENT]: "No such file or directory",
  [EACCES]: "Permission denied",
  [ENOTDIR]: "Not a directory",
};

const refuseProgram = (supervisor: SupervisorChannel, name: string, error: number): never => {
  const isMissing = error === ENOENT || error === ENOTDIR;
  const reason = reasons[error] ?? `cannot be run (errno ${-error})`;
  return supervisor.execFailed(isMissing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE, `${name}: ${reason}`);
};

const traceCalls = (platform: SystrapPlatform, dispatcher: Dispatcher, config: NonNullable<SandboxConfig["strace"]>): void => {
  const fd = config.logFd < 0 ? 2 : config.logFd;
  const strace = new Strace((line) => writeSync(fd, `${line}\n`), config.names === null ? null : new Set(config.names));
  dispatcher.tracer = strace;
  platform.onResume = (thread, result) => strace.exit(thread, result);
};

/** Signals of the caller and deaths of host processes arrive on the supervisor channel. */
const watchSupervisor = (kernel: MoatKernel, supervisor: SupervisorChannel): void => {
  const toInit = (signal: number): void => {
    const init: Process | null = kernel.pids.init;
    if (init) sendSignalToProcess(init, kernelSignal(signal));
  };
  const receive = (): void => {
    for (let message = supervisor.receive(); message !== null; message = supervisor.receive()) {
      switch (message.kind) {
        case MSG_SIGNAL:
          if (!message.fromTerminal || hostTerminal.deliver(message.signal) < 0) toInit(message.signal);
          break;
        case MSG_CONTINUED:
          if (hostTerminal.terminal !== null) hostTerminal.terminal.isCallerForeground = message.isForeground;
          if (hostTerminal.deliver(SIGCONT) < 0) toInit(SIGCONT);
          break;
        case MSG_CHILD_DIED:
          if (!kernel.platform.processDied(message.pid)) {
            supervisor.fatal(`guest process ${message.pid} was killed by signal ${message.waitStatus & 0x7f}; the sandbox has ended`);
          }
      }
    }
  };
  kernel.hostPoller.onEdge(supervisor.fd, EPOLLIN, receive);
  receive();
};
