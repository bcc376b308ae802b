/** Docker's daemon with --userns-remap: the containers' ids are others on the host. */
import { after, before } from "node:test";
import { describeEngine } from "../needs.ts";
import { Docker } from "./docker.ts";
import { same } from "./engine.ts";

class Remapped extends Docker {
  /** The daemon wants a user of /etc/passwd whose subordinate ids it can read; its directory is entered by others than root. */
  protected override async prepare(): Promise<void> {
    await this.space.must(`
      echo nobody:300000:65536 > subordinate; chmod 711 .
      mkdir etc etc-work; mount -t overlay -o lowerdir=/etc,upperdir=$PWD/etc,workdir=$PWD/etc-work overlay /etc; cp subordinate /etc/subuid; cp subordinate /etc/subgid`);
    await super.prepare();
  }
}

describeEngine("docker with --userns-remap", ["docker.io"], () => {
  const docker = new Remapped({ "userns-remap": "nobody:nogroup" });
  before(() => docker.start());
  after(() => docker.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);

  like(
    "ids inside and outside",
    `mkdir v$N; run --rm -v $PWD/v$N:/v busybox sh -c 'exec 2>&1; cat /proc/self/uid_map; id -u; stat -c %u:%g / /v /bin/sh /proc /dev; touch /v/x; touch /y; stat -c %u /y'
    chown 300000 v$N; run --rm -v $PWD/v$N:/v busybox sh -c 'touch /v/x; chown 5:6 /v/x; stat -c %u:%g /v/x'; stat -c %u:%g v$N/x`,
    `         0     300000      65536
0
0:0
65534:65534
0:0
65534:65534
0:0
touch: /v/x: Permission denied
0
5:6
300005:300006
`,
  );
  like(
    "a network, exec",
    `docker run --runtime $RT -d --name $N --hostname h busybox httpd -f -p 80 > /dev/null
    docker exec $N sh -c 'exec 2>&1; hostname; ip -4 -o addr show eth0 | wc -l; wget -qO- http://127.0.0.1; grep -e ^CapEff -e ^CapBnd /proc/self/status; whoami'
    docker exec -u 1000 $N id; docker stop -t 1 $N > /dev/null; field '{{.State.ExitCode}}' $N`,
    `h
1
wget: server returned error: HTTP/1.1 404 Not Found
CapEff:\t00000000a80425fb
CapBnd:\t00000000a80425fb
root
uid=1000(ann) gid=1000(ann) groups=55(extra),1000(ann)
137
`,
  );
  like(
    "--userns host, and what is forbidden",
    `run --rm --userns host busybox cat /proc/self/uid_map; run --rm --privileged busybox true 2>&1 | grep -o 'privileged mode is.*user namespaces'
    run --rm --read-only --tmpfs /t busybox sh -c 'exec 2>&1; touch /x; touch /t/x; mount -t tmpfs x /mnt; echo 1 > /proc/sys/kernel/msgmax; ls -ln /t/x | cut -c 1-30'`,
    `         0          0 4294967295
privileged mode is incompatible with user namespaces
touch: /x: Read-only file system
mount: permission denied (are you root?)
sh: can't create /proc/sys/kernel/msgmax: Read-only file system
-rw-r--r--    1 0        0    
`,
  );
  like(
    "a volume, cp, diff, commit, out of memory",
    `docker volume create $N > /dev/null
    run --name $N -m 64m -v $N:/vol -u ann busybox sh -c 'exec 2>&1; id -u; stat -c %u:%g /vol; touch /vol/a; head -c 3 /dev/zero > /tmp/f; tail /dev/zero'
    field '{{.State.OOMKilled}} {{.State.ExitCode}}' $N; docker cp $N:/tmp/f - | tar tvf - | cut -c 1-30; docker diff $N | sort
    docker commit $N $N > /dev/null; docker run --rm --runtime $RT $N stat -c %u:%g /tmp/f; docker rm $N > /dev/null; docker rmi $N > /dev/null; docker volume rm $N > /dev/null`,
    `1000
0:0
touch: /vol/a: Permission denied
true 137
-rw-r--r-- 301000/301000     3
A /tmp/f
A /vol
C /tmp
1000:1000
`,
  );
});
