/** A Docker daemon of the test's own. */
import { after, before } from "node:test";
import { moatPath } from "../integration/moat.ts";
import { Engine } from "./engine.ts";

export class Docker extends Engine {
  readonly #config: Record<string, unknown>;

  constructor(config: Record<string, unknown>) {
    super();
    this.#config = config;
  }

  /** `run` is docker run without a network. */
  protected readonly preamble = `
run() { docker run --runtime="$RT" --network none "$@"; }
start() { run -d --name "$N" "$@" > /dev/null; }
field() { docker inspect -f "$@"; }
logged() { soon sh -c "docker logs $N 2>&1 | grep -q '$1'"; }
`;
  protected readonly cleanup = "docker ps -aq --filter name=$N | xargs -r docker rm -fv";

  protected async prepare(): Promise<void> {
    const { directory, cgroup, env } = this.space;
    env.DOCKER_HOST = `unix://${directory}/docker.sock`;
    const config = {
      "data-root": `${directory}/data`,
      "exec-root": `${directory}/exec`,
      "cgroup-parent": `/${cgroup}`,
      hosts: [env.DOCKER_HOST],
      pidfile: `${directory}/docker.pid`,
      runtimes: { moat: { path: moatPath } },
      ...this.#config,
    };
    await this.space.must('printf %s "$CONFIG" > daemon.json', { CONFIG: JSON.stringify(config) });
    await this.daemon("dockerd --config-file daemon.json", "dockerd.log", "docker version");
    await this.space.must("tar -C busybox -c . | docker import -c 'CMD [\"sh\"]' - busybox");
  }
}

/** A daemon for all cases of a `describe`. */
export const withDocker = (config: Record<string, unknown> = {}): Docker => {
  const docker = new Docker(config);
  before(() => docker.start());
  after(() => docker.stop());
  return docker;
};
