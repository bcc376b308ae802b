/** Limits, pause, update, stats, top: what Docker does to a container by way of its cgroup. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

/** Prints one value of the container's own cgroup, in either version's file. */
const CGROUP = `value() { for f in $1 $2; do cat /sys/fs/cgroup/$f 2>/dev/null && return; done; }\n`;

describeEngine("resources in Docker", ["docker.io"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);
  const inside = (script: string): string => `sh -c '${CGROUP}${script}'`;

  like(
    "out of memory",
    "status run --name $N -m 64m --memory-swap 64m busybox tail /dev/zero; field '{{.State.OOMKilled}} {{.State.ExitCode}}' $N",
    "status 137\ntrue 137\n",
  );
  like("--memory is seen", `run --rm -m 96m busybox ${inside("value memory/memory.limit_in_bytes memory.max")}`, "100663296\n");
  like("--cpus is seen", `run --rm --cpus 0.5 busybox ${inside("value cpu/cpu.cfs_quota_us cpu.max")}`, /^50000\b/);
  like(
    "--cpuset-cpus",
    "run --rm --cpuset-cpus 0 busybox sh -c 'nproc; grep Cpus_allowed_list /proc/self/status'",
    "1\nCpus_allowed_list:\t0\n",
  );
  like(
    "--pids-limit",
    "run --rm --pids-limit 10 busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done; wait' 2>&1 | tail -n 1",
    "sh: can't fork: Resource temporarily unavailable\n",
  );
  like(
    "pause and unpause",
    "start busybox sh -c 'while :; do echo x; sleep 0.05; done'; logged x; docker pause $N; field '{{.State.Status}} {{.State.Paused}}' $N; sleep 0.2; a=$(docker logs $N | wc -l); sleep 0.5; b=$(docker logs $N | wc -l); [ $a = $b ] && echo still; docker exec $N true; docker unpause $N; docker exec $N echo awake; field '{{.State.Status}}' $N",
    /^NAME\npaused true\nstill\n.*is paused, unpause.*\nNAME\nawake\nrunning\n$/,
  );
  like(
    "kill of what is paused",
    "start busybox sleep 100; docker pause $N; docker rm -f $N; docker ps -aq --filter name=$N",
    "NAME\nNAME\n",
  );
  like(
    "update",
    `start -m 64m busybox sleep 100; docker update -m 128m --memory-swap 128m --cpus 0.5 $N; field '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' $N; docker exec $N ${inside("value memory/memory.limit_in_bytes memory.max")}`,
    "NAME\n134217728 500000000\n134217728\n",
  );
  like(
    "stats",
    "start -m 100m busybox sleep 100; docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' $N | sed 's/ .*\\// /'; docker stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' $N | grep -vc '^0B\\| 0$'",
    "NAME  100MiB\n1\n",
  );
  like("top", "start busybox sleep 100; docker top $N | awk '{ print $1 }'", "UID\nroot\n");
  like(
    "--device",
    "run --rm --device /dev/zero:/dev/other busybox sh -c 'stat -c %t:%T /dev/other; head -c 3 /dev/other | wc -c'",
    "1:5\n3\n",
  );
  like("--shm-size", "run --rm --shm-size 1m busybox df -k /dev/shm | awk 'END { print $2 }'", "1024\n");
});
