/** Podman as root, with storage of its own. */
import { moatPath } from "../integration/moat.ts";
import { Engine } from "./engine.ts";

export const containersConf = (moat: string, directory: string): string => `cat > ${directory}/containers.conf <<END
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
runtime_supports_json = ["runc", "moat"]
tmp_dir = "${directory}/tmp"
[engine.runtimes]
moat = ["${moat}"]
[network]
network_backend = "netavark"
network_config_dir = "${directory}/networks"
END
`;

export const REMOVE =
  "podman ps -aq --filter name=^$N | xargs -r podman rm -f -t 0 -v; podman pod ls -q --filter name=^$N | xargs -r podman pod rm -f -t 0";

export class Podman extends Engine {
  protected get preamble(): string {
    return `
run() { podman --runtime $RT run --cgroup-parent /${this.space.cgroup} "$@"; }
start() { run -d --name $N "$@" > /dev/null; }
field() { podman inspect -f "$@"; }
logged() { soon sh -c "podman logs $N 2>&1 | grep -q '$1'"; }
PARENT=/${this.space.cgroup}
`;
  }
  protected readonly cleanup = REMOVE;

  protected async prepare(): Promise<void> {
    const { directory, env } = this.space;
    env.CONTAINERS_CONF = `${directory}/containers.conf`;
    env.CONTAINERS_STORAGE_CONF = `${directory}/storage.conf`;
    await this.space.must(`${containersConf(moatPath, directory)}
cat > storage.conf <<END
[storage]
driver = "overlay"
graphroot = "${directory}/graph"
runroot = "${directory}/run"
END
tar -C busybox -c . | podman import -c 'CMD sh' - busybox`);
  }
}
