/** Bundles of busybox for the container tests, and the containers' commands with a state directory of their own. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_SPEC } from "../../runtime/spec/default.ts";
import { moatPath, type Outcome, run } from "./moat.ts";

const APPLETS = [
  "awk",
  "chmod",
  "chown",
  "cp",
  "cut",
  "dd",
  "df",
  "ln",
  "mkdir",
  "mkfifo",
  "mknod",
  "mountpoint",
  "mv",
  "readlink",
  "rm",
  "rmdir",
  "sed",
  "stat",
  "test",
  "umount",
  "wc",
  "sh",
  "true",
  "sleep",
  "echo",
  "cat",
  "ls",
  "ps",
  "id",
  "mount",
  "env",
  "tty",
  "kill",
  "pwd",
  "hostname",
  "stty",
  "touch",
  "grep",
  "sort",
];

export type Config = Record<string, unknown> & { process: Record<string, unknown> };

/** The id of this run's own container `name`: on the host it names a cgroup, which another run must not meet. */
export const named = (name: string): string => `${name}-${process.pid}`;

export class Containers {
  readonly directory = mkdtempSync(join(tmpdir(), "moat-oci-"));
  readonly root = join(this.directory, "state");
  #bundles = 0;
  readonly #ids: string[] = [];

  /** A fresh bundle that runs `args`; `change` adjusts its config. */
  bundle(args: readonly string[], change: (config: Config) => void = () => {}): string {
    const bundle = join(this.directory, `bundle${++this.#bundles}`);
    const bin = join(bundle, "rootfs/bin");
    mkdirSync(bin, { recursive: true });
    copyFileSync("/bin/busybox", join(bin, "busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", join(bin, applet));
    const config = structuredClone(DEFAULT_SPEC) as unknown as Config;
    config.process.args = args;
    config.process.terminal = false;
    change(config);
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
    return bundle;
  }

  /** Cleaned up at the end. */
  id(name: string): string {
    const id = named(name);
    this.#ids.push(id);
    return id;
  }

  moat(...args: string[]): Outcome {
    return run(moatPath, ["--root", this.root, ...args]);
  }

  state(id: string): Record<string, unknown> {
    return JSON.parse(this.moat("state", id).stdout);
  }

  remove(): void {
    for (const id of this.#ids) this.moat("delete", "--force", id);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
