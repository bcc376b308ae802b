/** docker run: what a container is given, and what comes out of it. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

describeEngine("docker run", ["docker.io"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);

  like("exit status", "status run --rm busybox sh -c 'exit 7'", "status 7\n");
  like("standard error is apart", "run --rm busybox sh -c 'echo out; echo err >&2' 2>/dev/null", "out\n");
  like("a program that is not there", "status run --rm busybox nosuch 2>&1 | tail -n 1", "status 127\n");
  like("a program that cannot be executed", "status run --rm busybox /etc 2>&1 | tail -n 1", "status 126\n");
  like("a flag that Docker does not know", "status run --nosuch busybox true 2>/dev/null", "status 125\n");
  like("a signal's exit status", "status run --rm busybox sh -c 'sleep 100 & kill -TERM $!; wait $!' 2>/dev/null", "status 143\n");
  like("standard input", "echo hello | run --rm -i busybox cat", "hello\n");
  like("3 MB in", "head -c 3000000 /dev/zero | run --rm -i busybox wc -c", "3000000\n");
  like("5 MB out", "run --rm busybox head -c 5000000 /dev/zero | wc -c", "5000000\n");

  like("working directory", "run --rm -w /a/b busybox pwd", "/a/b\n");
  like(
    "host name",
    "run --rm --hostname a.b busybox sh -c 'hostname; uname -n; cat /etc/hostname; tail -n 1 /etc/hosts'",
    /^a\.b\na\.b\na\.b\n/,
  );
  like(
    "environment",
    "printf 'A=1\\nB=two words\\n' > $N.env; run --rm --hostname h --env-file $N.env -e C=3 busybox env",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOSTNAME=h\nA=1\nB=two words\nC=3\nHOME=/root\n",
  );
  like("user by number", "run --rm -u 7:8 --group-add 55 busybox id", "uid=7 gid=8 groups=8,55(extra)\n");
  like(
    "user by name",
    "run --rm -u ann busybox sh -c 'id; echo $HOME'",
    "uid=1000(ann) gid=1000(ann) groups=55(extra),1000(ann)\n/home/ann\n",
  );
  like(
    "a user that is not there",
    "status run --rm -u nosuch busybox id 2>&1 | grep -v context",
    /unable to find user nosuch.*\nstatus 125/,
  );
  like("no new privileges", "run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n");

  like(
    "--read-only",
    "run --rm --read-only --tmpfs /t busybox sh -c 'exec 2>&1; touch /x; touch /t/x && ls /t'",
    "touch: /x: Read-only file system\nx\n",
  );
  like(
    "--tmpfs",
    "run --rm --tmpfs /t:size=64k,mode=1770,uid=5 busybox sh -c 'exec 2>&1; stat -c \"%a %u\" /t; dd if=/dev/zero of=/t/f bs=4k count=40 2>&1 | head -n 1; stat -c %s /t/f'",
    "1770 5\ndd: error writing '/t/f': No space left on device\n65536\n",
  );
  like(
    "a volume is shared",
    "mkdir $N.v; echo x > $N.v/a; run --rm -v $PWD/$N.v:/v busybox sh -c 'cat /v/a; echo y > /v/b'; cat $N.v/b; rm -r $N.v",
    "x\ny\n",
  );
  like(
    "a read-only volume",
    "mkdir $N.v; echo x > $N.v/a; run --rm -v $PWD/$N.v:/v:ro busybox sh -c 'exec 2>&1; cat /v/a; echo y > /v/b'; rm -r $N.v",
    "x\nsh: can't create /v/b: Read-only file system\n",
  );
  like(
    "a named volume",
    "run --rm -v $N:/v busybox sh -c 'echo y > /v/b'; run --rm -v $N:/v busybox cat /v/b; docker volume rm $N >/dev/null",
    "y\n",
  );
  like(
    "--mount",
    "mkdir $N.v; run --rm --mount type=tmpfs,dst=/q,tmpfs-size=1000000 --mount type=bind,src=$PWD/$N.v,dst=/v,readonly busybox sh -c 'exec 2>&1; df -k /q | tail -n 1; touch /v/x'; rm -r $N.v",
    /^tmpfs +980 .*\ntouch: \/v\/x: Read-only file system\n$/,
  );

  like(
    "--cap-drop ALL",
    "run --rm --cap-drop ALL busybox sh -c 'grep Cap /proc/self/status; chown 1 /bin/busybox 2>&1'",
    /^(Cap...:\t0{16}\n){5}chown: .*Operation not permitted\n$/,
  );
  like(
    "--cap-add",
    "run --rm --cap-drop ALL --cap-add CHOWN --cap-add NET_ADMIN busybox grep CapEff /proc/self/status",
    "CapEff:\t0000000000001001\n",
  );
  like(
    "a sysctl that is not there",
    "status run --rm --sysctl net.ipv4.nosuch=1 busybox true 2>&1 | grep -o 'open /proc.*directory\\|^status.*'",
    "open /proc/sys/net/ipv4/nosuch: no such file or directory\nstatus 127\n",
  );
  like("--ulimit", "run --rm --ulimit nofile=100:200 --ulimit core=0 busybox sh -c 'ulimit -n; ulimit -Hn; ulimit -c'", "100\n200\n0\n");
  like("--init", "status run --rm --init busybox sh -c 'cat /proc/1/comm; exit 3'", "docker-init\nstatus 3\n");
  // A signal that comes before docker-init has set itself up is lost on any runtime.
  like(
    "--init forwards signals",
    `start --init busybox sleep 100; soon sh -c "docker top $N | grep -v init | grep -q 'sleep 100'"; docker kill -s TERM $N >/dev/null; docker wait $N`,
    "143\n",
  );
  like(
    "--pid container",
    `start busybox sleep 100; status run --rm --pid container:$N busybox sh -c 'ps -o args | grep -v -e ps -e COMMAND; kill -0 1 && echo there; exit 7'
    run -d --name $N-b --pid container:$N busybox sh -c 'trap "echo term; exit 3" TERM; echo up; while :; do sleep 0.05; done' > /dev/null
    soon sh -c "docker logs $N-b | grep -q up"; docker exec $N-b cat /proc/1/comm; docker stop -t 20 $N-b > /dev/null; docker wait $N-b; docker logs $N-b
    docker start $N-b > /dev/null; docker kill $N-b > /dev/null; docker wait $N-b; soon sh -c "! docker exec $N pgrep sh"; docker exec $N ps -o args | grep -c -e echo -e up`,
    "sleep 100\nthere\nstatus 7\nsleep\n3\nup\nterm\n137\n0\n",
  );
  like(
    "the end of --pid container's first",
    "start busybox sleep 100; run -d --name $N-b --pid container:$N busybox sleep 60 > /dev/null; docker kill $N > /dev/null; docker wait $N-b",
    "137\n",
  );
  like("--pid host", "run --rm --pid host busybox echo ok", "ok\n");
  like("seccomp=unconfined", "run --rm --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status", "Seccomp:\t0\n");
});
