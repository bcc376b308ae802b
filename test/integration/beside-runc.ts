/** The same bundle under runc and under Moat: what the container prints must be the same. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type Config, Containers } from "./bundle.ts";

export interface Both {
  readonly runc: string;
  readonly moat: string;
}

/** Output and exit status, as one text. */
const outcome = (stdout: string, stderr: string, status: number | null): string => `${stdout}${stderr}[${status}]\n`;

export class BesideRunc extends Containers {
  #count = 0;

  /** `prepare` works on the root of each bundle. */
  both(script: string, change: (config: Config) => void = () => {}, prepare: (rootfs: string) => void = () => {}): Both {
    const bundles = [0, 1].map(() => this.bundle(["sh", "-c", script], change));
    for (const bundle of bundles) prepare(join(bundle, "rootfs"));
    const id = this.id(`beside${++this.#count}`);
    const root = join(this.directory, "runc");
    const runc = spawnSync("runc", ["--root", root, "run", "-b", bundles[0], id], { encoding: "latin1", input: "", timeout: 30_000 });
    const moat = this.moat("run", "-b", bundles[1], id);
    // The bundles differ in their place, peer groups in their number; runc warns of what will go.
    const hide = (text: string, bundle: string): string =>
      text
        .replaceAll(bundle, "BUNDLE")
        .replace(/(shared|master):\d+/g, "$1:N")
        .replace(/^time=.* level=warning .*\n/gm, "");
    return {
      runc: hide(outcome(runc.stdout, runc.stderr, runc.status), bundles[0]),
      moat: hide(outcome(moat.stdout, moat.stderr, moat.status), bundles[1]),
    };
  }
}
