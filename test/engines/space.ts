/**
 * A place for engines: mount, network and pid namespaces of their own, with a /run and a data directory in memory.
 * Nothing of the machine's own engines is seen or touched, and with its first process, which ends when the test does, all of
 * it is gone; only cgroups must be removed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const SETUP = `
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs "$SPACE"
ip link set lo up
echo ready
exec 3<&0
cat <&3 > /dev/null & wait $!
`;

const CASE_TIMEOUT_MS = 90_000;
const SETTLE_MS = 20_000;

export interface Result {
  readonly status: number | null;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

/** Debian's own programs first: a machine may have others of the same name. */
const environment = (): NodeJS.ProcessEnv => ({
  PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${dirname(process.execPath)}`,
  HOME: "/run/home",
  LANG: "C.UTF-8",
});

const finished = (child: ChildProcess, timeoutMs: number): Promise<Result> =>
  new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString("latin1");
    });
    // The process group: what the script has started, too.
    const timer = setTimeout(() => {
      output += `\n(killed after ${timeoutMs} ms)\n`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, timeoutMs);
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      resolve({ status, output });
    });
  });

const cgroupHierarchies = (): string[] =>
  existsSync("/sys/fs/cgroup/cgroup.controllers")
    ? ["/sys/fs/cgroup"]
    : readdirSync("/sys/fs/cgroup", { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [join("/sys/fs/cgroup", entry.name)] : [],
      );

const removeCgroup = (path: string): void => {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  // Podman makes files in a directory that has a controller's name, whether or not the controller is mounted there.
  if (existsSync(join(path, "cgroup.procs"))) rmdirSync(path);
  else rmSync(path, { recursive: true });
};

export class Space {
  readonly directory: string;
  /** Below it are the cgroups of all containers. */
  readonly cgroup: string;
  readonly env: NodeJS.ProcessEnv = environment();
  readonly #outer: ChildProcess;
  readonly #init: number;

  private constructor(directory: string, outer: ChildProcess, init: number) {
    this.directory = directory;
    this.cgroup = `moat-test-${outer.pid}`;
    this.#outer = outer;
    this.#init = init;
  }

  static async open(): Promise<Space> {
    const directory = mkdtempSync(join(tmpdir(), "moat-engines-"));
    const args = "--mount --net --pid --fork --mount-proc --kill-child=SIGKILL -- sh -c".split(" ");
    const outer = spawn("unshare", [...args, SETUP], {
      env: { ...environment(), SPACE: directory },
      stdio: ["pipe", "pipe", "ignore"],
    });
    await new Promise<void>((resolve, reject) => {
      outer.stdout.once("data", resolve);
      outer.once("exit", (status) => reject(new Error(`the namespaces for the engines cannot be made: unshare ended with ${status}`)));
    });
    const children = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8");
    const space = new Space(directory, outer, Number(children.trim()));
    await space.must('mkdir -p "$HOME"');
    return space;
  }

  #spawn(script: string, env: NodeJS.ProcessEnv): ChildProcess {
    const enter = ["-t", String(this.#init), "-m", "-n", "-p", "--"];
    return spawn("nsenter", [...enter, "sh", "-c", `exec 2>&1\ncd ${this.directory}\n${script}`], {
      env: { ...this.env, ...env },
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
  }

  /** A shell script in there. */
  run(script: string, env: NodeJS.ProcessEnv = {}, timeoutMs = CASE_TIMEOUT_MS): Promise<Result> {
    return finished(this.#spawn(script, env), timeoutMs);
  }

  async must(script: string, env: NodeJS.ProcessEnv = {}, timeoutMs = CASE_TIMEOUT_MS): Promise<string> {
    const { status, output } = await this.run(script, env, timeoutMs);
    if (status !== 0) throw new Error(`status ${status} of: ${script}\n${output}`);
    return output;
  }

  /** Waits until a script succeeds. */
  async until(script: string, timeoutMs = 30_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; ; ) {
      const { status, output } = await this.run(script);
      if (status === 0) return;
      if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for: ${script}\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What containers could leave behind: processes (`own` are the engines'), mounts, network namespaces, cgroups. */
  async inventory(): Promise<string[]> {
    const lines = await this.must(
      `
      for p in /proc/[0-9]*; do
        case "$(cut -d' ' -f 4 $p/stat 2>/dev/null)" in "" | 0 | $$) ;; *) echo "process $(tr '\\0\\n' '  ' < $p/cmdline 2>/dev/null)" ;; esac
      done
      cut -d' ' -f 5 /proc/self/mountinfo | grep -e "^$SPACE" -e ^/run | sed 's/^/mount /'
      find "$SPACE" -path '*/runtime-*/*/*' | sed 's/^/state /'
    `,
      { SPACE: this.directory },
    );
    const cgroups = cgroupHierarchies().flatMap((hierarchy) => {
      const path = join(hierarchy, this.cgroup);
      return existsSync(path)
        ? readdirSync(path, { withFileTypes: true })
            .filter((entry) => entry.isDirectory())
            .map((entry) => `cgroup ${join(path, entry.name)}`)
        : [];
    });
    return [...lines.trim().split("\n"), ...cgroups].sort();
  }

  /** Waits until there is no more than before: Docker's rm is over before the shim is. */
  async settled(before: readonly string[]): Promise<string[]> {
    for (const end = Date.now() + SETTLE_MS; ; ) {
      const now = await this.inventory();
      if (now.length <= before.length || Date.now() > end) return now;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#outer.once("close", resolve));
    process.kill(this.#init, "SIGKILL");
    await gone;
    rmSync(this.directory, { recursive: true, force: true });
    for (const hierarchy of cgroupHierarchies()) {
      const path = join(hierarchy, this.cgroup);
      if (existsSync(path)) removeCgroup(path);
    }
  }
}
