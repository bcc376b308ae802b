/** A Debian with the programs that the tests run, as a tar file, made by debootstrap from the machine's own mirror and kept for later runs. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

const PACKAGES = "curl,iproute2,nginx-light,nodejs,postgresql,procps,python3,redis-server";
const DIRECTORY = process.env.MOAT_ENGINE_CACHE ?? "/var/cache/moat-engines";

/** Built in memory: dpkg waits for the disk after each file. What no test looks at is left out. */
const SCRIPT = `
set -e
mount -t tmpfs -o mode=755 tmpfs "$PLACE"
debootstrap --variant=minbase --include=${PACKAGES} "$SUITE" "$PLACE/root" "$MIRROR"
cd "$PLACE/root"
rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/doc usr/share/man usr/share/locale
tar -c --numeric-owner -f "$RESULT" .
`;

const read = (path) => (existsSync(path) ? readFileSync(path, "utf8") : "");

const suite = () => /^VERSION_CODENAME=(\w+)/m.exec(read("/etc/os-release"))?.[1] ?? "bookworm";

const mirror = () => {
  const sources = read("/etc/apt/sources.list.d/debian.sources") + read("/etc/apt/sources.list");
  return /^(?:URIs:|deb(?: \[.*?\])?) *(https?:\S+\/debian)\/?(?: |$)/m.exec(sources)?.[1] ?? "http://deb.debian.org/debian";
};

export const debianTar = () => join(DIRECTORY, `debian-${suite()}-${PACKAGES.replaceAll(",", "-")}.tar`);

/** Returns the tar file's path; needs root. */
export const makeDebianTar = () => {
  const path = debianTar();
  if (existsSync(path)) return path;
  const place = join(DIRECTORY, "root");
  mkdirSync(place, { recursive: true });
  const result = `${path}.${process.pid}`;
  const env = { ...process.env, PLACE: place, SUITE: suite(), MIRROR: mirror(), RESULT: result, LC_ALL: "C" };
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", SCRIPT], { env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`debootstrap: status ${status}\n${(stdout + stderr).split("\n").slice(-15).join("\n")}`);
  renameSync(result, path);
  return path;
};
