/** Options of docker run and exec, and what Docker does with a container's files and life, that the other files have not. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

describeEngine("docker's options", ["docker.io"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);

  like(
    "--ipc",
    `run --rm --ipc none busybox sh -c 'ls -d /dev/shm 2>&1; mount | grep -c shm'
    start --ipc shareable busybox sleep 100; docker exec $N sh -c 'echo a > /dev/shm/f'; run --rm --ipc container:$N busybox cat /dev/shm/f`,
    "ls: /dev/shm: No such file or directory\n0\na\n",
  );
  like(
    "--shm-size",
    "run --rm --shm-size 3m busybox sh -c 'df -k /dev/shm | tail -n 1; mount | grep -o shm.*'",
    /^shm +3072 .*\nshm on \/dev\/shm type tmpfs \(rw,nosuid,nodev,noexec,relatime,size=3072k\)\n$/,
  );
  like("--uts host", `[ "$(run --rm --uts host busybox hostname)" = "$(hostname)" ] && echo same`, "same\n");
  like("--domainname", "run --rm --hostname a --domainname b.c busybox sh -c 'hostname; cat /proc/sys/kernel/domainname'", "a\nb.c\n");
  like("--cgroupns private", "run --rm --cgroupns private busybox cat /proc/self/cgroup | cut -d: -f3 | sort -u", "/\n");
  like("--cidfile", "run --cidfile $N.cid --rm busybox true; wc -c < $N.cid; rm $N.cid", "64\n");
  like("--entrypoint", "run --rm --entrypoint /bin/echo busybox a b; run --rm --entrypoint '' busybox echo c", "a b\nc\n");
  like("--oom-score-adj", "run --rm --oom-score-adj 500 busybox cat /proc/self/oom_score_adj /proc/1/oom_score_adj", "500\n500\n");
  like(
    "--group-add",
    "run --rm --group-add extra --group-add 999 -u ann busybox id",
    "uid=1000(ann) gid=1000(ann) groups=55(extra),999,1000(ann)\n",
  );
  like(
    "--ulimit of several kinds",
    `run --rm --ulimit nproc=200:300 --ulimit fsize=8192 --ulimit stack=1000000:2000000 --ulimit memlock=65536 busybox sh -c '
    for limit in u f s l; do ulimit -$limit; done; head -c 10000 /dev/zero > /f 2> /dev/null; stat -c %s /f'`,
    "200\n16\n976\n64\n8192\n",
  );
  like(
    "--tmpfs with its options",
    `run --rm --tmpfs /t:rw,noexec,nosuid,nodev,size=1m,uid=5,gid=6,mode=700,nr_inodes=10 --tmpfs /x:exec busybox sh -c 'exec 2>&1
    mount | grep " /t "; stat -c "%a %u %g" /t; printf "#!/bin/sh\\necho ran\\n" | tee /t/s > /x/s; chmod +x /t/s /x/s; /t/s; /x/s
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do touch /t/$i; done'`,
    `tmpfs on /t type tmpfs (rw,nosuid,nodev,noexec,relatime,size=1024k,nr_inodes=10,mode=700,uid=5,gid=6)
700 5 6
sh: /t/s: Permission denied
ran
touch: /t/9: No space left on device
touch: /t/10: No space left on device
touch: /t/11: No space left on device
touch: /t/12: No space left on device
`,
  );
  like(
    "--device, with a rule",
    "run --rm --device-cgroup-rule 'c 1:3 rwm' --device /dev/zero:/dev/z:r busybox sh -c 'stat -c %F /dev/z; head -c 2 /dev/z | wc -c'",
    "character special file\n2\n",
  );
  like(
    "--volumes-from",
    `mkdir $N.v; start -v $PWD/$N.v:/v -v /anon busybox sh -c 'echo 1 > /v/x; echo 2 > /anon/y; sleep 100'; soon docker exec $N test -s /anon/y
    run --rm --volumes-from $N:ro busybox sh -c 'exec 2>&1; cat /v/x /anon/y; touch /v/z'; rm -r $N.v`,
    "1\n2\ntouch: /v/z: Read-only file system\n",
  );
  like(
    "a volume begins with the image's files",
    "docker volume create $N > /dev/null; run --rm -v $N:/etc busybox ls /etc/group /etc/passwd; docker volume rm $N > /dev/null",
    "/etc/group\n/etc/passwd\n",
  );
  like(
    "a file is bound",
    `echo f > $N.f; run --rm -v $PWD/$N.f:/etc/new busybox sh -c 'cat /etc/new; echo g >> /etc/new'; run --rm -v $PWD/$N.f:/x/y/z:ro busybox cat /x/y/z; rm $N.f`,
    "f\nf\ng\n",
  );

  like(
    "--stop-signal and --stop-timeout",
    `start --stop-signal USR1 --stop-timeout 60 busybox sh -c 'trap "echo got; exit 9" USR1; echo up; while :; do sleep 0.05; done'
    logged up; docker stop $N > /dev/null; docker wait $N; docker logs $N; field '{{.Config.StopSignal}} {{.Config.StopTimeout}}' $N
    run -d --name $N-b --stop-timeout 1 busybox sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done' > /dev/null
    soon sh -c "docker logs $N-b | grep -q up"; docker stop $N-b > /dev/null; field '{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}' $N-b`,
    "9\nup\ngot\nUSR1 60\nfalse 137 exited\n",
  );
  like(
    "docker kill's signals",
    `start busybox sh -c 'trap "echo u1" USR1; trap "echo rt" 35; trap "echo w" WINCH; echo up; while :; do sleep 0.05; done'; logged up
    for signal in USR1:u1 35:rt WINCH:w; do docker kill -s \${signal%:*} $N > /dev/null; logged \${signal#*:}; done; docker logs $N`,
    "up\nu1\nrt\nw\n",
  );
  like(
    "docker wait for two",
    "start busybox sh -c 'exit 3'; run -d --name $N-2 busybox sh -c 'exit 4' > /dev/null; docker wait $N $N-2",
    "3\n4\n",
  );
  like(
    "docker rename",
    "start busybox sleep 100; docker rename $N $N-x; docker exec $N-x echo in; docker ps --filter name=$N-x --format '{{.Names}}'",
    "in\nNAME-x\n",
  );
  like(
    "log drivers",
    `start --log-opt max-size=1k --log-opt max-file=2 busybox sh -c 'i=0; while [ $i -lt 50 ]; do echo line $i; i=$((i+1)); done'
    docker wait $N; docker logs --tail 2 $N; run -d --name $N-n --log-driver none busybox echo hi > /dev/null; docker wait $N-n; docker logs $N-n 2>&1
    run -d --name $N-l --log-driver local busybox sh -c 'echo a; echo b >&2' > /dev/null; docker wait $N-l; docker logs $N-l 2> /dev/null`,
    "0\nline 48\nline 49\n0\nError response from daemon: configured logging driver does not support reading\n0\na\n",
  );
  like(
    "files outlive a restart",
    `start busybox sh -c 'echo x >> /f; cat /f; echo done; exec sleep 100'; logged done; docker restart -t 0 $N > /dev/null
    soon sh -c "test \\$(docker logs $N | grep -c done) = 2"; docker logs $N`,
    "x\ndone\nx\nx\ndone\n",
  );

  like(
    "docker exec's options",
    `start -e A=1 busybox sleep 100; echo 'X=y z' > $N.e; docker exec -w /tmp -e B=2 --env-file $N.e -u 5:6 $N sh -c 'pwd; echo $A$B $X; id -u; id -g'; rm $N.e
    docker exec -u ann $N sh -c 'id; echo $HOME'; docker exec -d $N sh -c 'echo d > /d'; soon docker exec $N test -s /d; status docker exec $N sh -c 'exit 9'
    status docker exec $N nosuch 2>&1 | grep -o 'executable file not found.*\\|status.*'; status docker exec $N sh -c 'kill -9 $$'`,
    "/tmp\n12 y z\n5\n6\nuid=1000(ann) gid=1000(ann) groups=55(extra),1000(ann)\n/home/ann\nstatus 9\nexecutable file not found in $PATH: unknown\nstatus 126\nstatus 137\n",
  );
  like(
    "docker cp keeps modes and links",
    `start busybox sh -c 'mkdir -p /d/e; echo x > /d/e/f; chmod 640 /d/e/f; ln -s f /d/e/l; sleep 100'; soon docker exec $N test -L /d/e/l
    docker cp $N:/d $N.d; stat -c '%a %F' $N.d/e/f; readlink $N.d/e/l; docker cp $N.d/e/f $N:/new; docker exec $N stat -c '%a %u %g' /new; rm -r $N.d
    docker create --name $N-c --runtime=$RT -v /vol busybox cat /vol/a /b > /dev/null; echo 1 > $N.f; docker cp $N.f $N-c:/vol/a 2> /dev/null; docker cp $N.f $N-c:/b 2> /dev/null; docker start -a $N-c; rm $N.f`,
    "640 regular file\nf\n640 0 0\n1\n1\n",
  );
  like(
    "docker commit with changes",
    `start busybox sh -c 'rm /bin/wget; echo c > /c; sleep 100'; soon docker exec $N test -s /c
    docker commit -c 'CMD ["cat","/c"]' -c 'ENV E=1' -p $N $N:img > /dev/null; run --rm $N:img; run --rm $N:img sh -c 'echo $E; ls /bin/wget 2>&1'; docker rmi $N:img > /dev/null`,
    "c\n1\nls: /bin/wget: No such file or directory\n",
  );
  like(
    "docker diff and export",
    `start busybox sh -c 'echo c > /etc/c; rm /bin/wget; mkdir /z; chmod 700 /tmp; mkfifo /p; ln /etc/c /h; mv /bin/vi /bin/vj; sleep 100'; soon docker exec $N test -L /bin/vj -o -f /bin/vj
    docker diff $N | sort; docker export $N | tar tv | grep -E ' (p|h|z/|etc/c)( |$)' | cut -c1-10 | sort`,
    "A /bin/vj\nA /etc/c\nA /h\nA /p\nA /z\nC /bin\nC /etc\nC /tmp\nD /bin/vi\nD /bin/wget\n-rw-r--r--\ndrwxr-xr-x\nhrw-r--r--\nprw-r--r--\n",
  );
  like(
    "restart policies",
    `start --restart on-failure:2 busybox sh -c 'echo r; exit 3'; soon sh -c "docker inspect -f '{{.RestartCount}} {{.State.Status}}' $N | grep -q '2 exited'"
    docker logs $N; field '{{.RestartCount}} {{.State.ExitCode}}' $N`,
    "r\nr\nr\n2 3\n",
  );
});
