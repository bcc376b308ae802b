/** Installs the Debian packages that the engine tests need and that are missing, and builds their image; as root. */
import { spawnSync } from "node:child_process";
import { makeDebianTar } from "./debian-image.mjs";

const PACKAGES =
  "aardvark-dns busybox-static conmon containerd containernetworking-plugins curl debootstrap docker-compose docker.io fuse-overlayfs iproute2 iptables netavark podman procps python3 runc skopeo slirp4netns uidmap umoci util-linux".split(
    " ",
  );

const isInstalled = (name) =>
  spawnSync("dpkg", ["-s", name], { encoding: "utf8" }).stdout?.includes("Status: install ok installed") === true;

const missing = PACKAGES.filter((name) => !isInstalled(name));
const run = (...args) => {
  const { status, error } = spawnSync(args[0], args.slice(1), {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) {
    console.error(`${args.join(" ")}: ${error?.message ?? `status ${status}`}`);
    process.exit(1);
  }
};

if (process.geteuid() !== 0) {
  console.error(`the engine tests need root${missing.length > 0 ? ` and ${missing.join(", ")}` : ""}`);
  process.exit(1);
}
if (missing.length > 0) {
  run("apt-get", "update", "-qq");
  run("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing);
}
console.log(makeDebianTar());
