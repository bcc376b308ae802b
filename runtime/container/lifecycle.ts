/** start, kill, delete: what happens to a container between create and its end. */

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { SIGKILL } from "../../syscall-tables/flags/signal.ts";
import { openCgroup } from "../cgroup/manager.ts";
import { CONTROL_ABANDON, CONTROL_SIGNAL, CONTROL_START, SIGNAL_ALL } from "../sandbox/control-protocol.ts";
import { destroyCgroup } from "./container-cgroup.ts";
import { ContainerError } from "./container-error.ts";
import { ControlClient } from "./control-client.ts";
import { runHooks } from "./hooks.ts";
import { runStartHooks } from "./start-hooks.ts";
import { type Store, type Stored, startTimeOf, statusOf } from "./store.ts";

const ESRCH = 3;
const EINVAL = 22;
/** delete waits so long for a killed container to be gone. */
const END_TRIES = 1000;
const END_PAUSE_MS = 10;
/** And so long for the monitor's orderly end. */
const PATIENT_TRIES = 200;

/** runc's init, whose startContainer hook failed. */
const EXIT_ABANDONED = 1;

export const withLock = async <T>(store: Store, id: string, act: () => T | Promise<T>): Promise<T> => {
  const lock = store.lock(id);
  try {
    return await act();
  } finally {
    store.unlock(lock);
  }
};

export const startContainer = (store: Store, id: string): Promise<void> =>
  withLock(store, id, () => {
    const stored = store.read(id);
    const status = statusOf(stored);
    if (status === "stopped") throw new ContainerError("cannot start a container that has stopped");
    if (status === "running") throw new ContainerError("cannot start an already running container");
    if (status === "creating" || status === "paused") throw new ContainerError(`cannot start a container in the ${status} state`);
    const failure = runStartHooks(store, stored);
    const client = new ControlClient(store.directory(id));
    // A program that is over at once takes its monitor along before it can answer.
    const error = failure === null ? client.ask(CONTROL_START) : client.ask(CONTROL_ABANDON, EXIT_ABANDONED, failure);
    client.close();
    if (error !== null && error !== 0 && error !== EINVAL) throw new ContainerError(`cannot start the container: errno ${error}`);
    store.write({ ...stored, status: "running" });
    // Another `start` was killed between the two.
    if (error === EINVAL) throw new ContainerError("cannot start an already running container");
    if (failure !== null) return;
    try {
      runHooks(stored.poststart, stored, { status: "running", pid: stored.pid });
    } catch (error) {
      killMonitor(stored);
      throw error;
    }
  });

const signalNames = new Map<string, number>(Object.entries(constants.signals));

/** "9", "KILL", "SIGKILL", "RTMIN+3". */
export const parseSignal = (text: string): number => {
  if (/^[0-9]+$/.test(text)) {
    const number = Number(text);
    if (number <= 64) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RT(MIN|MAX)([+-][0-9]+)?$/.exec(name);
  const number = realTime ? (realTime[1] === "MIN" ? 34 : 64) + Number(realTime[2] ?? 0) : signalNames.get(`SIG${name}`);
  if (number === undefined || number < 1 || number > 64) throw new ContainerError(`unknown signal ${JSON.stringify(text)}`);
  return number;
};

const isThere = (stored: Stored): boolean => startTimeOf(stored.pid) === stored.pidStart;

const killMonitor = (stored: Stored): void => {
  if (isThere(stored)) process.kill(stored.pid, "SIGKILL");
};

/** Init is the monitor's first child. Without it the sandbox is gone, and the monitor ends when what was executed has. */
const killInit = (stored: Stored): void => {
  if (!isThere(stored)) return;
  try {
    const children = readFileSync(`/proc/${stored.pid}/task/${stored.pid}/children`, "latin1");
    const [init] = children.split(" ");
    if (init !== "") {
      process.kill(Number(init), "SIGKILL");
      return;
    }
  } catch {
    // It is at its end, or the host has no such file.
  }
  killMonitor(stored);
};

export const killContainer = async (store: Store, id: string, signal: number, options: { readonly all: boolean }): Promise<void> => {
  const stored = store.read(id);
  const status = statusOf(stored);
  if (status === "stopped") {
    if (options.all) return;
    throw new ContainerError("container not running");
  }
  if (signal === SIGKILL) {
    killInit(stored);
    // What is frozen by cgroup v1 dies when it is thawed.
    if (status === "paused") await openCgroup(stored.cgroup).freeze(false);
    return;
  }
  const client = new ControlClient(store.directory(id));
  const argument = signal | (options.all ? SIGNAL_ALL : 0);
  if (status === "paused") {
    // It is read when the container goes on.
    client.send(CONTROL_SIGNAL, argument);
    client.close();
    return;
  }
  const error = client.ask(CONTROL_SIGNAL, argument);
  client.close();
  if (error === ESRCH) throw new ContainerError("container not running");
  if (error !== null && error !== 0) throw new ContainerError(`cannot signal the container: errno ${error}`);
};

const complaintOf = (error: unknown): string => (error as Error).message;

/** A cgroup that others use and a poststop hook that fails do not keep the container, as with runc: their complaint is returned. */
export const deleteContainer = async (store: Store, id: string, options: { readonly force: boolean }): Promise<string | null> => {
  if (options.force && !store.exists(id)) return null;
  return await withLock(store, id, async () => {
    let stored: Stored;
    try {
      stored = store.read(id);
    } catch (error) {
      // A create that crashed early.
      if (!options.force || store.isAnother(id)) throw error;
      store.remove(id);
      return null;
    }
    const status = statusOf(stored);
    if (status !== "stopped") {
      // As runc: what has not started may go, what runs only by force.
      if ((status === "running" || status === "paused") && !options.force) {
        throw new ContainerError(`cannot delete container ${id} that is not stopped: ${status}`);
      }
      killInit(stored);
      if (status === "paused") await openCgroup(stored.cgroup).freeze(false);
      for (let tries = 0; statusOf(stored) !== "stopped" && tries < END_TRIES; tries++) {
        if (tries === PATIENT_TRIES) killMonitor(stored);
        await pause(END_PAUSE_MS);
      }
      if (statusOf(stored) !== "stopped") throw new ContainerError("container init still running");
    }
    const complaint = await destroyCgroup(stored.cgroup).then(() => null, complaintOf);
    store.remove(id);
    try {
      runHooks(stored.poststop, stored, { status: "stopped", pid: 0 });
      return complaint;
    } catch (error) {
      return complaint ?? complaintOf(error);
    }
  });
};

export const pauseContainer = (store: Store, id: string): Promise<void> =>
  withLock(store, id, async () => {
    const stored = store.read(id);
    const status = statusOf(stored);
    if (status !== "running" && status !== "created") throw new ContainerError("container not running");
    if (stored.sandbox !== "") {
      throw new ContainerError(
        `it shares the pid namespace, and so the sandbox, of container ${stored.sandbox}: only that one can be paused`,
      );
    }
    await openCgroup(stored.cgroup).freeze(true);
  });

export const resumeContainer = (store: Store, id: string): Promise<void> =>
  withLock(store, id, async () => {
    const stored = store.read(id);
    if (statusOf(stored) !== "paused") throw new ContainerError("container not paused");
    await openCgroup(stored.cgroup).freeze(false);
  });
