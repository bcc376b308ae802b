/** Docker's services (a swarm of one node) and compositions: what has no flag for a runtime runs on the daemon's default one. */
import { before } from "node:test";
import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

/** The daemon reads it anew while it runs. */
const DEFAULT_RUNTIME = `
sed -i 's/^{\\("default-runtime":"[a-z]*",\\)\\?/{"default-runtime":"'$RT'",/' daemon.json
kill -HUP $(cat docker.pid); soon sh -c "docker info -f '{{.DefaultRuntime}}' | grep -qx $RT"
`;

const COMPOSITION = `
cat > compose.yaml <<END
version: "2.4"
services:
  web:
    image: busybox
    command: sh -c 'cp /conf/page /www/index.html; exec httpd -f -p 80 -h /www'
    volumes: ["pages:/www", "./conf:/conf:ro"]
    networks: {front: {aliases: [site]}}
    healthcheck: {test: "wget -qO- http://127.0.0.1", interval: 1s, retries: 20}
    stop_grace_period: 1s
  reader:
    build: .
    command: sh -c 'wget -qO- http://site; wget -qO- http://web; cat /www/index.html; echo \\$\\$WHO; id -u'
    environment: {WHO: composed}
    user: "1000"
    volumes: ["pages:/www:ro"]
    networks: [front]
    mem_limit: 64m
    depends_on: {web: {condition: service_healthy}}
networks: {front: {}}
volumes: {pages: {}}
END
mkdir -p conf; echo page > conf/page; printf 'FROM busybox\\nRUN mkdir /www && echo built > /built\\n' > Dockerfile
`;

describeEngine("docker without --runtime", ["docker.io", "docker-compose"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, DEFAULT_RUNTIME + script, expected);
  before(async () => {
    // A swarm wants an address; no other host is ever spoken to.
    await docker.space.must(
      "ip link add eth0 type veth peer name eth1; ip addr add 10.99.1.1/24 dev eth0; ip link set eth0 up; ip link set eth1 up; docker swarm init --advertise-addr 10.99.1.1",
    );
  });

  like(
    "a service of a swarm",
    `
printf geheim | docker secret create s$N - > /dev/null; echo conf | docker config create c$N - > /dev/null
docker service create -d --no-resolve-image --name $N --network host --replicas 2 --secret s$N --config source=c$N,target=/etc/c \
  --env A={{.Task.Slot}} --limit-memory 50M --limit-cpu 0.5 --health-cmd 'test -e /tmp' --health-interval 1s --stop-grace-period 2s \
  busybox sh -c 'echo up $A; cat /run/secrets/* /etc/c; trap "exit 0" TERM; while :; do sleep 0.1; done' > /dev/null
soon sh -c 'docker service ls | grep -q 2/2'; docker service logs --raw $N 2>&1 | sort
docker ps --filter name=$N -q | xargs docker inspect -f '{{.HostConfig.Runtime}} {{.State.Health.Status}} {{.HostConfig.Memory}}' | sed "s/^$RT/RT/"
docker kill $(docker ps -q --filter name=$N | head -n 1) > /dev/null
soon sh -c "docker service ps $N | grep -q Failed"; soon sh -c 'docker service ls | grep -q 2/2'; docker service ps --format '{{.Error}}' $N | sort -u
docker service scale -d $N=1 > /dev/null; soon sh -c 'docker service ls | grep -q 1/1'
docker service update -d --env-add B=2 $N > /dev/null
soon sh -c "docker ps -q --filter name=$N | xargs docker inspect -f '{{.Config.Env}}' | grep -q B=2"
docker service rm $N > /dev/null; soon sh -c '[ -z "$(docker ps -q --filter name='$N')" ]'; docker secret rm s$N > /dev/null; docker config rm c$N > /dev/null`,
    `geheimconf
geheimconf
up 1
up 2
RT healthy 52428800
RT healthy 52428800

"task: non-zero exit (137)"
`,
  );
  like(
    "a composition",
    `mkdir $N; cd $N; ${COMPOSITION}
export DOCKER_BUILDKIT=0 COMPOSE_HTTP_TIMEOUT=50; compose() { docker-compose -f compose.yaml -p $N "$@"; }
compose up -d > up.log 2>&1 || tail -n 5 up.log; soon sh -c 'docker ps -a | grep '$N'.reader | grep -q Exited'; compose logs --no-color --no-log-prefix reader | grep -v Attaching
compose exec -T web sh -c 'hostname -i | wc -w; ls /www'; compose run --rm reader cat /built 2> /dev/null; compose ps -q | xargs docker inspect -f '{{.HostConfig.Runtime}} {{.State.Status}}' | sed "s/^$RT/RT/" | sort
compose restart -t 0 web > /dev/null 2>&1; soon sh -c 'docker ps | grep '$N'.web | grep -q "(healthy)"'; compose up -d --scale web=2 > up.log 2>&1; compose ps -q web | wc -l
compose down -v -t 0 --rmi local > /dev/null 2>&1; docker ps -aq --filter name=$N; docker volume ls -q; cd ..`,
    `page
page
page
composed
1000
1
index.html
built
RT exited
RT running
2
`,
  );
});
