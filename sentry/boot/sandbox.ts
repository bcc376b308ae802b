/** One sandbox from its config to its end. */

import { writeSync } from "node:fs";
import { findStartMemory } from "../../native/ffi/start-memory-unsafe.ts";
import { hostCall3 } from "../../native/ffi/syscall-unsafe.ts";
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import type { Start, SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import { EPOLLIN } from "../../syscall-tables/flags/poll.ts";
import { isErrno } from "../abi/errno.ts";
import { beginCoreDump } from "../core-dump/core-dump.ts";
import { numberNamespaces } from "../fs/proc/task-links.ts";
import { isTerminalFd, openHostFd } from "../fs/tty/host-file.ts";
import { hostTerminal } from "../fs/tty/host-tty.ts";
import { confine } from "../host/confine.ts";
import { GoferClient } from "../host/gofer-client.ts";
import { Log } from "../host/log.ts";
import { Clock } from "../loop/clock.ts";
import { HostPoller } from "../loop/host-poller.ts";
import { Broker } from "../net/host/broker.ts";
import { joinHostNetwork } from "../net/host/join.ts";
import type { SystrapPlatform } from "../platform/systrap/systrap.ts";
import { Dispatcher } from "../syscalls/dispatch.ts";
import { implementations } from "../syscalls/index.ts";
import { exitHooks } from "../task/exit-hooks.ts";
import { finishSyscall } from "../task/run.ts";
import { beginInUserNamespace } from "../task/user-namespace.ts";
import { setDeviceRules } from "../vfs/device-rules.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import { Control } from "./control.ts";
import { registerFilesystems } from "./filesystems.ts";
import { GuestTraps } from "./guest-traps.ts";
import { JoinedContainers } from "./joined.ts";
import { MoatKernel } from "./moat-kernel.ts";
import { buildMounts, restrictPaths } from "./mounts.ts";
import { ownNull } from "./own-null.ts";
import { startFirstProgram } from "./program.ts";
import { containerRefusal, refusal } from "./refusal.ts";
import { Strace } from "./strace.ts";
import { watchSupervisor } from "./supervisor.ts";
import { writeSysctls } from "./sysctls.ts";
import { bindConsole, placeOfTerminals } from "./terminals.ts";

const STDIO = [0, 1, 2];
/** A program that is done sooner shall not wait for the sentry to give memory back. */
const STARTED_NS = 1e9;

export const runSandbox = (
  platform: SystrapPlatform,
  supervisor: SupervisorChannel,
  goferFd: number,
  config: SandboxConfig,
  { stdioFds, brokerFd }: Pick<Start, "stdioFds" | "brokerFd">,
): void => {
  const log = new Log("sentry", config.logLevel, config.debugLogFd);
  if (config.userNamespace !== null) beginInUserNamespace(config.userNamespace);
  const poller = new HostPoller();
  const kernel = new MoatKernel(platform, poller, new Clock(), config, log);
  registerFilesystems(kernel);
  const dispatcher = new Dispatcher(implementations, log);
  platform.handler = new GuestTraps(dispatcher, log);
  if (config.strace) traceCalls(platform, dispatcher, config.strace);
  poller.onEdge(platform.doorbellFd, EPOLLIN, () => {});
  // The gofer serves only once it is confined itself: nothing is asked of it before.
  const giveBackStartMemory = findStartMemory();
  confine(supervisor, config.network);
  if (config.network === "host") joinHostNetwork(kernel, new Broker(brokerFd, () => endWithout("network broker", supervisor)));

  const gofer = new GoferClient(goferFd, { onLost: () => endWithout("gofer", supervisor) });
  setDeviceRules(config.deviceRules);
  const namespace = buildMounts(kernel, gofer, config, Math.floor(config.hostFacts.memTotalBytes / 2));
  restrictPaths(kernel, namespace, config);
  const terminalPlace = placeOfTerminals(kernel, namespace, config);
  const stdio = (stdioFds.length === 0 ? STDIO : stdioFds).map((fd, index): OpenFile | null => {
    // The other end of a container's pipe sees that the program has closed it, while the sandbox lives on.
    const file = openHostFd(kernel, fd, terminalPlace, stdioFds.length > 0 && !isTerminalFd(fd));
    if (isErrno(file)) return null;
    return config.waitsForStart && index < STDIO.length ? ownNull(kernel, namespace, file) : file;
  });
  if (config.waitsForStart) bindConsole(kernel, namespace, hostTerminal.terminal);
  const control = new Control(kernel, supervisor, stdioFds[2] ?? -1);
  const guests = new JoinedContainers(kernel, supervisor, config);
  exitHooks.processExit = (process) => {
    control.processExited(process);
    guests.processExited(process);
  };
  exitHooks.coreDump = beginCoreDump;
  exitHooks.hostChildStop = (process, signal) => {
    if (process === kernel.pids.init) supervisor.stopped(signal);
  };
  const work = (): void => {
    platform.poll();
  };
  while (!platform.isReady) work();
  const task = startFirstProgram(kernel, namespace, config, stdio, work);
  if (isErrno(task)) {
    const { exitStatus, text } = config.waitsForStart ? containerRefusal(config, task) : refusal(config.argv[0], task);
    supervisor.execFailed(exitStatus, text);
    return;
  }
  if (config.namespaceNumbers !== null) numberNamespaces(task, config.namespaceNumbers);
  writeSysctls(kernel, namespace, task, config.sysctls);
  if (config.terminal) hostTerminal.terminal?.attachTo(task.process);
  if (config.waitsForStart) control.awaitStart(task);
  else {
    control.begin(task);
    finishSyscall(task, 0);
  }
  watchSupervisor(kernel, supervisor, control, guests, config.waitsForStart);
  kernel.timers.arm({ deadlineNs: kernel.clock.monotonicNs() + STARTED_NS, fire: giveBackStartMemory });
  kernel.loop.run();
};

const traceCalls = (platform: SystrapPlatform, dispatcher: Dispatcher, config: NonNullable<SandboxConfig["strace"]>): void => {
  const fd = config.logFd < 0 ? 2 : config.logFd;
  const strace = new Strace((line) => writeSync(fd, `${line}\n`), config.names === null ? null : new Set(config.names));
  dispatcher.tracer = strace;
  platform.onResume = (thread, result) => strace.exit(thread, result);
};

const SYS_poll = 7;
const INIT_ACTS_MS = 2000;

/** Init (for the broker, the launcher) ends the sandbox and says why; until then no guest may see what it cannot do any more. */
const endWithout = (name: string, supervisor: SupervisorChannel): never => {
  hostCall3(SYS_poll, 0, 0, INIT_ACTS_MS);
  return supervisor.fatal(`the ${name} does not answer any more`);
};
