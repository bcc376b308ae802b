/** Kubernetes' side of containerd: its CRI with Moat as a runtime handler, as docs/kubernetes.md configures it. */
import { join } from "node:path";
import { after, before } from "node:test";
import { moatPath, root } from "../integration/moat.ts";
import { describeEngine } from "../needs.ts";
import { Engine, same } from "./engine.ts";

const IMAGE = "docker.io/library/busybox:latest";

class Cri extends Engine {
  protected get preamble(): string {
    return `
export CRI=${join(root, "test/engines/cri.mjs")}
cri() { node $CRI "$PWD/ctr.sock" "$@"; }
PID=container
pod() { POD=$(cri pod $N $RT $PID /${this.space.cgroup}); echo $POD >> pods-$N; }
make() { cri create $POD $N $PID /${this.space.cgroup} "$1" ${IMAGE} "$MEMORY" sh -c "$2"; }
MEMORY=0
`;
  }
  /** Containers go with their pod. */
  protected readonly cleanup = "for id in $(cat pods-$N); do cri stopPod $id; cri removePod $id; done";

  protected async prepare(): Promise<void> {
    const { directory } = this.space;
    await this.space.must(
      `mkdir -p cni logs
cat > cni/10-test.conflist <<END
{"cniVersion": "0.4.0", "name": "test", "plugins": [{"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "subnet": "10.88.7.0/24", "dataDir": "${directory}/ipam", "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
cat > config.toml <<END
version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${directory}/ctr.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/pause:latest"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${directory}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.moat.options]
      BinaryName = "${moatPath}"
END
for name in busybox pause; do
  umoci init --layout $name-oci
  umoci new --image $name-oci:latest
  umoci insert --image $name-oci:latest busybox /
  umoci config --image $name-oci:latest --config.cmd sleep --config.cmd 1000 --config.env PATH=/bin
  tar -C $name-oci -cf $name.tar .
done`,
    );
    await this.daemon("containerd --config config.toml", "containerd.log", `ctr -a ${directory}/ctr.sock version`);
    await this.space.must(
      `for name in busybox pause; do ctr -a ${directory}/ctr.sock -n k8s.io images import --snapshotter native --base-name docker.io/library/$name $name.tar; done`,
    );
  }
}

describeEngine("the CRI of containerd", ["containerd", "containernetworking-plugins", "iptables", "umoci"], () => {
  const cri = new Cri();
  before(() => cri.start());
  after(() => cri.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(cri, name, script, expected);

  like(
    "a pod with a container",
    `pod; ID=$(make main 'echo started; trap "echo term; exit 3" TERM; while :; do sleep 0.1; done'); cri status $ID; cri start $ID; soon grep -q started logs/main.log
    cri exec $ID sh -c 'hostname; echo $WHO; echo to >&2; exit 5'; cri stats $ID; cri stop $ID 20; cri status $ID; cut -d' ' -f 2- logs/main.log; cri remove $ID; rm logs/main.log`,
    "created 0\nNAME\nkubelet\nto\nstatus 5\ncpu true memory true\nexited 3 Error\nstdout F started\nstdout F term\n",
  );
  like(
    "containers of a pod share its network",
    `pod; ID=$(make web 'echo hello > /index.html; exec httpd -f -p 80 -h /'); cri start $ID; OTHER=$(make other 'sleep 100'); cri start $OTHER
    soon cri exec $OTHER wget -q -O - http://127.0.0.1; cri exec $OTHER wget -q -O - http://127.0.0.1; at=$(cri ip $POD); curl -s http://$at; cri exec $ID ps -o args`,
    "hello\nstatus 0\nhello\nCOMMAND\nhttpd -f -p 80 -h /\nps -o args\nstatus 0\n",
  );
  like(
    "shareProcessNamespace",
    `PID=pod; pod; ID=$(make web 'exec httpd -f -p 80 -h /'); cri start $ID; OTHER=$(make other 'sleep 99'); cri start $OTHER
    cri exec $OTHER ps -o args; cri stop $ID 0; cri status $ID; cri exec $OTHER ps -o args`,
    "COMMAND\nsleep 1000\nhttpd -f -p 80 -h /\nsleep 99\nps -o args\nstatus 0\nexited 137 Error\nCOMMAND\nsleep 1000\nsleep 99\nps -o args\nstatus 0\n",
  );
  like(
    "out of memory",
    "pod; MEMORY=67108864; ID=$(make hog 'exec tail /dev/zero'); cri start $ID; soon sh -c \"node $CRI $PWD/ctr.sock status $ID | grep -q exited\"; cri status $ID",
    "exited 137 OOMKilled\n",
  );
});
