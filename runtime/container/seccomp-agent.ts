/** SCMP_ACT_NOTIFY: an agent gets the file by which it decides of the container's calls (docs/adr/0017-seccomp-agents.md). */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { SeccompAgent, SeccompProfile } from "../../native/seccomp/profile.ts";
import type { SeccompListenerConfig } from "../sandbox/process-config.ts";
import { FLAGS } from "../spec/validate-seccomp.ts";
import { ContainerError } from "./container-error.ts";
import { decoded, type HookState, launcherCommand, stateText } from "./hooks.ts";
import type { Stored } from "./store.ts";

const SECCOMP_FD_NAME = "seccompFd";

/** Null: no call of the profile asks an agent. */
export const listenerConfig = (profile: Pick<SeccompProfile, "agent" | "flags"> | null, id: string): SeccompListenerConfig | null => {
  if (profile === null || profile.agent === null) return null;
  const isKillableOnly = (profile.flags & (FLAGS.get("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV") ?? 0)) !== 0;
  return { token: `${id} ${process.pid} ${process.hrtime.bigint()}`, isKillableOnly };
};

/** The specification's "container process state". */
const processStateText = (stored: Stored, state: HookState, pid: number, metadata: string): string =>
  JSON.stringify({
    ociVersion: stored.ociVersion,
    fds: [SECCOMP_FD_NAME],
    pid,
    ...(metadata === "" ? {} : { metadata: decoded(metadata) }),
    state: JSON.parse(stateText(stored, state)),
  });

export interface AgentOptions {
  readonly agent: SeccompAgent;
  readonly listener: SeccompListenerConfig;
  readonly stored: Stored;
  readonly state: HookState;
  /** Of the process that has the filter. */
  readonly pid: number;
  /** Of the sandbox that it lives in. */
  readonly monitor: number;
  /** Where the container's control socket is. */
  readonly directory: string;
}

/** What the process that serves the agent's file says of itself, a line at a time; "" at its end. */
class Lines {
  readonly #child: ChildProcess;
  #out = "";
  #error = "";
  #isOver = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#out += chunk.toString();
      child.emit("line");
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#error += chunk.toString();
    });
    child.on("close", () => {
      this.#isOver = true;
      child.emit("line");
    });
  }

  async next(): Promise<string> {
    while (!this.#out.includes("\n") && !this.#isOver) await once(this.#child, "line");
    const [line] = this.#out.split("\n", 1);
    this.#out = this.#out.slice(line.length + 1);
    if (line === "" && this.#child.exitCode !== 0) {
      throw new ContainerError(`unable to start container process: ${this.#error.trim().replace(/^moat: /, "")}`);
    }
    return line;
  }
}

/** Gives the agent its file; `attach`, when the sandbox is there, connects it to the filter. An agent that has closed it already decides nothing. */
export const callAgent = async ({
  agent,
  listener,
  stored,
  state,
  pid,
  monitor,
  directory,
}: AgentOptions): Promise<() => Promise<void>> => {
  const [launcher, ...fixed] = launcherCommand();
  const args = [...fixed, "--listener", decoded(agent.path), directory, listener.token, String(monitor)];
  const child = spawn(launcher, args, { argv0: "moat", stdio: "pipe" });
  const lines = new Lines(child);
  child.stdin.on("error", () => {});
  child.stdin.write(`${processStateText(stored, state, pid, agent.metadata)}\0`);
  await lines.next();
  return async () => {
    child.stdin.end();
    await lines.next();
    child.stdout.destroy();
    child.stderr.destroy();
    child.unref();
  };
};
