/** linux.timeOffsets, as runc 1.2's timens.bats has it (runc 1.1 has no time namespaces): what unshare(1) makes on the host is the measure. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { run } from "./moat.ts";

const OFFSETS = { monotonic: { secs: 7881, nanosecs: 2718281 }, boottime: { secs: 1337, nanosecs: 3141519 } };
const PLAIN = "monotonic           0         0\nboottime            0         0\n";
const SHOW = ["cat", "/proc/self/timens_offsets"];

const uptime = (text: string): number => Number(text.split(" ", 1)[0]);

describeContainers("time namespaces", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const bundle = (
    args: readonly string[],
    time: object | null,
    timeOffsets?: object,
    change: (config: Config) => void = () => {},
  ): string =>
    containers.bundle(args, (config) => {
      const linux: { namespaces?: object[] } = config.linux ?? {};
      if (time !== null) linux.namespaces?.push({ type: "time", ...time });
      if (timeOffsets !== undefined) Object.assign(linux, { timeOffsets });
      change(config);
    });

  it("the clocks have the offsets that config.json gives them, and exec has them", () => {
    const id = containers.id("timens");
    const script = `${SHOW.join(" ")}; cat /proc/uptime`;
    const made = containers.moat("run", "-b", bundle(["sh", "-c", script], {}, OFFSETS), id);
    const host = run("unshare", ["-T", "--boottime", "1337", "--monotonic", "7881", "--fork", "sh", "-c", script]);
    assert.equal(host.stderr, "");
    const lines = made.stdout.split("\n");
    assert.deepEqual(lines.slice(0, 2), ["monotonic        7881   2718281", "boottime         1337   3141519"], made.stderr);
    assert.deepEqual(host.stdout.split("\n").slice(0, 2), ["monotonic        7881         0", "boottime         1337         0"]);
    assert.ok(Math.abs(uptime(lines[2]) - uptime(host.stdout.split("\n")[2])) < 60);

    const long = containers.id("timens-exec");
    const asleep = bundle(["sleep", "100"], {}, OFFSETS);
    assert.equal(
      run("sh", ["-c", `exec ./moat --root ${containers.root} run -d -b ${asleep} ${long} >/dev/null 2>&1 </dev/null`]).status,
      0,
    );
    const executed = containers.moat("exec", long, "sh", "-c", script);
    assert.equal(executed.stdout.split("\n", 2).join("\n"), lines.slice(0, 2).join("\n"));
    // Named by path, a namespace gives its offsets.
    const { pid } = containers.state(long);
    const joined = containers.moat("run", "-b", bundle(SHOW, { path: `/proc/${pid}/ns/time` }), containers.id("timens-joined"));
    assert.equal(joined.stdout, `${lines.slice(0, 2).join("\n")}\n`, joined.stderr);
  });

  it("without offsets, with the host's namespace, in a user namespace", () => {
    const shown = (made: string, id: string): string => {
      const { stdout, stderr } = containers.moat("run", "-b", made, containers.id(id));
      return `${stdout}${stderr}`;
    };
    assert.equal(shown(bundle(SHOW, {}), "timens-none"), PLAIN);
    assert.equal(shown(bundle(SHOW, { path: "/proc/self/ns/time" }), "timens-host"), PLAIN);
    const inUser = bundle(SHOW, {}, { boottime: { secs: -1 } }, (config) => {
      const linux: { namespaces?: object[] } = config.linux ?? {};
      linux.namespaces?.push({ type: "user" });
      const map = [{ containerID: 0, hostID: 0, size: 65536 }];
      Object.assign(linux, { uidMappings: map, gidMappings: map });
    });
    assert.equal(shown(inUser, "timens-user"), PLAIN.replace("boottime            0", "boottime           -1"));
  });

  it("what cannot be is refused", () => {
    const refused = (made: string, message: RegExp): void => {
      const { status, stderr } = containers.moat("run", "-b", made, containers.id("timens-refused"));
      assert.equal(status, 1);
      assert.match(stderr, message);
    };
    refused(bundle(["true"], null, OFFSETS), /time namespace offsets specified, but time namespace isn't enabled in the config/);
    refused(bundle(["true"], { path: "/proc/self/ns/time" }, OFFSETS), /linux\.timeOffsets: /);
    refused(bundle(["true"], {}, { realtime: { secs: 1 } }), /linux\.timeOffsets\.realtime: /);
    refused(bundle(["true"], {}, { monotonic: { nanosecs: 1e9 } }), /linux\.timeOffsets\.monotonic\.nanosecs: /);
    refused(bundle(["true"], { path: "/no/such" }), /namespace path: lstat \/no\/such: no such file or directory/);
    const ago = -Math.ceil(uptime(readFileSync("/proc/uptime", "latin1"))) - 100;
    refused(bundle(["true"], {}, { boottime: { secs: ago } }), /failed to update time namespace offsets: numerical result out of range/);
  });
});
