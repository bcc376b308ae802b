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
  like("output that nobody wants", `status run --rm --null-io ${image} $N sh -c 'echo a && echo b >&2 && exit 5'`, "status 5\n");
  like(
    // Of two streams containerd's shim loses one now and then, under runc as well.
    "output to a file",
    `run --rm --log-uri file://$PWD/$N.log ${image} $N sh -c 'echo out; echo more' && cat $N.log; rm $N.log`,
    "out\nmore\n",
  );
  like(
    "a pid file, exec of another user, kill of one exec, kill of all",
    `run -d --pid-file $N.pid --annotation a=b ${image} $N sleep 100; [ -d /proc/$(cat $N.pid) ] && echo lives; rm $N.pid
    task exec --exec-id q --user 1000:1000 --cwd /tmp $N sh -c 'id -u; pwd'; task exec -d --exec-id w $N sleep 50; task ps $N | wc -l
    task kill --exec-id w -s KILL $N; soon sh -c "[ \\$(/usr/bin/ctr -a $PWD/ctr.sock -n $SPACE task ps $N | wc -l) = 2 ]"; task kill --all -s KILL $N; stopped; task delete $N 2>&1 | grep -o 'code [0-9]*'`,
    "lives\n1000\n/tmp\n3\ncode 137\n",
  );
  like(
    "namespaces of others",
    `ip netns add $N; ip -n $N link set lo up; run --rm --with-ns network:/var/run/netns/$N ${image} $N ip -o -4 addr show lo | cut -d ' ' -f 1-7; ip netns del $N
    run -d ${image} $N sleep 100; run --rm --with-ns pid:/proc/$(task ls | awk "/^$N /"'{ print $2 }')/ns/pid ${image} $N-b ps -o args`,
    "1: lo    inet 127.0.0.1/8\nCOMMAND\nsleep 100\nps -o args\n",
  );
  like(
    "capabilities, privileges, seccomp, limits",
    `echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}' > $N.json
    run --rm --cap-add CAP_SYS_TIME --cap-drop CAP_CHOWN ${image} $N grep CapEff /proc/self/status; run --rm --allow-new-privs ${image} $N grep NoNew /proc/self/status
    run --rm --seccomp --seccomp-profile $N.json ${image} $N sh -c 'mkdir /x 2>&1'; rm $N.json; run --rm --privileged ${image} $N sh -c 'mkdir /t; mount -t tmpfs t /t && echo mounted'
    status run --rm --memory-limit 67108864 ${image} $N tail /dev/zero; run --rm --device /dev/zero ${image} $N sh -c 'head -c 3 /dev/zero | wc -c'`,
    "CapEff:\t00000000aa0425fa\nNoNewPrivs:\t0\nmkdir: can't create directory '/x': Operation not permitted\nmounted\nstatus 137\n3\n",
  );
});
