/** A Docker daemon in namespaces of its own, with a busybox image; nothing of it stays. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SCRIPT_TIMEOUT_MS = 60 * 60_000;

export const flagValue = (flag, fallback) => (process.argv.includes(flag) ? process.argv[process.argv.indexOf(flag) + 1] : fallback);

/** The overlay file system wants to be on none of its kind. */
const SETUP = `
mount -t tmpfs tmpfs /run; mkdir $PLACE/data $PLACE/exec; mount -t tmpfs tmpfs $PLACE/data; ip link set lo up
dockerd --config-file $PLACE/daemon.json > $PLACE/log 2>&1 & echo up; exec 3<&0; cat <&3 > /dev/null & wait $!`;
const IMAGE =
  "cd $PLACE && mkdir -p b/bin && cp /bin/busybox b/bin && chroot b /bin/busybox --install -s /bin && tar -C b -c . | docker import - busybox";

const removeCgroups = (cgroup) => {
  for (const hierarchy of existsSync("/sys/fs/cgroup/cgroup.controllers") ? ["."] : readdirSync("/sys/fs/cgroup")) {
    const path = join("/sys/fs/cgroup", hierarchy, cgroup);
    if (!existsSync(path)) continue;
    for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) rmdirSync(join(path, entry.name));
    rmdirSync(path);
  }
};

/** `others`: runtimes besides runc and Moat, as in daemon.json. */
export const dockerInNamespaces = async (others) => {
  const directory = mkdtempSync(join(tmpdir(), "moat-bench-"));
  const cgroup = `moat-bench-${process.pid}`;
  const env = {
    PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${dirname(process.execPath)}`,
    HOME: "/run",
    DOCKER_HOST: `unix://${directory}/docker.sock`,
    PLACE: directory,
    CGROUP: cgroup,
  };
  const config = {
    "data-root": `${directory}/data`,
    "exec-root": `${directory}/exec`,
    "cgroup-parent": `/${cgroup}`,
    hosts: [env.DOCKER_HOST],
    pidfile: `${directory}/docker.pid`,
    runtimes: { moat: { path: join(root, "moat") }, ...others },
  };
  writeFileSync(join(directory, "daemon.json"), JSON.stringify(config));
  const outer = spawn("unshare", ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL", "--", "sh", "-c", SETUP], {
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const closed = new Promise((resolve) => outer.once("close", resolve));
  await new Promise((resolve) => outer.stdout.once("data", resolve));
  const init = readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "utf8").trim();
  const inside = (script) => {
    const result = spawnSync("nsenter", ["-t", init, "-m", "-n", "-p", "--", "sh", "-c", script], {
      env,
      encoding: "utf8",
      timeout: SCRIPT_TIMEOUT_MS,
    });
    return { status: result.status, text: result.stdout + result.stderr };
  };
  const must = (script) => {
    const { status, text } = inside(script);
    if (status !== 0) throw new Error(`status ${status} of: ${script}\n${text}`);
    return text;
  };
  const end = async () => {
    process.kill(Number(init), "SIGKILL");
    await closed;
    rmSync(directory, { recursive: true, force: true });
    removeCgroups(cgroup);
  };
  try {
    for (let tries = 0; inside("docker version").status !== 0; tries++)
      if (tries > 100) throw new Error(readFileSync(`${directory}/log`, "utf8"));
    must(IMAGE);
  } catch (error) {
    await end();
    throw error;
  }
  return { must, end };
};
