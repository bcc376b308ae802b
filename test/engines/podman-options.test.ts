/** What Podman's options ask of a runtime: devices, namespaces, sysctls, mounts, limits. */
import { after, before } from "node:test";
import { describeEngine } from "../needs.ts";
import { same } from "./engine.ts";
import { Podman } from "./podman.ts";

describeEngine("podman's options", ["podman", "conmon", "netavark", "aardvark-dns"], () => {
  const podman = new Podman();
  before(() => podman.start());
  after(() => podman.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(podman, name, script, expected);

  like(
    "--device",
    "run --rm --network none --device /dev/zero:/dev/other:r busybox sh -c 'exec 2>&1; stat -c %t:%T:%a /dev/other; head -c 3 /dev/other | wc -c; echo x > /dev/other'",
    /^1:5/,
  );
  like(
    "--security-opt",
    "run --rm --network none --security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt mask=/etc/group --security-opt unmask=/proc/kcore busybox sh -c 'grep -e NoNew -e Seccomp: /proc/self/status; wc -c < /etc/group; ls /proc/kcore'",
    /NoNew/,
  );
  like(
    "--ipc container",
    "start --ipc shareable --network none busybox sh -c 'echo a > /dev/shm/a; sleep 100'; soon podman exec $N ls /dev/shm/a; run --rm --network none --ipc container:$N busybox cat /dev/shm/a",
    "a\n",
  );
  like(
    "--ipc host, --ipc none",
    "run --rm --network none --ipc host busybox sh -c 'df /dev/shm > /dev/null && echo ok'; run --rm --network none --ipc none busybox sh -c 'exec 2>&1; ls -d /dev/shm; grep -c shm /proc/mounts'",
    /ok/,
  );
  like(
    "--uts host",
    'run --rm --network none --uts host busybox hostname | grep -cx "$(hostname)"; run --rm --network none --uts host busybox sh -c "hostname other 2>&1"',
    /^1\n/,
  );
  like(
    "--userns",
    "mkdir $N.v; run --rm --network none --uidmap 0:100000:5000 --gidmap 0:200000:5000 -v $PWD/$N.v:/d busybox sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map; stat -c %u /d /bin; touch /x; stat -c %u /x'",
    /^0\n/,
  );
  like(
    "--cgroupns",
    "for ns in private host; do run --rm --network none --cgroupns $ns busybox sh -c 'cut -d: -f2- /proc/self/cgroup | sort; grep -c cgroup /proc/mounts; ls /sys/fs/cgroup | sort'; done | sed 's/libpod.*//'",
    /memory/,
  );
  like(
    "--shm-size",
    'run --rm --network none --shm-size 3m busybox sh -c \'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2; grep /dev/shm /proc/mounts | cut -d" " -f2-4\'',
    /^3072/,
  );
  like(
    "--sysctl",
    "run --rm --network none --sysctl kernel.shmmax=12345678 --sysctl kernel.msgmax=4096 --sysctl fs.mqueue.msg_max=20 --sysctl net.ipv4.ip_unprivileged_port_start=10 busybox sh -c 'cd /proc/sys; cat kernel/shmmax kernel/msgmax fs/mqueue/msg_max net/ipv4/ip_unprivileged_port_start'",
    "12345678\n4096\n20\n10\n",
  );
  like(
    "--sysctl on a network",
    "run --rm --sysctl net.ipv4.ip_forward=1 --sysctl net.core.somaxconn=99 busybox cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/core/somaxconn",
    "1\n99\n",
  );
  like(
    "propagation",
    'mkdir -p $N.b/sub; mount --bind $N.b $N.b; mount --make-shared $N.b; for p in rprivate rslave private slave rshared unbindable; do run --rm --network none -v $PWD/$N.b:/b:$p busybox sh -c \'grep " /b " /proc/self/mountinfo | cut -d" " -f6-8 | tr -s 0-9 N | tr -s N\'; done 2>&1; umount -l $N.b',
    /rw/,
  );
  like(
    "--volumes-from",
    "mkdir $N.v; start --network none -v /v -v $PWD/$N.v:/ro:ro busybox sh -c 'echo a > /v/a; sleep 100'; soon podman exec $N ls /v/a; run --rm --network none --volumes-from $N busybox sh -c 'cat /v/a; echo b > /v/b; touch /ro/x 2>&1'; run --rm --network none --volumes-from $N:ro busybox sh -c 'touch /v/x 2>&1'; podman exec $N cat /v/b",
    /^a\n/,
  );
  like(
    "--oom-score-adj",
    "run --rm --network none --oom-score-adj 123 busybox cat /proc/self/oom_score_adj /proc/1/oom_score_adj",
    "123\n123\n",
  );
  like(
    "--cpuset-cpus",
    "run --rm --network none --cpuset-cpus 0 busybox sh -c 'nproc; grep Cpus_allowed_list /proc/self/status; cat /sys/fs/cgroup/cpuset/cpuset.cpus 2>/dev/null || cat /sys/fs/cgroup/cpuset.cpus'",
    /^1\n/,
  );
  like(
    "--systemd",
    'run --rm --network none --systemd always busybox sh -c \'grep -e " /run " -e " /tmp " -e /run/lock -e /var/log/journal -e systemd /proc/mounts | cut -d" " -f2-4 | cut -d, -f1-4; echo $container; ls -d /run/lock; touch /run/x && echo ok; mkdir /sys/fs/cgroup/systemd/x && rmdir /sys/fs/cgroup/systemd/x && echo made\' 2>&1',
    /run/,
  );
  like(
    "--read-only, --read-only-tmpfs=false",
    "run --rm --network none --read-only --read-only-tmpfs=false busybox sh -c 'for d in / /tmp /run /dev /dev/shm /var/tmp; do touch $d/x 2>&1 && echo $d; done'",
    /Read-only/,
  );
  like(
    "--rootfs",
    "cp -r busybox $N.r; run --rm --network none --rootfs $PWD/$N.r sh -c 'echo in; touch /new'; ls $N.r/new; run --rm --network none --rootfs $PWD/$N.r:O sh -c 'touch /new2; ls /new2'; ls $N.r/new2 2>&1 | tail -c 10",
    /in/,
  );
  like(
    "exec with options",
    "start --network none busybox sleep 100; podman exec -u ann -w /tmp -e A=1 --privileged $N sh -c 'id; pwd; echo $A; grep CapEff /proc/self/status'; podman exec -u 5:6 $N sh -c 'id; grep CapEff /proc/self/status'",
    /ann/,
  );
  like("--preserve-fds", "exec 3<<END\ntext\nEND\nrun --rm --network none --preserve-fds 1 busybox sh -c 'cat <&3'", "text\n");
  like(
    "diff and export",
    "start --network none busybox sh -c 'echo a > /a; rm /etc/group; sleep 100'; soon sh -c \"podman diff $N | grep -q group\"; podman diff $N | sort; podman export $N | tar t | grep -c -x -e a -e etc/group",
    /a/,
  );
  like(
    "run --replace, init, start -a",
    "podman --runtime $RT create --cgroup-parent $PARENT --network none --name $N busybox sh -c 'echo out; exit 4' > /dev/null; podman init $N > /dev/null; podman inspect -f '{{.State.Status}}' $N; status podman start -a $N",
    "initialized\nout\nstatus 4\n",
  );
  like(
    "passwd entry, hosts",
    "run --rm --network none --user 4242:4243 busybox sh -c 'id -u; tail -n 1 /etc/passwd; echo $HOME'; run --rm --network none --add-host h:1.2.3.4 --dns 9.9.9.9 busybox sh -c 'grep h$ /etc/hosts; cat /etc/resolv.conf' 2>&1",
    /4242/,
  );
  like(
    "--secret",
    "echo hush | podman secret create $N - > /dev/null; run --rm --network none --secret $N,mode=0400,uid=7 busybox sh -c 'cat /run/secrets/*; stat -c \"%a %u\" /run/secrets/*'; podman secret rm $N > /dev/null",
    "hush\n400 7\n",
  );
  like(
    "overlay volumes, U and z",
    "mkdir $N.v; echo a > $N.v/a; run --rm --network none -v $PWD/$N.v:/v:O busybox sh -c 'echo b > /v/b; ls /v'; ls $N.v; run --rm --network none -u 77 -v $PWD/$N.v:/v:U busybox sh -c 'stat -c %u /v/a; touch /v/c'; stat -c %u $N.v/c",
    /a/,
  );
});
