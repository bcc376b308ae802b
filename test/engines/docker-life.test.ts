/** docker start, stop, kill, exec, logs, cp and the like: a container from its start to its removal. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

describeEngine("a container's life in Docker", ["docker.io"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);

  like(
    "-d, wait, logs",
    "start busybox sh -c 'echo out; sleep 0.2; echo err >&2; exit 5'; docker wait $N; docker logs $N 2>&1",
    "5\nout\nerr\n",
  );
  like("logs --follow", "start busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.1; done'; docker logs -f $N", "1\n2\n3\n");
  like(
    "stop kills what ignores it",
    "start busybox sleep 100; docker stop -t 1 $N; field '{{.State.ExitCode}} {{.State.Status}} {{.State.OOMKilled}} {{.State.Error}}' $N",
    "NAME\n137 exited false \n",
  );
  like(
    "stop asks first",
    `start busybox sh -c 'trap "echo got; exit 9" TERM; echo up; while :; do sleep 0.1; done'; logged up; docker stop -t 20 $N; docker logs $N; field '{{.State.ExitCode}}' $N`,
    "NAME\nup\ngot\n9\n",
  );
  like(
    "--stop-signal",
    `start --stop-signal USR1 busybox sh -c 'trap "echo got; exit 9" USR1; echo up; while :; do sleep 0.1; done'; logged up; docker stop -t 20 $N; docker logs $N; field '{{.State.ExitCode}}' $N`,
    "NAME\nup\ngot\n9\n",
  );
  like(
    "kill",
    "start busybox sleep 100; docker kill $N; docker wait $N; field '{{.State.ExitCode}} {{.State.Running}}' $N",
    "NAME\n137\n137 false\n",
  );
  like(
    "kill --signal",
    `start busybox sh -c 'trap "echo hup" HUP; echo up; while :; do sleep 0.1; done'; logged up; docker kill -s HUP $N; logged hup; field '{{.State.Running}}' $N`,
    "NAME\ntrue\n",
  );
  like(
    "restart",
    "start busybox sh -c 'echo start >> /log; cat /log; sleep 100'; logged start; docker restart -t 0 $N; logged 'start.*' ; soon sh -c \"docker logs $N | wc -l | grep -q 3\"; docker logs $N; field '{{.State.Running}} {{.RestartCount}}' $N",
    "NAME\nstart\nstart\nstart\ntrue 0\n",
  );
  like(
    "a restart policy",
    "start --restart on-failure:2 busybox sh -c 'echo a; exit 1'; soon sh -c \"docker inspect -f '{{.RestartCount}} {{.State.Status}}' $N | grep -q '2 exited'\"; field '{{.State.ExitCode}}' $N; docker logs $N",
    "1\na\na\na\n",
  );
  like("rm --force of what runs", "start busybox sleep 100; docker rm -f $N; docker ps -aq --filter name=$N", "NAME\n");
  like("rm of what runs", "start busybox sleep 100; status docker rm $N 2>&1", /cannot remove a running container .*\nstatus 1\n$/);
  like(
    "create and start",
    "docker create --runtime=$RT --network none --name $N busybox echo hi > /dev/null; docker start -a $N; docker start -a $N",
    "hi\nhi\n",
  );
  like("attach", "start busybox sh -c 'sleep 0.7; echo late; exit 2'; status docker attach $N", "late\nstatus 2\n");
  like("exec and its status", "start busybox sleep 100; status docker exec $N sh -c 'echo hi; exit 3'", "hi\nstatus 3\n");
  like("exec with input", "start busybox sleep 100; echo in | docker exec -i $N cat", "in\n");
  like(
    "exec as another user, elsewhere",
    "start busybox sleep 100; docker exec -u 7:8 -w /tmp -e A=b $N sh -c 'id; pwd; echo $A'",
    "uid=7 gid=8 groups=8\n/tmp\nb\n",
  );
  like("exec of what is not there", "start busybox sleep 100; status docker exec $N nosuch 2>&1 | tail -n 1", "status 126\n");
  like("exec -d", "start busybox sleep 100; docker exec -d $N touch /f; soon docker exec $N ls /f; docker exec $N ls /f", "/f\n");
  like("exec killed", "start busybox sleep 100; status docker exec $N sh -c 'kill -9 $$'", "status 137\n");
  like(
    "exec in what has stopped",
    "start busybox true; docker wait $N; status docker exec $N true 2>&1",
    /^0\n.*is not running\nstatus 1\n$/,
  );
  like("exec sees the others", "start busybox sleep 100; docker exec $N sh -c 'cat /proc/1/cmdline' | tr '\\0' ' '", "sleep 100 ");
  like(
    "exec ends with its container",
    "start busybox sleep 100; (sleep 0.5; docker kill $N) & status docker exec $N sleep 50; wait",
    /status 137/,
  );

  like(
    "run -it",
    `terminal 'docker run --rm -it --runtime=$RT --network none --name $N busybox\\n' '/ # ' 'test -t 0 && tty\\n' '/dev/pts/0' 'size 31x99' 'host|#|^$' 'until stty size 2>/dev/null | grep "31 99"; do sleep 0.1; done\\n' '31 99\\n' 'x=o; sh -c "echo g$x; sleep 50"\\n' '\\ngo' '\\x03' '# ' 'exit 4\\n' 'host> ' 'echo "[$?]"\\n' '\\[4\\]'`,
    "seen\n",
  );
  like(
    "exec -it",
    `start busybox sleep 100; terminal "docker exec -it $N sh\\n" '/ # ' 'tty\\n' '/dev/pts/\\d' 'echo $TERM\\n' 'xterm' 'exit 6\\n' 'host> ' 'echo "[$?]"\\n' '\\[6\\]'`,
    "seen\n",
  );

  like("cp in", "start busybox sleep 100; echo data > $N.f; docker cp $N.f $N:/in; docker exec $N cat /in; rm $N.f", "data\n");
  like(
    "cp out",
    "start busybox sleep 100; docker exec $N sh -c 'echo out > /o'; docker cp $N:/o - | tar -xO; docker cp $N:/etc - | tar -t | grep passwd",
    "out\netc/passwd\n",
  );
  like(
    "commit and diff",
    "start busybox sh -c 'echo new > /new; rm /etc/group; echo up; sleep 100'; logged up; docker diff $N | sort; docker commit $N image$N > /dev/null; run --rm image$N cat /new; run --rm image$N ls /etc/group; docker rmi -f image$N >/dev/null",
    /A \/new\n.*D \/etc\/group\n.*new\nls: \/etc\/group: No such file or directory\n/s,
  );
  like("export", "start busybox sh -c 'echo new > /new; echo up; sleep 100'; logged up; docker export $N | tar -xO new", "new\n");
  like(
    "healthy",
    "start --health-cmd 'echo fine' --health-interval 0.3s busybox sleep 100; soon sh -c \"docker inspect -f '{{.State.Health.Status}}' $N | grep -q ^healthy\"; field '{{(index .State.Health.Log 0).Output}}{{(index .State.Health.Log 0).ExitCode}}' $N",
    "fine\n0\n",
  );
  like(
    "unhealthy",
    "start --health-cmd 'exit 1' --health-retries 2 --health-interval 0.3s busybox sleep 100; soon sh -c \"docker inspect -f '{{.State.Health.Status}}' $N | grep -q unhealthy\"; field '{{.State.Running}}' $N",
    "true\n",
  );
  like(
    "inspect",
    "start --hostname h -w /tmp -e A=b busybox sleep 100; field '{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.Restarting}} {{.State.Dead}} {{.State.ExitCode}} {{.Path}} {{.Args}} {{.Config.Hostname}} {{.Config.WorkingDir}} {{.Driver}} {{gt .State.Pid 1}}' $N",
    /^running true false false false 0 sleep \[100\] h \/tmp \w+ true\n$/,
  );
  like(
    "events",
    "since=$(date +%s); start busybox true; docker wait $N; docker events --since $since --until $(($(date +%s) + 1)) --filter container=$N --format '{{.Action}}'",
    "0\ncreate\nstart\ndie\n",
  );
});
