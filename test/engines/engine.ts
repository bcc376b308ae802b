/** What all engines of the tests have: a space, a busybox image's files, and cases that run with runc first and with Moat second. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { it } from "node:test";
import { root } from "../integration/moat.ts";
import { Space } from "./space.ts";

/** For every case: `status` prints the exit status of a command, `soon` waits for one to succeed, `terminal` types into one. */
const PREAMBLE = `
status() { "$@"; echo "status $?"; }
soon() { for i in $(seq 100); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; echo "in vain: $*"; }
terminal() { python3 "$TERMINAL" "$@" && echo seen; }
`;

/** In the directory `busybox`. */
const BUSYBOX = `
mkdir -p busybox/bin busybox/etc busybox/tmp busybox/root
cp /bin/busybox busybox/bin
chroot busybox /bin/busybox --install -s /bin
printf 'root:x:0:0:root:/root:/bin/sh\\nann:x:1000:1000::/home/ann:/bin/sh\\n' > busybox/etc/passwd
printf 'root:x:0:\\nann:x:1000:\\nextra:x:55:ann\\n' > busybox/etc/group
chmod 1777 busybox/tmp
`;

export abstract class Engine {
  #space: Space | undefined;
  #cases = 0;

  get space(): Space {
    if (this.#space === undefined) throw new Error("the engine is not started");
    return this.#space;
  }

  async start(): Promise<void> {
    this.#space = await Space.open();
    await this.space.must(BUSYBOX);
    await this.prepare();
  }

  async stop(): Promise<void> {
    await this.#space?.close();
  }

  /** A program that stays, with its output in `log`. */
  async daemon(command: string, log: string, isThere: string): Promise<void> {
    await this.space.must(`setsid ${command} > ${log} 2>&1 < /dev/null &`);
    try {
      await this.space.until(isThere);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${(await this.space.run(`tail -n 20 ${log}`)).output}`);
    }
  }

  /** Starts it, with the image "busybox". */
  protected abstract prepare(): Promise<void>;
  /** Shell functions for the cases. */
  protected abstract readonly preamble: string;
  /** Removes what a case has left; all its names begin with $N. */
  protected abstract readonly cleanup: string;

  /** The output of a case with one runtime: $RT, or $MOAT or $RUNC as a program. */
  async outputWith(runtime: "runc" | "moat", script: string): Promise<string> {
    const name = `case${++this.#cases}`;
    const env = { RT: runtime, N: name, TERMINAL: join(root, "test/integration/terminal-session.py") };
    const { output } = await this.space.run(PREAMBLE + this.preamble + script, env);
    await this.space.run(this.preamble + this.cleanup, env);
    return output
      .replaceAll(name, "NAME")
      .replace(/\b[0-9a-f]{64}\b/g, "ID")
      .replaceAll("\r\n", "\n");
  }
}

const check = (output: string, expected: string | RegExp, runtime: string): void => {
  if (typeof expected === "string") assert.equal(output, expected, `with ${runtime}`);
  else assert.match(output, expected, `with ${runtime}`);
};

/** runc's output is what is expected, and Moat's is the same. */
export const same = (engine: Engine, name: string, script: string, expected: string | RegExp): void => {
  it(name, async () => {
    const reference = await engine.outputWith("runc", script);
    check(reference, expected, "runc");
    assert.equal(await engine.outputWith("moat", script), reference, "Moat differs from runc");
  });
};
