/** runc's userns.bats: id mappings, who owns what on both sides, and what root inside may not. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeRootContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { assertRun, withBoth } from "./runc.ts";

const NAMESPACES = ["pid", "network", "ipc", "uts", "mount", "user"].map((type) => ({ type }));
const MAPPING = [{ containerID: 0, hostID: 100_000, size: 2000 }];
const CAPABILITIES = ["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"];

describeRootContainers("user namespaces", [], () => {
  const containers = new Containers();
  // Whom the mappings make root inside has to get there.
  chmodSync(containers.directory, 0o755);
  after(() => containers.remove());

  const linux = (config: Config, fields: object): void => {
    config.linux = { ...(config.linux as object), namespaces: NAMESPACES, uidMappings: MAPPING, gidMappings: MAPPING, ...fields };
  };

  const giveAll = (directory: string, id: number): void => {
    chownSync(directory, id, id);
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) giveAll(path, id);
      else if (entry.isFile()) chownSync(path, id, id);
    }
  };

  const bundle = (script: string, change: (config: Config) => void = () => {}): string => {
    const made = containers.bundle(["sh", "-c", script], (config) => {
      linux(config, {});
      config.root = { path: "rootfs" };
      const set = CAPABILITIES;
      config.process.capabilities = { bounding: set, effective: set, permitted: set };
      change(config);
    });
    const root = join(made, "rootfs");
    giveAll(root, 100_000);
    writeFileSync(join(root, "theirs"), "");
    writeFileSync(join(root, "one"), "");
    chownSync(join(root, "theirs"), 5, 5);
    chownSync(join(root, "one"), 101_000, 101_001);
    return made;
  };

  it("ids are mapped, for files and for what programs are told", () => {
    const script =
      'id -u; cat /proc/self/uid_map /proc/self/setgroups; stat -c "%n %u:%g" / /theirs /one /dev /dev/null /dev/pts /dev/pts/ptmx /dev/shm /proc /proc/self/status /sys; grep -E "^(Uid|Cap(Prm|Eff|Bnd))" /proc/self/status';
    const expected = [
      "0",
      "         0     100000       2000",
      "allow",
      "/ 0:0",
      "/theirs 65534:65534",
      "/one 1000:1001",
      "/dev 0:0",
      "/dev/null 65534:65534",
      "/dev/pts 0:0",
      "/dev/pts/ptmx 0:0",
      "/dev/shm 0:0",
      "/proc 65534:65534",
      "/proc/self/status 0:0",
      "/sys 65534:65534",
      "Uid:\t0\t0\t0\t0",
      "CapPrm:\t00000000082000cb",
      "CapEff:\t00000000082000cb",
      "CapBnd:\t00000000082000cb",
      "",
    ];
    assertRun(containers, bundle(script), { status: 0, stdout: expected.join("\n") });
  });

  it("files are written as the mapped owner", () => {
    const made = bundle(
      "touch /f; chown 5:6 /f; mkdir /d; chown 3000 /f 2>/dev/null || echo unmapped; echo x > /theirs 2>/dev/null || echo theirs",
    );
    const owner = (name: string): number[] => {
      const { uid, gid } = statSync(join(made, "rootfs", name));
      return [uid, gid];
    };
    withBoth(containers, ({ name, call }) => {
      for (const entry of ["f", "d"]) rmSync(join(made, "rootfs", entry), { recursive: true, force: true });
      const { status, stdout } = call("run", "-b", made, containers.id(`files-${name}`));
      assert.deepEqual([status, stdout], [0, "unmapped\ntheirs\n"]);
      assert.deepEqual(owner("f"), [100_005, 100_006]);
      assert.deepEqual(owner("d"), [100_000, 100_000]);
    });
  });

  it("root inside is root over its own namespaces, and of nothing else", () => {
    const script =
      'mount -t tmpfs x /tmp && stat -c %u /tmp; hostname foo; hostname; mknod /tmp/n c 1 3 2>/dev/null || echo "no mknod"; echo 1 2>/dev/null > /proc/sys/vm/swappiness || echo "no sysctl"';
    const made = bundle(script, (config) => {
      linux(config, { readonlyPaths: [] });
    });
    mkdirSync(join(made, "rootfs/tmp"), { recursive: true });
    chownSync(join(made, "rootfs/tmp"), 100_000, 100_000);
    assertRun(containers, made, { status: 0, stdout: "0\nfoo\nno mknod\nno sysctl\n" });
  });

  it("a process in the mapping, and one outside", () => {
    const as = (user: object): string =>
      bundle("id", (config) => {
        config.process.user = user;
      });
    assertRun(containers, as({ uid: 1000, gid: 1001, additionalGids: [5] }), { status: 0, stdout: "uid=1000 gid=1001 groups=5\n" });
    assertRun(containers, as({ uid: 2000, gid: 0 }), { status: 1, stderrMatch: /cannot set uid to unmapped user in user namespace/ });
    assertRun(containers, as({ uid: 0, gid: 2000 }), { status: 1, stderrMatch: /cannot set gid to unmapped user in user namespace/ });
  });

  it("exec has the same namespace", () => {
    const made = bundle("sleep 100");
    withBoth(containers, ({ name, call, detached }) => {
      const id = containers.id(`userns-exec-${name}`);
      assert.equal(detached("/dev/null", "run", "-d", "-b", made, id), 0);
      assert.equal(
        call("exec", "-u", "7:8", id, "sh", "-c", "id; cat /proc/self/gid_map").stdout,
        "uid=7 gid=8\n         0     100000       2000\n",
      );
      const refused = call("exec", "-u", "7000", id, "id");
      assert.equal(refused.status, 255);
      assert.match(refused.stderr, /cannot set uid to unmapped user in user namespace/);
      assert.equal(call("delete", "--force", id).status, 0);
    });
  });

  it("mappings that are no mappings are refused", () => {
    const refused = (fields: object, stderrMatch: RegExp): void => {
      const made = containers.bundle(["true"], (config) => linux(config, fields));
      assertRun(containers, made, { status: 1, stderrMatch });
    };
    refused({ uidMappings: undefined }, /User namespaces enabled, but no uid mappings found/);
    refused({ gidMappings: [] }, /User namespaces enabled, but no gid mappings? found/);
    refused({ uidMappings: [{ containerID: 1, hostID: 100_000, size: 10 }] }, /User namespaces enabled, but no user mapping found/);
  });
});
