/** A Docker daemon of the test's own, and cases that run with runc first and with Moat second. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { moatPath, root } from "../integration/moat.ts";
import { Space } from "./space.ts";

/**
 * What every case may use: $RT is the runtime, $N a name for its container, `run` is docker run without a network,
 * `status` the exit status of a command, `soon` waits for one to succeed.
 */
const PREAMBLE = `
run() { docker run --runtime="$RT" --network none "$@"; }
start() { run -d --name "$N" "$@" > /dev/null; }
field() { docker inspect -f "$@"; }
status() { "$@"; echo "status $?"; }
soon() { for i in $(seq 100); do "$@" > /dev/null 2>&1 && return; sleep 0.1; done; echo "in vain: $*"; }
logged() { soon sh -c "docker logs $N 2>&1 | grep -q '$1'"; }
terminal() { python3 "$TERMINAL" "$@" && echo seen; }
`;

const BUSYBOX = `
mkdir -p busybox/bin busybox/etc busybox/tmp busybox/root
cp /bin/busybox busybox/bin
chroot busybox /bin/busybox --install -s /bin
printf 'root:x:0:0:root:/root:/bin/sh\\nann:x:1000:1000::/home/ann:/bin/sh\\n' > busybox/etc/passwd
printf 'root:x:0:\\nann:x:1000:\\nextra:x:55:ann\\n' > busybox/etc/group
chmod 1777 busybox/tmp
tar -C busybox -c . | docker import -c 'CMD ["sh"]' - busybox
`;

export class Docker {
  #space: Space | undefined;
  #cases = 0;

  get space(): Space {
    if (this.#space === undefined) throw new Error("Docker is not started");
    return this.#space;
  }

  async start(config: Record<string, unknown> = {}): Promise<void> {
    this.#space = await Space.open();
    const { directory, cgroup, env } = this.space;
    env.DOCKER_HOST = `unix://${directory}/docker.sock`;
    const daemon = {
      "data-root": `${directory}/data`,
      "exec-root": `${directory}/exec`,
      "cgroup-parent": `/${cgroup}`,
      hosts: [env.DOCKER_HOST],
      pidfile: `${directory}/docker.pid`,
      runtimes: { moat: { path: moatPath } },
      ...config,
    };
    await this.space.must('printf %s "$DAEMON" > daemon.json; setsid dockerd --config-file daemon.json > dockerd.log 2>&1 < /dev/null &', {
      DAEMON: JSON.stringify(daemon),
    });
    try {
      await this.space.until("docker version");
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${(await this.space.run("tail -n 20 dockerd.log")).output}`);
    }
    await this.space.must(BUSYBOX);
  }

  async stop(): Promise<void> {
    await this.#space?.close();
  }

  /** The output of a case with one runtime; its containers, volumes and networks have names that begin with $N. */
  async outputWith(runtime: string, script: string): Promise<string> {
    const name = `case${++this.#cases}`;
    const { output } = await this.space.run(PREAMBLE + script, {
      RT: runtime,
      N: name,
      TERMINAL: join(root, "test/integration/terminal-session.py"),
    });
    await this.space.run(`docker ps -aq --filter name=${name} | xargs -r docker rm -fv`);
    return output
      .replaceAll(name, "NAME")
      .replace(/\b[0-9a-f]{64}\b/g, "ID")
      .replaceAll(`\r\n`, "\n");
  }
}

/** A daemon for all cases of a `describe`. */
export const withDocker = (config: Record<string, unknown> = {}): Docker => {
  const docker = new Docker();
  before(() => docker.start(config));
  after(() => docker.stop());
  return docker;
};

const check = (output: string, expected: string | RegExp, runtime: string): void => {
  if (typeof expected === "string") assert.equal(output, expected, `with ${runtime}`);
  else assert.match(output, expected, `with ${runtime}`);
};

/** runc's output is what is expected, and Moat's is the same. */
export const same = (docker: Docker, name: string, script: string, expected: string | RegExp): void => {
  it(name, async () => {
    const reference = await docker.outputWith("runc", script);
    check(reference, expected, "runc");
    assert.equal(await docker.outputWith("moat", script), reference, "Moat differs from runc");
  });
};
