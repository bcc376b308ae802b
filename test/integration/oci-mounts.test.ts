/** Mounts of config.json beside runc (its integration cases mounts*.bats, mask.bats, dev.bats and more). */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { describeRootContainers } from "../needs.ts";
import { BesideRunc } from "./beside-runc.ts";
import { type Config, named } from "./bundle.ts";
import { moatPath } from "./moat.ts";

type Mount = Record<string, unknown>;

const show = (place: string): string => `grep " ${place}[ /]" /proc/self/mountinfo | cut -d" " -f4- | grep -v mqueue`;
const add =
  (...mounts: Mount[]) =>
  (config: Config): void => {
    (config.mounts as Mount[]).push(...mounts);
  };
const linux =
  (fields: Record<string, unknown>) =>
  (config: Config): void => {
    config.linux = { ...(config.linux as object), ...fields };
  };
const writable = (config: Config): void => {
  (config.root as Record<string, unknown>).readonly = false;
};
const allCapabilities = (config: Config): void => {
  const caps = ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_SETFCAP"];
  config.process.capabilities = { bounding: caps, effective: caps, permitted: caps, ambient: [], inheritable: [] };
};
const all =
  (...changes: ((config: Config) => void)[]) =>
  (config: Config): void => {
    for (const change of changes) change(config);
  };

describeRootContainers("mounts beside runc", ["runc"], () => {
  const containers = new BesideRunc();
  const volume = join(containers.directory, "volume");
  const below = join(volume, "below");

  before(() => {
    mkdirSync(below, { recursive: true });
    writeFileSync(join(volume, "file"), "text\n");
    execFileSync("mount", ["-t", "tmpfs", "-o", "nosuid,size=1m", "belowfs", below]);
    writeFileSync(join(below, "inner"), "inner\n");
  });
  after(() => {
    execFileSync("umount", ["-l", below]);
    containers.remove();
  });

  const bind = (...options: string[]): Mount => ({ destination: "/m", type: "bind", source: volume, options });
  const tmpfs = (...options: string[]): Mount => ({ destination: "/t", type: "tmpfs", source: "mine", options });

  const same = (
    name: string,
    script: string,
    change: (config: Config) => void,
    prepare: (rootfs: string) => void = () => {},
    expected?: RegExp,
  ): void => {
    it(name, () => {
      const { runc, moat } = containers.both(script, change, prepare);
      assert.equal(moat, runc);
      if (expected !== undefined) assert.match(moat, expected);
    });
  };

  const list = `${show("/m")}; ls /m /m/below; touch /m/x; echo $?; touch /m/below/x; echo $?; rm -f /m/x /m/below/x`;
  for (const options of [["bind"], ["rbind"], ["rbind", "ro"], ["rbind", "rro"], ["bind", "ro", "nosuid", "nodev", "noexec"]]) {
    same(`a bind with ${options}`, list, add(bind(...options)));
  }
  for (const options of [
    ["rbind", "noatime"],
    ["rbind", "nodiratime", "strictatime"],
    ["rbind", "rnosuid", "rnoexec"],
    ["rbind", "shared"],
    ["rbind", "rshared"],
    ["rbind", "rslave"],
    ["rbind", "rprivate"],
    ["rbind", "unbindable"],
    ["bind", "ro", "rw"],
  ]) {
    same(`a bind with ${options} in mountinfo`, show("/m"), add(bind(...options)));
  }
  for (const options of [
    ["rbind", "rw", "rprivate"],
    ["bind", "exec", "suid", "dev"],
    ["bind", "rw", "noexec"],
    ["bind", "ro"],
  ]) {
    same(`a bind of a mount with flags, ${options}`, show("/m"), add({ ...bind(...options), source: below }));
  }
  same("noexec and nosuid hold", "cp /bin/busybox /m/true; /m/true; echo $?; rm /m/true", add(bind("bind", "noexec")));
  same(
    "a file over a file that is missing",
    `cat /a/b/c; ${show("/a")}`,
    all(add({ destination: "/a/b/c", source: join(volume, "file"), options: ["bind", "ro"] }), writable),
  );
  same("a relative destination", "ls /rel", add({ ...bind("bind"), destination: "rel" }), undefined, /file/);

  const prepareLinks = (rootfs: string): void => {
    symlinkSync("/real", join(rootfs, "link"));
    symlinkSync("../../../../../../../tmp", join(rootfs, "out"));
    symlinkSync("/proc/self/fd", join(rootfs, "magic"));
  };
  same(
    "a destination behind a link",
    `${show("/real")}; stat -c '%A %u %g %N' /link /real; ls /real/x`,
    add({ ...bind("bind"), destination: "/link/x" }),
    prepareLinks,
  );
  same(
    "a destination that leads out stays inside",
    `${show("/tmp")}; ls /tmp/y`,
    add({ ...bind("bind"), destination: "/out/y" }),
    prepareLinks,
  );
  same(
    "mounts upon mounts, in order",
    `${show("/t")}; ls /t/m; cat /t/f`,
    add(
      tmpfs("size=1m"),
      { ...bind("bind"), destination: "/t/m" },
      { destination: "/t/f", source: join(volume, "file"), options: ["bind"] },
    ),
  );

  same(
    "a tmpfs with all its options",
    `${show("/t")}; stat -c "%a %u %g" /t; df -k /t | tail -1`,
    add(tmpfs("size=2m", "mode=750", "uid=3", "gid=4", "nr_inodes=5", "nosuid", "noexec")),
  );
  same(
    "a tmpfs keeps to its size",
    "dd if=/dev/zero of=/t/f bs=64k count=100 2>/dev/null; echo $?; stat -c %s /t/f; rm /t/f; dd if=/dev/zero of=/t/f bs=64k count=16 2>/dev/null; echo $?",
    add(tmpfs("size=1m")),
  );
  same(
    "a tmpfs keeps to its inodes",
    "for i in 1 2 3 4 5 6; do touch /t/$i 2>/dev/null || echo full at $i; done; df -i /t | tail -1",
    add(tmpfs("nr_inodes=4")),
  );
  const filled = (rootfs: string): void => {
    mkdirSync(join(rootfs, "t/dir"), { recursive: true, mode: 0o750 });
    writeFileSync(join(rootfs, "t/dir/file"), "x".repeat(100_000), { mode: 0o604 });
    symlinkSync("dir/file", join(rootfs, "t/link"));
  };
  same("a tmpfs takes the mode of what it covers", "stat -c %a /t; ls -A /t", add(tmpfs()), (rootfs) =>
    mkdirSync(join(rootfs, "t"), { mode: 0o711 }),
  );
  same(
    "tmpcopyup",
    `${show("/t")}; ls -l /t /t/dir | sed "s/ [A-Z][a-z][a-z] .*:[0-9]*//"; wc -c < /t/link`,
    add(tmpfs("tmpcopyup")),
    filled,
  );

  same("the owner of a tmpfs with tmpcopyup", "stat -c '%a %u %g' /t", add(tmpfs("tmpcopyup", "uid=7")), (rootfs) => {
    mkdirSync(join(rootfs, "t"), { mode: 0o700 });
    if (process.getuid?.() === 0) chownSync(join(rootfs, "t"), 5, 6);
  });
  for (const options of [["tmpcopyup"], ["tmpcopyup", "mode=711", "ro"]]) {
    same(`${options} where nothing was`, `stat -c %a /t; touch /t/x; ${show("/t")}`, add(tmpfs(...options)));
  }

  same(
    "readonly paths",
    "touch /ro/x; touch /ro/sub/x; cat /ro/sub/f; mount | grep /ro | cut -d' ' -f3,5-",
    all(linux({ readonlyPaths: ["/ro", "/missing"] }), writable),
    (rootfs) => {
      mkdirSync(join(rootfs, "ro/sub"), { recursive: true });
      writeFileSync(join(rootfs, "ro/sub/f"), "seen\n");
    },
  );
  same(
    "masked paths",
    `ls -A /mask; touch /mask/x; cat /hidden; ls -l /hidden | cut -c1; ${show("/mask")}`,
    all(linux({ maskedPaths: ["/mask", "/hidden", "/missing"] }), writable),
    (rootfs) => {
      mkdirSync(join(rootfs, "mask"));
      writeFileSync(join(rootfs, "mask/secret"), "");
      writeFileSync(join(rootfs, "hidden"), "secret");
    },
  );
  same("a read-only root", `touch /x; mkdir /y; ${show("/")} | head -1 | cut -d" " -f1-3`, () => {});
  it("the propagation of the root, as the specification (and later runc) have it", () => {
    const { moat } = containers.both(show("/"), linux({ rootfsPropagation: "shared" }));
    assert.match(moat, /rootfs \/ ro,relatime shared:N - /);
  });

  const refused = (name: string, mount: Mount, prepare?: (rootfs: string) => void): void => {
    it(`${name} is refused`, () => {
      const { runc, moat } = containers.both("true", add(mount), prepare);
      const reason =
        /(cannot be mounted because it is inside \/proc|must be mounted on ordinary directory|not a directory|no such file or directory|invalid argument)/;
      const said = (text: string): string | undefined => reason.exec(text)?.[1];
      assert.equal(said(moat), said(runc));
      assert.match(moat, reason);
    });
  };
  refused("a mount inside /proc", { ...bind("bind"), destination: "/proc/sys" });
  refused("a mount inside /proc, behind a link", { ...bind("bind"), destination: "/p/1" }, (rootfs) =>
    symlinkSync("/proc", join(rootfs, "p")),
  );
  refused("proc behind a link", { destination: "/p", type: "proc", source: "proc" }, (rootfs) => symlinkSync("/tmp", join(rootfs, "p")));
  refused("an unknown option of a tmpfs", tmpfs("size=1m", "nonsense=1"));
  refused("a bind of nothing", { destination: "/x", source: "/no/such/thing", options: ["bind"] });

  same("default devices and links", "ls -l /dev | sed 's/  *[A-Z][a-z][a-z] .*:[0-9]* / /' | grep -v core", () => {});
  const devices = linux({
    devices: [
      { path: "/dev/kmsg", type: "c", major: 1, minor: 11, fileMode: 0o640, uid: 5, gid: 6 },
      { path: "/dev/sub/loop9", type: "b", major: 7, minor: 9, fileMode: 0o600 },
      { path: "/dev/pipe", type: "p", fileMode: 0o622 },
      { path: "/elsewhere/zero", type: "c", major: 1, minor: 5 },
    ],
  });
  same(
    "devices of the config",
    "ls -l /dev/kmsg /dev/sub/loop9 /dev/pipe /elsewhere/zero | sed 's/  *[A-Z][a-z][a-z] .*:[0-9]* / /'; dd if=/elsewhere/zero bs=10 count=1 2>/dev/null | wc -c",
    all(devices, writable),
  );
  it("kmsg is a log of the sandbox's own", () => {
    const script = "echo to the log > /dev/kmsg; grep -m 1 Linux /dev/kmsg; grep -m 1 log /dev/kmsg | sed 's/,[0-9]*,[0-9]*,/,/'";
    const caps = ["CAP_SYSLOG"];
    const kmsg = linux({
      devices: [{ path: "/dev/kmsg", type: "c", major: 1, minor: 11 }],
      resources: { devices: [{ allow: true, type: "c", major: 1, minor: 11, access: "rw" }] },
    });
    const reader = (config: Config): void => {
      config.process.capabilities = { bounding: caps, effective: caps, permitted: caps };
    };
    const bundle = containers.bundle(["sh", "-c", script], all(kmsg, reader));
    const { stdout } = containers.moat("run", "-b", bundle, containers.id("kmsg"));
    assert.match(stdout, /^5,0,0,-;Linux version .*\n12,-;to the log\n$/);
  });
  same(
    "devices that the rules forbid, or allow",
    "mknod /t/kmsg c 1 11; cat /t/kmsg; mknod /t/zero c 1 5; dd if=/t/zero bs=1 count=1 2>/dev/null | wc -c; mknod /t/loop b 7 0; cat /t/loop; echo $?",
    all(add(tmpfs()), allCapabilities),
  );
  same(
    "mknod by the guest",
    "mknod /t/null c 1 3; echo x > /t/null; mknod /t/fifo p; ls -l /t | cut -c1-10; cat /t/null",
    all(add(tmpfs()), allCapabilities),
  );
  same("a tmpfs without devices", "mknod /t/null c 1 3; echo x > /t/null", all(add(tmpfs("nodev")), allCapabilities));

  same("what df says of the root is true", "df -k / | tail -1 | awk '{print ($3 > 1000), ($2 > $3), $6}'", () => {}, undefined, /1 1 \//);
  same(
    "guest mounts: bind, remount, move, umount",
    "mkdir -p /t/a /t/b; mount --bind /m /t/a; mount -o remount,bind,ro /t/a; touch /t/a/x; mount -t tmpfs q /t/b; mount --move /t/b /t/a; ls -A /t/a; umount /t/a; cat /t/a/file; umount /t/a; ls -A /t/a; umount /t/a; echo $?",
    all(add(tmpfs(), bind("bind")), allCapabilities),
  );

  it("a slave hears of the host's later mounts, and does not keep them", () => {
    const shared = join(containers.directory, "shared");
    mkdirSync(join(shared, "sub"), { recursive: true });
    execFileSync("mount", ["--bind", shared, shared]);
    execFileSync("mount", ["--make-shared", shared]);
    const script =
      "while ! test -e /s/sub/later; do sleep 0.05; done; ls /s/sub /p/sub; while test -e /s/sub/later; do sleep 0.05; done; echo gone";
    const bundle = containers.bundle(
      ["sh", "-c", script],
      add({ destination: "/s", source: shared, options: ["rbind", "rslave"] }, { destination: "/p", source: shared, options: ["rbind"] }),
    );
    const id = containers.id("slave");
    const output = join(containers.directory, "slave.out");
    const fd = openSync(output, "w");
    const { status } = spawnSync(moatPath, ["--root", containers.root, "run", "-d", "-b", bundle, id], {
      stdio: ["ignore", fd, fd],
      timeout: 30_000,
    });
    assert.equal(status, 0);
    const soon = (text: string): void => {
      for (let tries = 0; !readFileSync(output, "utf8").includes(text); tries++) {
        assert.ok(tries < 200, `no ${text} in ${readFileSync(output, "utf8")}`);
        execFileSync("sleep", ["0.05"]);
      }
    };
    try {
      execFileSync("mount", ["-t", "tmpfs", "later", join(shared, "sub")]);
      writeFileSync(join(shared, "sub/later"), "");
      soon("later");
      // Not busy, though the guest has looked.
      execFileSync("umount", [join(shared, "sub")]);
      soon("gone");
      assert.equal(readFileSync(output, "utf8"), "/p/sub:\n\n/s/sub:\nlater\ngone\n");
    } finally {
      spawnSync("umount", ["-l", join(shared, "sub")]);
      execFileSync("umount", ["-l", shared]);
    }
  });

  it("an id-mapped bind shows and stores owners as it maps them", () => {
    const mapped = join(containers.directory, "mapped");
    mkdirSync(mapped);
    writeFileSync(join(mapped, "f"), "");
    chownSync(join(mapped, "f"), 5, 6);
    const ids = [{ containerID: 0, hostID: 1000, size: 100 }];
    const script = 'stat -c "%u %g" /i/f; touch /i/no; chown 1017:1018 /i/f; stat -c "%u %g" /i/f; chown 0 /i/f';
    const bundle = containers.bundle(
      ["sh", "-c", script],
      all(allCapabilities, add(tmpfs(), { destination: "/i", source: mapped, options: ["rbind"], uidMappings: ids, gidMappings: ids })),
    );
    const { stdout, stderr } = containers.moat("run", "-b", bundle, containers.id("mapped"));
    assert.equal(stdout, "1005 1006\n1017 1018\n");
    assert.equal(stderr.match(/Value too large/g)?.length, 2, stderr);
    const { uid, gid } = statSync(join(mapped, "f"));
    assert.deepEqual([uid, gid], [17, 18]);
  });

  it("an overlay of host directories", () => {
    const [lower, upper, work] = ["lower", "upper", "work"].map((name) => {
      mkdirSync(join(containers.directory, name));
      return join(containers.directory, name);
    });
    writeFileSync(join(lower, "below"), "below\n");
    const overlay = {
      destination: "/o",
      type: "overlay",
      source: "o",
      options: [`lowerdir=${lower}`, `upperdir=${upper}`, `workdir=${work}`],
    };
    const script = `cat /o/below; echo above > /o/below; rm -f /o/none; ${show("/o")} | cut -d" " -f1-6`;
    const { stdout } = containers.moat("run", "-b", containers.bundle(["sh", "-c", script], add(overlay)), containers.id("lay"));
    assert.equal(stdout, "below\n/ /o rw,relatime - overlay o\n");
    assert.equal(readFileSync(join(upper, "below"), "utf8"), "above\n");
    assert.equal(readFileSync(join(lower, "below"), "utf8"), "below\n");
  });

  it("--overlay: writes go to the root, nowhere, or below a directory", () => {
    const bundle = containers.bundle(["sh", "-c", "echo text > /made; rm /bin/env; cat /made; test -e /bin/env || echo gone"], writable);
    const made = join(bundle, "rootfs/made");
    const run = (mode: string): string => containers.moat("--overlay", mode, "run", "-b", bundle, containers.id("overlay")).stdout;
    const kept = join(containers.directory, "kept");
    assert.equal(run("memory"), "text\ngone\n");
    assert.equal(run(`dir=${kept}`), "text\ngone\n");
    assert.equal(existsSync(made), false);
    assert.equal(existsSync(join(bundle, "rootfs/bin/env")), true);
    assert.equal(readFileSync(join(kept, named("overlay"), "upper/made"), "utf8"), "text\n");
    assert.equal(run("none"), "text\ngone\n");
    assert.equal(readFileSync(made, "utf8"), "text\n");
    assert.match(containers.moat("--overlay", "x", "run", "-b", bundle, "no").stderr, /invalid value \\"x\\" for --overlay/);
  });

  it("the bundles leave nothing behind", () => {
    rmSync(join(volume, "file"));
    assert.equal(execFileSync("ls", [volume], { encoding: "utf8" }), "below\n");
  });
});
