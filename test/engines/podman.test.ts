/** Podman: as root with its own storage, and as an ordinary user in a user namespace. */
import { join } from "node:path";
import { after, before } from "node:test";
import { root } from "../integration/moat.ts";
import { describeEngine } from "../needs.ts";
import { Engine, same } from "./engine.ts";
import { containersConf, Podman, REMOVE } from "./podman.ts";

describeEngine("podman", ["podman", "conmon", "netavark", "aardvark-dns", "curl"], () => {
  const podman = new Podman();
  before(() => podman.start());
  after(() => podman.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(podman, name, script, expected);

  like("run and its status", "status run --rm busybox sh -c 'echo hi; exit 3'", "hi\nstatus 3\n");
  like("a program that is not there", "status run --rm busybox nosuch 2>&1 | tail -n 1", "status 127\n");
  like("a program that cannot be executed", "status run --rm busybox /etc 2>&1 | tail -n 1", "status 126\n");
  like(
    "exec",
    "start busybox sleep 100; status podman exec $N sh -c 'echo in; exit 5'; echo text | podman exec -i $N cat",
    "in\nstatus 5\ntext\n",
  );
  like(
    "exec -d",
    "start busybox sleep 100; podman exec -d $N touch /f > /dev/null; soon podman exec $N ls /f; podman exec $N ls /f",
    "/f\n",
  );
  like("logs and wait", "start busybox sh -c 'echo out; exit 6'; podman wait $N; podman logs $N", "6\nout\n");
  like(
    "stop asks first",
    `start busybox sh -c 'trap "echo got; exit 9" TERM; echo up; while :; do sleep 0.1; done'; logged up; podman stop -t 20 $N; podman logs $N; field '{{.State.ExitCode}} {{.State.Status}}' $N`,
    "NAME\nup\ngot\n9 exited\n",
  );
  like("kill", "start busybox sleep 100; podman kill $N; podman wait $N", "NAME\n137\n");
  like(
    "restart",
    "start busybox sh -c 'echo a >> /l; wc -l < /l; sleep 100'; logged 1; podman restart -t 0 $N > /dev/null; logged 2; podman logs $N",
    "1\n2\n",
  );
  like(
    "pause",
    "start busybox sleep 100; podman pause $N > /dev/null; field '{{.State.Status}}' $N; podman unpause $N > /dev/null; podman exec $N echo awake",
    "paused\nawake\n",
  );
  like(
    "a health check",
    "start --health-cmd 'echo fine' --health-interval disable busybox sleep 100; status podman healthcheck run $N; field '{{.State.Health.Status}}' $N",
    /status 0\nhealthy\n$/,
  );
  like("cp", "start busybox sleep 100; echo d > $N.f; podman cp $PWD/$N.f $N:/f; podman exec $N cat /f", "d\n");
  like(
    "commit",
    "start busybox sh -c 'echo n > /n; echo up; sleep 100'; logged up; podman commit -q $N image$N > /dev/null; run --rm image$N cat /n; podman rmi -f image$N > /dev/null",
    "n\n",
  );
  like("a volume", "mkdir $N.v; echo x > $N.v/a; run --rm -v $PWD/$N.v:/v busybox sh -c 'cat /v/a; echo y > /v/b'; cat $N.v/b", "x\ny\n");
  like(
    "user, root, capabilities, host name",
    "run --rm --user 7:8 --read-only --tmpfs /t --cap-drop all --hostname h busybox sh -c 'id; hostname; touch /x 2>&1; grep CapEff /proc/self/status'",
    "uid=7(7) gid=8(8) groups=8(8)\nh\ntouch: /x: Read-only file system\nCapEff:\t0000000000000000\n",
  );
  like("a volume that is an image", "run --rm --mount type=image,src=busybox,dst=/img busybox ls /img | head -n 2", "bin\netc\n");
  like("limits are inherited", "run --rm --ulimit host busybox sh -c 'ulimit -Hn' | grep -cx \"$(ulimit -Hn)\"", "1\n");
  like(
    "its cgroups in /proc",
    `run --rm --cgroupns host busybox sh -c 'cat /proc/self/cgroup; grep -c -e ":memory:$(grep cgroup/memory /proc/self/mountinfo | cut -d" " -f4)$" /proc/self/cgroup' | sed 's/libpod.*//'; run --rm --group-add 77 --group-add extra -u 1000 busybox id`,
    /^\d+:.*(\n.*)+uid=1000\(ann\) gid=1000\(ann\) groups=55\(extra\),77,1000\(ann\)\n$/,
  );
  like("out of memory", "status run --name $N -m 64m --memory-swap 64m busybox tail /dev/zero", "status 137\n");
  like(
    "a published port",
    "start -p 127.0.0.1::80 busybox sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /'; at=$(podman port $N 80); soon curl -sf $at; curl -s $at",
    "hello\n",
  );
  like(
    "names on a user's network",
    `exec 2> /dev/null; podman network create $N > /dev/null; start --network $N busybox sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /'
    run --rm --network $N busybox sh -c 'for i in $(seq 100); do wget -q -O /dev/null http://$0 && break; sleep 0.1; done; wget -q -O - http://$0' $N 2>/dev/null; podman rm -f -t 0 $N > /dev/null; podman network rm $N > /dev/null`,
    "hello\n",
  );
  like(
    "a pod shares its network",
    `podman --runtime $RT pod create --infra-image busybox --infra-command 'sleep 100' --cgroup-parent $PARENT --name $N-pod > /dev/null
    podman --runtime $RT run -d --pod $N-pod --name $N busybox sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /' > /dev/null; soon podman exec $N wget -q -O - http://127.0.0.1
    podman --runtime $RT run --rm --pod $N-pod busybox wget -q -O - http://127.0.0.1; podman pod ps --filter name=$N --format '{{.Status}} {{.NumberOfContainers}}'; podman pod stop -t 0 $N-pod > /dev/null; podman pod ps --filter name=$N --format '{{.Status}}'`,
    "hello\nRunning 2\nExited\n",
  );
  like(
    "a pod shares its processes",
    `podman --runtime $RT pod create --share pid,ipc,net,uts --infra-image busybox --infra-command 'sleep 100' --cgroup-parent $PARENT --name $N-pod > /dev/null
    podman --runtime $RT run -d --pod $N-pod --name $N busybox sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /' > /dev/null; soon podman exec $N wget -q -O - http://127.0.0.1
    podman --runtime $RT run --rm --pod $N-pod busybox sh -c 'ps -o args | grep -v -e ps -e COMMAND; hostname; ls /index.html 2>/dev/null || echo none; for n in uts ipc net pid; do stat -Lc %i /proc/1/ns/$n /proc/self/ns/$n | uniq | wc -l; done' 2>&1
    podman stop -t 0 $N > /dev/null; podman pod ps --filter name=$N --format '{{.Status}}'; podman start $N > /dev/null; podman exec $N hostname`,
    "sleep 100\nhttpd -f -p 80 -h /\nNAME-pod\nnone\n1\n1\n1\n1\nDegraded\nNAME-pod\n",
  );
  like(
    "--pid container with a network and a terminal",
    `start busybox sleep 100; run -d --name $N-b --pid container:$N -p 127.0.0.1::80 busybox sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /' > /dev/null
    at=$(podman port $N-b 80); soon curl -sf $at; curl -s $at; podman exec $N wget -q -O - http://127.0.0.1 2>&1
    terminal "podman --runtime $RT run --rm -it --network none --pid container:$N-b --cgroup-parent $PARENT --name $N-c busybox\n" '# ' 'test -t 0 && tty && echo y""es\n' 'yes' 'exit 4\n' 'host> ' 'echo "[$?]"\n' '\\[4\\]'`,
    "hello\nwget: can't connect to remote host (127.0.0.1): Connection refused\nseen\n",
  );
  like(
    "-it",
    `terminal "podman --runtime $RT run --rm -it --network none --cgroup-parent $PARENT --name $N busybox\\n" '# ' 'test -t 0 && echo y""es\\n' 'yes' 'exit 4\\n' 'host> ' 'echo "[$?]"\\n' '\\[4\\]'`,
    "seen\n",
  );
});

const USER = 4321;

/** The user exists in the space alone. */
const ADD_USER = `
mkdir -p user home
for f in passwd group subuid subgid; do touch /etc/$f; cp /etc/$f user/$f; done
echo "rootless:x:${USER}:${USER}::$PWD/home:/bin/sh" >> user/passwd
echo "rootless:x:${USER}:" >> user/group
echo "rootless:200000:65536" | tee user/subuid > user/subgid
for f in passwd group subuid subgid; do mount --bind user/$f /etc/$f; done
mkdir -p /run/user/${USER}
chown ${USER}:${USER} home /run/user/${USER}
chmod 755 .
`;

class RootlessPodman extends Engine {
  protected get preamble(): string {
    const { directory } = this.space;
    return `
cd ${directory}/home
podman() { setpriv --reuid ${USER} --regid ${USER} --clear-groups env -i HOME=$PWD USER=rootless XDG_RUNTIME_DIR=/run/user/${USER} PATH=$PATH CONTAINERS_CONF=$PWD/containers.conf podman "$@"; }
run() { podman --runtime $RT run --network none "$@"; }
start() { run -d --name $N "$@" > /dev/null; }
`;
  }
  protected readonly cleanup = REMOVE;

  protected async prepare(): Promise<void> {
    const { directory } = this.space;
    await this.space.must(`${ADD_USER}
mkdir -p moat/native/build moat/node_modules
cp ${join(root, "moat")} moat/moat
cp -r ${join(root, "dist")} moat/dist
cp ${join(root, "native/build/moat-launcher")} moat/native/build
cp -r ${join(root, "node_modules/@koromix")} moat/node_modules
cp ${process.execPath} moat/node
chmod -R a+rX moat
${containersConf(`${directory}/moat/moat`, `${directory}/home`).replace(/^network.*\n|^\[network\]\n/gm, "")}`);
    const { output } = await this.space.run(`RT=runc N=none\n${this.preamble}tar -C ../busybox -c . | podman import -c 'CMD sh' - busybox`);
    if (!output.includes("sha256:")) throw new Error(output);
  }
}

describeEngine("podman without root", ["podman", "conmon", "uidmap"], () => {
  const podman = new RootlessPodman();
  before(() => podman.start());
  after(() => podman.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(podman, name, script, expected);

  like("run and its status", "status run --rm busybox sh -c 'id -u; touch /x; stat -c %u /x; exit 3'", "0\n0\nstatus 3\n");
  like("a program that is not there", "status run --rm busybox nosuch 2>&1 | tail -n 1", "status 127\n");
  like(
    "exec and logs",
    "start busybox sh -c 'echo up; sleep 100'; status podman exec $N sh -c 'echo in; exit 5'; podman logs $N",
    "in\nstatus 5\nup\n",
  );
  like(
    "another user",
    "run --rm --user 7:8 busybox sh -c 'id; touch /tmp/x; stat -c %u:%g /tmp/x'",
    "uid=7(7) gid=8(8) groups=8(8)\n7:8\n",
  );
  like(
    "a volume's files belong to the user",
    "podman unshare mkdir -p $PWD/$N.v; run --rm -v $PWD/$N.v:/v busybox sh -c 'echo y > /v/b'; stat -c %u $N.v/b; cat $N.v/b",
    `${USER}\ny\n`,
  );
  like("stop", "start busybox sleep 100; podman stop -t 0 $N; podman inspect -f '{{.State.ExitCode}}' $N", "NAME\n137\n");
});
