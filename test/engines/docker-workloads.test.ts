/** What people run in containers: databases, servers, interpreters, a shell; from a Debian image. */
import { execFileSync } from "node:child_process";
import { before } from "node:test";
import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

const IMAGE_TIMEOUT_MS = 10 * 60_000;

/** Built where it is not there yet. */
const debianTar = (): string => execFileSync(process.execPath, ["test/engines/prepare.mjs"], { encoding: "utf8" }).trim();

describeEngine("programs in Docker", ["docker.io", "debootstrap"], () => {
  const docker = withDocker();
  before(() => docker.space.must(`docker import ${debianTar()} debian`, {}, IMAGE_TIMEOUT_MS), { timeout: IMAGE_TIMEOUT_MS });
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);

  like(
    "a shell and its tools",
    'run --rm debian bash -c \'for i in {1..5}; do echo $((i*i)); done | paste -sd+; find /usr/bin -name "*sh" | wc -l; awk "BEGIN { print 6*7 }"; cut -d. -f 1 /etc/debian_version; printf "b\\na\\n" | sort | tr "\\n" " "\'',
    /^1\+4\+9\+16\+25\n\d+\n42\n\d+\na b $/,
  );
  like(
    "dpkg",
    "run --rm debian sh -c 'dpkg -s bash | grep Status; dpkg --verify bash | grep -v ^missing; apt-config shell x Dir | head -n 1'",
    "Status: install ok installed\nx='/'\n",
  );
  like(
    "python",
    'run --rm debian python3 -c \'import json,sqlite3,ssl,asyncio,subprocess; print(json.dumps({"a": [1, 2]}), subprocess.check_output(["uname", "-s"]).decode(), sum(range(10**6)))\'',
    '{"a": [1, 2]} Linux\n 499999500000\n',
  );
  like(
    "python's threads and processes",
    "run --rm debian python3 -c 'import threading, multiprocessing as m; r=[]; t=[threading.Thread(target=r.append, args=(i,)) for i in range(20)]; [x.start() for x in t]; [x.join() for x in t]; print(sorted(r) == list(range(20)), m.Pool(3).map(abs, range(-4, 0)))'",
    "True [4, 3, 2, 1]\n",
  );
  like(
    "node",
    'run --rm debian node -e \'const http = require("http"); const s = http.createServer((q, r) => r.end("hi " + q.url)).listen(0, () => http.get({ port: s.address().port, path: "/x" }, (r) => r.on("data", (d) => { console.log("" + d); s.close(); })))\'',
    "hi /x\n",
  );
  like(
    "redis",
    `start debian redis-server --save ""; soon docker exec $N redis-cli ping; docker exec $N redis-cli set a 5; docker exec $N redis-cli incr a
    docker exec $N redis-benchmark -q -n 2000 -t set,get -P 10 | tr '\\r' '\\n' | grep -c 'requests per second'; docker stop $N; field '{{.State.ExitCode}}' $N; docker logs $N | grep -c 'bye bye'`,
    "OK\n6\n2\nNAME\n0\n1\n",
  );
  like(
    "nginx behind a published port",
    `docker run -d --name $N --runtime $RT -p 127.0.0.1::80 debian nginx -g 'daemon off;' > /dev/null; at=$(docker port $N 80); soon curl -sf $at
    curl -s $at | grep -o '<title>.*</title>'; curl -s -o /dev/null -w '%{http_code}\\n' $at/nosuch; docker exec $N nginx -s reload 2>/dev/null; sleep 0.3
    curl -s -o /dev/null -w '%{http_code}\\n' $at; docker stop $N; field '{{.State.ExitCode}}' $N`,
    "<title>Welcome to nginx!</title>\n404\n200\nNAME\n0\n",
  );
  like(
    "postgres",
    `start -u postgres debian sh -c '/usr/lib/postgresql/*/bin/initdb -D /tmp/pg -A trust > /tmp/log && exec /usr/lib/postgresql/*/bin/postgres -D /tmp/pg -k /tmp'
    for i in $(seq 150); do docker exec $N pg_isready -h /tmp -q && break; sleep 0.2; done
    docker exec $N psql -h /tmp -U postgres -Atc 'create table t as select generate_series(1, 1000) i; select count(*), sum(i) from t;'
    docker stop $N; field '{{.State.ExitCode}}' $N; docker logs $N 2>&1 | grep -c 'database system is shut down'`,
    "SELECT 1000\n1000|500500\nNAME\n0\n1\n",
  );
  like(
    "curl from container to container by name",
    `docker network create $N-net > /dev/null; docker run -d --name $N-web --network $N-net --runtime $RT debian python3 -m http.server 80 > /dev/null
    docker run --rm --network $N-net --runtime $RT debian sh -c 'for i in $(seq 100); do curl -sf -o /dev/null http://$0-web && break; sleep 0.1; done; curl -s http://$0-web/etc/hostname | wc -c' $N; docker rm -f $N-web > /dev/null; docker network rm $N-net > /dev/null`,
    "13\n",
  );
});
