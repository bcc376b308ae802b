/**
 * Many containers under Docker: some at once, which answer an exec each, and many in a row. Prints the times and what is
 * left behind. As root, with docker.io and busybox-static; the daemon runs in namespaces of its own.
 * Usage: node benchmarks/mass.mjs [--at-once N] [--in-a-row N]
 */
import { dockerInNamespaces, flagValue } from "./docker-space.mjs";

const atOnce = Number(flagValue("--at-once", "50"));
const inARow = Number(flagValue("--in-a-row", "500"));
const docker = await dockerInNamespaces({});

const LEFT = `
for p in /proc/[0-9]*; do case "$(cut -d' ' -f 4 $p/stat 2>/dev/null)" in "" | 0 | $$) ;; *) echo process ;; esac; done
cut -d' ' -f 5 /proc/self/mountinfo | grep -e "^$PLACE" -e ^/run | sed 's/.*/mount/'
find $PLACE/exec -path '*/runtime-*/*/*' | sed 's/.*/state/'
find /sys/fs/cgroup -mindepth 2 -path "*/$CGROUP/*" -type d | sed 's/.*/cgroup/'
for p in $(pgrep -x 'dockerd|containerd'); do ls /proc/$p/fd; done | sed 's/.*/fd/'
`;
const left = () => {
  const counts = { process: 0, mount: 0, state: 0, cgroup: 0, fd: 0 };
  for (const kind of docker.must(LEFT).trim().split("\n")) counts[kind]++;
  return counts;
};
/** Docker's rm is over before the shim is. */
const settled = async (before) => {
  for (let tries = 0; tries < 50 && left().process > before.process; tries++) await new Promise((resolve) => setTimeout(resolve, 200));
  return left();
};
const difference = (before, after) =>
  Object.keys(before)
    .map((kind) => `${after[kind] - before[kind]} ${kind}`)
    .join(", ");
const timed = (script) => {
  const started = process.hrtime.bigint();
  const text = docker.must(script);
  return { seconds: Number(process.hrtime.bigint() - started) / 1e9, text };
};
const all = (command) => `for i in $(seq ${atOnce}); do ${command} & done; wait`;

try {
  docker.must("docker run --rm --runtime=moat --network none busybox true");
  let before = left();
  const start = timed(all("docker run -d --runtime=moat --network none --name m$i busybox sleep 10000 > /dev/null"));
  const answers = timed(`${all("docker exec m$i echo $i")} | cat`);
  const memory = docker.must("grep -E 'MemAvailable' /proc/meminfo").trim();
  const end = timed(all("docker rm -f m$i > /dev/null"));
  const answered = new Set(answers.text.trim().split("\n")).size;
  console.log(`${atOnce} at once: started in ${start.seconds.toFixed(1)} s, ${answered} answered in ${answers.seconds.toFixed(1)} s`);
  console.log(`  removed in ${end.seconds.toFixed(1)} s; with all running ${memory}`);
  console.log(`  left: ${difference(before, await settled(before))}`);
  before = left();
  const row = timed(`for i in $(seq ${inARow}); do docker run --rm --runtime=moat --network none busybox echo $i; done | sort -u | wc -l`);
  console.log(`${inARow} in a row: ${row.text.trim()} answered, ${((row.seconds / inARow) * 1000).toFixed(0)} ms each`);
  console.log(`  left: ${difference(before, await settled(before))}`);
} finally {
  await docker.end();
}
