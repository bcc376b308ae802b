/** containerd by ctr: io.containerd.runc.v2 with Moat as BinaryName. The image is made by umoci. */
import { after, before } from "node:test";
import { moatPath } from "../integration/moat.ts";
import { describeEngine } from "../needs.ts";
import { Engine, same } from "./engine.ts";

class Containerd extends Engine {
  /** The namespace is also the parent of the containers' cgroups. */
  protected get preamble(): string {
    return `
BINARY=/usr/sbin/runc; [ $RT = moat ] && BINARY=${moatPath}
SPACE=${this.space.cgroup}
ctr() { /usr/bin/ctr -a "$PWD/ctr.sock" -n ${this.space.cgroup} "$@"; }
run() { ctr run --runtime io.containerd.runc.v2 --runc-binary $BINARY "$@"; }
task() { ctr task "$@"; }
stopped() { soon sh -c "/usr/bin/ctr -a $PWD/ctr.sock -n ${this.space.cgroup} task ls | grep -q '^$N .*STOPPED'"; }
`;
  }
  protected readonly cleanup = "task kill -s KILL $N; stopped; task delete $N; ctr container rm $N";

  protected async prepare(): Promise<void> {
    const { directory } = this.space;
    await this.space.must(
      `cat > config.toml <<END
version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${directory}/ctr.sock"
END
umoci init --layout oci
umoci new --image oci:busybox
umoci insert --image oci:busybox busybox /
umoci config --image oci:busybox --config.cmd sh --config.env PATH=/bin
tar -C oci -cf oci.tar .`,
    );
    await this.daemon("containerd --config config.toml", "containerd.log", `ctr -a ${directory}/ctr.sock version`);
    await this.space.must(`ctr -a ${directory}/ctr.sock -n ${this.space.cgroup} images import --base-name image oci.tar`);
  }
}

describeEngine("containerd", ["containerd", "umoci"], () => {
  const containerd = new Containerd();
  before(() => containerd.start());
  after(() => containerd.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(containerd, name, script, expected);
  const image = "image:busybox";

  like("run", `status run --rm ${image} $N sh -c 'echo hi; id; exit 3' 2>&1`, "hi\nuid=0(root) gid=0(root) groups=0(root)\nstatus 3\n");
  like(
    "a program that is not there",
    `run --rm ${image} $N nosuch 2>&1 | grep -o 'exec: .*'`,
    'exec: "nosuch": executable file not found in $PATH: unknown\n',
  );
  like(
    "task exec",
    `run -d ${image} $N sleep 100; status task exec --exec-id e $N sh -c 'echo in; exit 4' 2>/dev/null; echo text | task exec --exec-id f $N cat`,
    "in\nstatus 4\ntext\n",
  );
  like(
    "pause and resume",
    `run -d ${image} $N sleep 100; task pause $N; task ls | grep $N | awk '{ print $3 }'; task resume $N; task ls | grep $N | awk '{ print $3 }'`,
    "PAUSED\nRUNNING\n",
  );
  like(
    "kill and its status",
    `run -d ${image} $N sleep 100; task kill -s KILL $N; stopped; task delete $N 2>&1 | grep -o 'code [0-9]*'`,
    "code 137\n",
  );
  like(
    "a signal that is caught",
    `run -d ${image} $N sh -c 'trap "exit 9" TERM; touch /up; while :; do sleep 0.1; done'; soon task exec --exec-id e $N ls /up; task kill -s TERM $N; stopped; task delete $N 2>&1 | grep -o 'code [0-9]*'`,
    "code 9\n",
  );
  like(
    "metrics",
    `run -d --memory-limit 67108864 ${image} $N sleep 100; task metrics $N | awk '{ print $1 }' | grep -c memory.usage`,
    "1\n",
  );
  like("task ps", `run -d ${image} $N sleep 100; task ps $N | awk 'NR == 1 { print $1 } NR > 1 { print ($1 > 1) }'`, "PID\n1\n");
  like(
    "a terminal",
    `terminal "/usr/bin/ctr -a $PWD/ctr.sock -n $SPACE run --rm -t --runc-binary $BINARY ${image} $N sh\\n" '# ' 'test -t 0 && echo y""es\\n' 'yes' 'exit 4\\n' 'host> '`,
    "seen\n",
  );
  like("environment and directory", `run --rm --env A=b --cwd /tmp ${image} $N sh -c 'echo $A; pwd'`, "b\n/tmp\n");
  like(
    "mounts",
    `mkdir $N; echo x > $N/f; run --rm --mount type=bind,src=$PWD/$N,dst=/m,options=rbind:ro ${image} $N sh -c 'cat /m/f; touch /m/g 2>&1'; rm -r $N`,
    "x\ntouch: /m/g: Read-only file system\n",
  );
});
