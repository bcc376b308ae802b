/**
 * One table: native, Moat and, where it is found, runsc with systrap; medians of interleaved
 * runs of one session. Usage: npm run bench -- [--quick | --rounds N] [--markdown] [--only micro|start|programs]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { programs } from "./programs.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const moat = join(root, "moat");
const has = (flag) => process.argv.includes(flag);
const only = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : null;
const rounds = has("--rounds") ? Number(process.argv[process.argv.indexOf("--rounds") + 1]) : has("--quick") ? 1 : 3;
const TIMEOUT = 300_000;

const findRunsc = () => {
  const candidate = process.env.RUNSC ?? spawnSync("sh", ["-c", "command -v runsc"], { encoding: "utf8" }).stdout.trim();
  return candidate && existsSync(candidate) ? candidate : null;
};
const runsc = findRunsc();

/** How each system runs a command; its output is read through a pipe. */
const systems = {
  native: (argv) => argv,
  moat: (argv) => [moat, "do", "--", ...argv],
  ...(runsc ? { runsc: (argv) => [runsc, "--platform=systrap", "--network=none", "--ignore-cgroups", "do", ...argv] } : {}),
};

const env = { ...process.env };
delete env.NODE_EXTRA_CA_CERTS;

const run = (argv, cwd) => {
  const started = process.hrtime.bigint();
  const result = spawnSync(argv[0], argv.slice(1), { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT });
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  return { ms, stdout: result.stdout ?? "", stderr: result.stderr ?? "", status: result.status };
};

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? Number.NaN : sorted[Math.floor(sorted.length / 2)];
};

/** name → system → samples */
const rows = new Map();
const sample = (name, unit, system, value) => {
  if (!rows.has(name)) rows.set(name, { unit, samples: {} });
  const { samples } = rows.get(name);
  samples[system] ??= [];
  samples[system].push(value);
};

const micro = (directory) => {
  const source = join(root, "benchmarks/micro/micro.c");
  const program = join(directory, "micro");
  execFileSync("cc", ["-O2", "-o", program, source, "-lpthread"]);
  execFileSync("cc", ["-O2", "-static", "-o", `${program}-static`, source, "-lpthread"]);
  for (let round = 0; round < rounds; round++) {
    for (const [system, wrap] of Object.entries(systems)) {
      const result = run(wrap([program]), directory);
      if (result.status !== 0) console.error(`micro under ${system}: exit status ${result.status}\n${result.stderr}`);
      for (const line of result.stdout.trim().split("\n")) {
        const [name, value] = line.split("\t");
        if (value !== undefined) sample(name, "µs", system, Number(value));
      }
    }
  }
};

/** Over lo of the machine's own network namespace. */
const network = (directory) => {
  const program = join(directory, "network");
  execFileSync("cc", ["-O2", "-o", program, join(root, "benchmarks/micro/network.c")]);
  const commands = {
    native: [program],
    moat: [moat, "do", "--network", "host", "--", program],
    ...(runsc ? { runsc: [runsc, "--platform=systrap", "--network=host", "--ignore-cgroups", "do", program] } : {}),
  };
  for (let round = 0; round < rounds; round++) {
    for (const [system, argv] of Object.entries(commands)) {
      const result = run(argv, directory);
      if (result.status !== 0) console.error(`network under ${system}: exit status ${result.status}\n${result.stderr}`);
      for (const line of result.stdout.trim().split("\n")) {
        const [name, value] = line.split("\t");
        if (value !== undefined) sample(name, "µs", system, Number(value));
      }
    }
  }
};

const start = (directory) => {
  for (let round = 0; round < rounds * 5; round++) {
    for (const [system, wrap] of Object.entries(systems)) {
      const { ms, status } = run(wrap(["/bin/true"]), directory);
      if (status === 0) sample("start of /bin/true", "ms", system, ms);
    }
  }
};

const readOr = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** pid and all its descendants. */
const tree = (pid) => {
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readOr(`/proc/${name}/stat`))?.[1];
    if (parent) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)]);
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++) found.push(...(children.get(found[i]) ?? []));
  return found;
};

const kilobytes = (pid, field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readOr(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);

/** Memory of all processes of a sandbox that sleeps. */
const memory = async (directory) => {
  for (const [system, wrap] of Object.entries(systems)) {
    if (system === "native") continue;
    const argv = wrap(["/bin/sleep", "30"]);
    const child = spawn(argv[0], argv.slice(1), { cwd: directory, env, stdio: ["ignore", "ignore", "ignore"] });
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const pids = tree(child.pid);
    sample("idle sandbox, Rss", "MB", system, pids.reduce((sum, pid) => sum + kilobytes(pid, "Rss"), 0) / 1024);
    sample("idle sandbox, Pss", "MB", system, pids.reduce((sum, pid) => sum + kilobytes(pid, "Pss"), 0) / 1024);
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone with its sandbox already.
      }
    }
  }
};

const whole = (directory) => {
  for (const { name, command } of programs) {
    for (let round = 0; round < rounds; round++) {
      for (const [system, wrap] of Object.entries(systems)) {
        const work = mkdtempSync(join(directory, "work-"));
        const { ms, status, stderr } = run(wrap(["/bin/sh", "-c", command]), work);
        if (status === 0) sample(name, "ms", system, ms);
        else console.error(`${name} under ${system}: exit status ${status}\n${stderr.slice(0, 400)}`);
        rmSync(work, { recursive: true, force: true });
      }
    }
  }
};

const shown = (value) => (Number.isNaN(value) ? "–" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const ratio = (a, b) => (a > 0 && b > 0 ? (a / b).toFixed(2) : "–");

const print = () => {
  const columns = ["", "unit", ...Object.keys(systems), "Moat / native", ...(runsc ? ["Moat / runsc"] : [])];
  const lines = [...rows].map(([name, { unit, samples }]) => {
    const values = Object.fromEntries(Object.keys(systems).map((system) => [system, median(samples[system] ?? [])]));
    // runsc's fast path switches itself off for whole runs: its best run counts.
    if (samples.runsc) values.runsc = Math.min(...samples.runsc);
    const ratios = [ratio(values.moat, values.native), ...(runsc ? [ratio(values.moat, values.runsc)] : [])];
    return [name, unit, ...Object.keys(systems).map((system) => shown(values[system])), ...ratios];
  });
  const table = [columns, ...lines];
  if (has("--markdown")) {
    console.log(`| ${columns.join(" | ")} |\n|${columns.map(() => " --- ").join("|")}|`);
    for (const line of lines) console.log(`| ${line.join(" | ")} |`);
    return;
  }
  const widths = columns.map((_, index) => Math.max(...table.map((line) => line[index].length)));
  for (const line of table)
    console.log(line.map((cell, index) => (index < 2 ? cell.padEnd(widths[index]) : cell.padStart(widths[index]))).join("  "));
};

const directory = mkdtempSync(join(tmpdir(), "moat-bench-"));
try {
  mkdirSync(directory, { recursive: true });
  spawnSync(moat, ["do", "--", "/bin/true"], { stdio: "inherit" });
  if (!only || only === "micro") micro(directory);
  if (!only || only === "network") network(directory);
  if (!only || only === "start") {
    start(directory);
    await memory(directory);
  }
  if (!only || only === "programs") whole(directory);
  console.log(`${cpus().length} CPUs (${cpus()[0].model.trim()}), node ${process.version}; medians of ${rounds} runs, runsc's best`);
  print();
} finally {
  rmSync(directory, { recursive: true, force: true });
}
