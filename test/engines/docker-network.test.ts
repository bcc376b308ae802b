/** Docker's networks: bridge, ports, names, a network that containers share. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

const SERVER = "sh -c 'echo hello > /index.html; exec httpd -f -p 80 -h /'";

describeEngine("networks of Docker", ["docker.io", "iptables", "curl"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void =>
    same(docker, name, `run() { docker run --runtime="$RT" "$@"; }\n${script}`, expected);

  like(
    "none is a loopback alone",
    "run --rm --network none busybox sh -c 'ip -o link | cut -d: -f 2; ip route; ping -c 1 127.0.0.1 | grep -c from'",
    " lo\n1\n",
  );
  like(
    "bridge",
    "run --rm busybox sh -c 'ip -o -4 addr show eth0 | grep -o \"inet [0-9.]*/16\" | cut -d. -f 1,2; ip route | grep default; ping -c 1 172.17.0.1 | grep -c from'",
    "inet 172.17\ndefault via 172.17.0.1 dev eth0 \n1\n",
  );
  like("host", "run --rm --network host busybox ip -o link | grep -c ' docker0:'", "1\n");
  like("a published port", `start -p 127.0.0.1::80 busybox ${SERVER}; at=$(docker port $N 80); soon curl -sf $at; curl -s $at`, "hello\n");
  like(
    "the container's own address",
    `start busybox ${SERVER}; at=$(field '{{.NetworkSettings.IPAddress}}' $N); soon curl -sf $at; curl -s $at; curl -s -o /dev/null -w '%{http_code}\\n' $at/nosuch`,
    "hello\n404\n",
  );
  like(
    "names on a user's network",
    `docker network create $N-net > /dev/null; start --network $N-net --network-alias web busybox ${SERVER}
    run --rm --network $N-net busybox sh -c 'for i in $(seq 100); do wget -q -O /dev/null http://web && break; sleep 0.1; done; wget -q -O - http://web; wget -q -O - http://$0; grep nameserver /etc/resolv.conf' $N
    docker rm -f $N > /dev/null; docker network rm $N-net > /dev/null`,
    "hello\nhello\nnameserver 127.0.0.11\n",
  );
  like(
    "a container in another one's network",
    `start busybox ${SERVER}; soon docker exec $N wget -q -O - http://127.0.0.1; run --rm --network container:$N busybox wget -q -O - http://127.0.0.1`,
    "hello\n",
  );
  like(
    "a network that is connected later",
    "start busybox sleep 100; docker network create $N-net > /dev/null; docker network connect $N-net $N; docker exec $N ip -o -4 addr | grep -c eth; docker rm -f $N > /dev/null; docker network rm $N-net > /dev/null",
    "2\n",
  );
  like(
    "inspect",
    "start busybox sleep 100; field '{{.NetworkSettings.Gateway}} {{.NetworkSettings.IPPrefixLen}} {{len .NetworkSettings.Networks}}' $N",
    "172.17.0.1 16 1\n",
  );
});
