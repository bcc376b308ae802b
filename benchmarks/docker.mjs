/**
 * create + start + delete of busybox `true` under Docker, by runc, Moat and, where RUNSC or PATH has it, runsc; taking turns
 * in one daemon, which runs in namespaces of its own and leaves nothing. As root, with docker.io and busybox-static.
 * Usage: node benchmarks/docker.mjs [--rounds N] [--markdown]
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dockerInNamespaces, flagValue } from "./docker-space.mjs";

const rounds = Number(flagValue("--rounds", "15"));
const runsc = process.env.RUNSC ?? spawnSync("sh", ["-c", "command -v runsc"], { encoding: "utf8" }).stdout.trim();
const others = existsSync(runsc)
  ? { runsc: { path: runsc, runtimeArgs: ["--platform=systrap", "--network=none", "--ignore-cgroups"] } }
  : {};
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Timed inside: nsenter and the shell are not the engine's. */
const ONCE = `a=$(date +%s%N); id=$(docker create --runtime=$RT --network none busybox true) && b=$(date +%s%N) &&
docker start -a $id && c=$(date +%s%N) && docker rm $id > /dev/null && d=$(date +%s%N) && echo $((b - a)) $((c - b)) $((d - c))`;

const docker = await dockerInNamespaces(others);
try {
  const samples = { runc: [], ...Object.fromEntries(["moat", ...Object.keys(others)].map((name) => [name, []])) };
  for (let round = -1; round < rounds; round++) {
    for (const [name, times] of Object.entries(samples)) {
      const parts = docker
        .must(`RT=${name}; ${ONCE}`)
        .trim()
        .split(" ")
        .map((ns) => Number(ns) / 1e6);
      // The first one of each warms up.
      if (round >= 0) times.push([...parts, parts[0] + parts[1] + parts[2]]);
    }
  }
  const reference = median((samples.runsc ?? samples.runc).map((parts) => parts[3]));
  const rows = Object.entries(samples).map(([name, times]) => {
    const medians = [0, 1, 2, 3].map((part) => median(times.map((parts) => parts[part])));
    return [name, ...medians.map((ms) => ms.toFixed(0)), (medians[3] / reference).toFixed(2)];
  });
  const head = ["", "create", "start", "delete", "all, ms", `/ ${samples.runsc ? "runsc" : "runc"}`];
  const lines = process.argv.includes("--markdown")
    ? [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`)
    : [head, ...rows].map((row) => row.map((cell) => cell.padEnd(8)).join(""));
  console.log(lines.join("\n"));
} finally {
  await docker.end();
}
