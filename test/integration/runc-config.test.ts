/** What config.json says of the process and its kernel, as runc's integration cases ask for it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readlinkSync } from "node:fs";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { assertRun, compileInto, withBoth } from "./runc.ts";

const linux =
  (fields: object) =>
  (config: Config): void => {
    config.linux = { ...(config.linux as object), ...fields };
  };
const process_ =
  (fields: object) =>
  (config: Config): void => {
    Object.assign(config.process, fields);
  };

describeContainers("config.json as runc has it", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const sysctl = (values: object, ...args: string[]): string => containers.bundle(args, linux({ sysctl: values }));

  it("sysctls of the container's namespaces are written and read back", () => {
    const ipc = { "kernel.msgmax": "65536", "kernel/sem": "100 200 300 400", "fs.mqueue.msg_max": "20", "kernel.shm_rmid_forced": "1" };
    const files = ["kernel/msgmax", "kernel/sem", "fs/mqueue/msg_max", "kernel/shm_rmid_forced"].map((name) => `/proc/sys/${name}`);
    assertRun(containers, sysctl(ipc, "cat", ...files), { status: 0, stdout: "65536\n100\t200\t300\t400\n20\n1\n" });
    assertRun(containers, sysctl({ "kernel.domainname": "example" }, "cat", "/proc/sys/kernel/domainname"), { stdout: "example\n" });
    const net = { "net.ipv4.ip_forward": "1", "net.ipv4.ip_unprivileged_port_start": "80", "net/ipv4/conf/lo/rp_filter": "2" };
    const netFiles = ["ip_forward", "ip_unprivileged_port_start", "conf/lo/rp_filter"].map((name) => `/proc/sys/net/ipv4/${name}`);
    assertRun(containers, sysctl(net, "cat", ...netFiles), { status: 0, stdout: "1\n80\n2\n" });
    const none = containers.moat("--network", "none", "run", "-b", sysctl(net, "cat", ...netFiles), containers.id("sysctl-none"));
    assert.deepEqual(none, { status: 0, stdout: "1\n80\n2\n", stderr: "" });
  });

  it("sysctls of the machine are refused in runc's words", () => {
    const refused = (values: object, stderrMatch: RegExp): void =>
      assertRun(containers, sysctl(values, "true"), { status: 1, stderrMatch });
    refused({ "vm.swappiness": "1" }, /sysctl \\"vm\.swappiness\\" is not in a separate kernel namespace/);
    refused({ "kernel.hostname": "x" }, /sysctl \\"kernel\.hostname\\" is not allowed as it conflicts with the OCI \\"hostname\\" field/);
    refused({ "net.foo.bar": "1" }, /open \/proc\/sys\/net\/foo\/bar: [Nn]o such file or directory/);
    refused({ "kernel.msgmax": "many" }, /write \/proc\/sys\/kernel\/msgmax: invalid argument/);
    const shared = [{ type: "pid" }, { type: "network" }, { type: "uts" }, { type: "mount" }];
    const bundle = containers.bundle(["true"], linux({ namespaces: shared, sysctl: { "kernel.msgmax": "1" } }));
    assertRun(containers, bundle, { status: 1, stderrMatch: /sysctl \\"kernel\.msgmax\\" is not allowed in the hosts ipc namespace/ });
  });

  it("a /proc of one's own does not uncover what config.json masks", () => {
    const capabilities = { bounding: ["CAP_SETFCAP"], permitted: ["CAP_SETFCAP"], effective: ["CAP_SETFCAP"] };
    const look =
      "unshare -mrpf mount -t proc none /proc && echo yes || echo no; unshare -mr umount /proc/kcore && echo yes || echo no; unshare -mr mount -o rw,remount,bind /proc/sys && echo yes || echo no";
    const masked = containers.bundle(["sh", "-c", look], process_({ capabilities, noNewPrivileges: false }));
    assertRun(containers, masked, { status: 0, stdout: "no\nno\nno\n" });
    const bare = containers.bundle(["sh", "-c", "unshare -mrpf mount -t proc none /proc && echo yes || echo no"], (config) => {
      process_({ capabilities, noNewPrivileges: false })(config);
      linux({ maskedPaths: [], readonlyPaths: [] })(config);
    });
    assertRun(containers, bare, { status: 0, stdout: "yes\n" });
  });

  it("who joins an IPC namespace by path finds what was set in it", () => {
    withBoth(containers, ({ name, call, detached }) => {
      const first = containers.id(`ipc-first-${name}`);
      const set = { "kernel.msgmax": "4096", "fs.mqueue.msg_max": "20", "kernel.shmmni": "77" };
      assert.equal(detached("/dev/null", "run", "-d", "-b", sysctl(set, "sleep", "100"), first), 0);
      const path = `/proc/${JSON.parse(call("state", first).stdout).pid}/ns/ipc`;
      const namespaces = [{ type: "pid" }, { type: "network" }, { type: "uts" }, { type: "mount" }, { type: "ipc", path }];
      const files = ["kernel/msgmax", "fs/mqueue/msg_max", "kernel/shmmni", "kernel/shmall"].map((file) => `/proc/sys/${file}`);
      const look = containers.bundle(["cat", ...files], linux({ namespaces }));
      const { status, stdout } = call("run", "-b", look, containers.id(`ipc-second-${name}`));
      assert.deepEqual({ status, stdout }, { status: 0, stdout: "4096\n20\n77\n18446744073692774399\n" });
      assert.equal(call("delete", "--force", first).status, 0);
    });
  });

  it("standard files that are /dev/null are the container's own, to read and write", () => {
    const write = "echo a && echo b >&2 && echo c >&0 && [ /dev/null -ef /proc/self/fd/1 ] && exit 5; exit 7";
    const bundle = containers.bundle(["sh", "-c", write]);
    withBoth(containers, ({ name, program, root }) => {
      const nothing = openSync("/dev/null", "r");
      const id = containers.id(`null-${name}`);
      // The runtime's caller is a subreaper, as an engine is, and gets the container's status.
      const script = `import ctypes,os,subprocess,sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
subprocess.run([*sys.argv[1:], "run", "-d", "--pid-file", "${bundle}/pid", "-b", "${bundle}", "${id}"], check=True, timeout=50)
_, status = os.waitpid(int(open("${bundle}/pid").read()), 0)
sys.exit(os.waitstatus_to_exitcode(status))`;
      const args = ["-c", script, program, "--root", root];
      const { status } = spawnSync("python3", args, { stdio: [nothing, nothing, nothing], timeout: 60_000 });
      closeSync(nothing);
      spawnSync(program, ["--root", root, "delete", "--force", id], { stdio: "ignore", timeout: 60_000 });
      assert.equal(status, 5);
    });
  });

  it("a pipe ends when the program has closed its side, though the container lives on", () => {
    const bundle = containers.bundle(["sh", "-c", "echo first; exec >&- 2>&-; sleep 300"]);
    withBoth(containers, ({ name, call }) => {
      const id = containers.id(`closes-${name}`);
      const { status, stdout } = call("run", "-d", "-b", bundle, id);
      assert.deepEqual({ status, stdout }, { status: 0, stdout: "first\n" });
      assert.equal(JSON.parse(call("state", id).stdout).status, "running");
      assert.equal(call("delete", "--force", id).status, 0);
    });
  });

  it("IPC limits are obeyed", () => {
    const probe = `
#include <errno.h>
#include <stdio.h>
#include <sys/msg.h>
int main(void) {
  static struct { long type; char text[70000]; } m = { 1, "" };
  int q = msgget(IPC_PRIVATE, 0600);
  int fits = msgsnd(q, &m, 100, IPC_NOWAIT), larger = msgsnd(q, &m, 101, IPC_NOWAIT);
  printf("%d %d %d\\n", fits, larger, errno);
  msgctl(q, IPC_RMID, 0);
}`;
    const bundle = containers.bundle(["probe"], linux({ sysctl: { "kernel.msgmax": "100" } }));
    compileInto(bundle, "probe", probe);
    assertRun(containers, bundle, { status: 0, stdout: "0 -1 22\n" });
  });

  it("what config.json lacks, or has twice, is told in runc's words", () => {
    const refused = (change: (config: Config) => void, stderrMatch: RegExp): void =>
      assertRun(containers, containers.bundle(["true"], change), { status: 1, stderrMatch });
    refused(process_({ args: [] }), /args must not be empty/);
    refused(process_({ cwd: "relative" }), /Cwd must be an absolute path/);
    refused(process_({ rlimits: [{ type: "RLIMIT_NO", soft: 1, hard: 1 }] }), /wrong rlimit value: RLIMIT_NO/);
    refused((config) => {
      config.process = undefined as never;
    }, /process property must not be empty/);
    refused((config) => {
      config.root = undefined;
    }, /root must be specified/);
    refused((config) => {
      config.root = { path: "nowhere" };
    }, /invalid rootfs: stat .*\/nowhere: no such file or directory/);
    refused(linux({ namespaces: [{ type: "mount" }, { type: "mount" }] }), /malformed spec file: duplicated ns \{\\"mount\\" \\"\\"\}/);
    refused(linux({ namespaces: [{ type: "no" }] }), /namespace \{\\"no\\" \\"\\"\} does not exist/);
    refused(linux({ namespaces: [{ type: "mount" }, { type: "pid" }] }), /unable to set hostname without a private UTS namespace/);
  });

  it("a program that cannot be executed fails in runc's words", () => {
    const refused = (name: string, stderrMatch: RegExp): void =>
      assertRun(containers, containers.bundle([name]), { status: 1, stderrMatch });
    refused("nowhere", /run failed: unable to start container process: exec: \\"nowhere\\": executable file not found in \$PATH/);
    refused("/etc", /unable to start container process: exec: \\"\/etc\\": (permission denied|stat \/etc: no such file or directory)/);
    refused("/nowhere", /unable to start container process: exec: \\"\/nowhere\\": stat \/nowhere: no such file or directory/);
  });

  it("io priority, scheduler and personality are the process's (runc 1.2)", () => {
    const probe = `
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
int main(void) {
  struct sched_param p;
  struct utsname u;
  sched_getparam(0, &p);
  uname(&u);
  printf("%ld %d %d %d %x %s\\n", syscall(SYS_ioprio_get, 1, 0), sched_getscheduler(0), p.sched_priority,
         getpriority(PRIO_PROCESS, 0), personality(-1), u.machine);
}`;
    const run = (fields: object, personality: object | undefined): string => {
      const bundle = containers.bundle(["probe"], (config) => {
        process_(fields)(config);
        if (personality !== undefined) linux({ personality })(config);
      });
      compileInto(bundle, "probe", probe);
      const result = containers.moat("run", "-b", bundle, containers.id("scheduling"));
      return `${result.stdout}${result.stderr}`;
    };
    assert.equal(run({ ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 } }, { domain: "LINUX32" }), "16388 0 0 0 8 i686\n");
    assert.equal(run({ scheduler: { policy: "SCHED_BATCH", nice: 7 } }, { domain: "LINUX" }), "0 3 0 7 0 x86_64\n");
    assert.equal(run({ scheduler: { policy: "SCHED_RR", priority: 9 } }, undefined), "0 2 9 0 0 x86_64\n");
    assert.match(run({ ioPriority: { class: "NO", priority: 4 } }, undefined), /invalid ioPriority\.Class: \\"NO\\"/);
    assert.match(run({ ioPriority: { class: "IOPRIO_CLASS_RT", priority: 8 } }, undefined), /invalid ioPriority\.Priority: 8/);
    assert.match(run({ scheduler: { policy: "SCHED_BATCH", priority: 1 } }, undefined), /scheduler\.priority can only be specified/);
    assert.match(run({}, { domain: "OTHER" }), /linux\.personality\.domain/);
  });

  it("RLIMIT_FSIZE: the container's own files, and those in memory", () => {
    const probe = `
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int signals;
static void count(int number) { (void)number; signals++; }
static void say(const char *what, long result) {
  printf("%s %ld %d %d\\n", what, result, result < 0 ? errno : 0, signals);
}
int main(int argc, char **argv) {
  static char bytes[3000];
  signal(SIGXFSZ, count);
  for (int i = 1; i < argc; i++) {
    int fd = open(argv[i], O_RDWR | O_CREAT | O_TRUNC, 0600), end = open(argv[i], O_WRONLY | O_APPEND);
    for (int round = 0; round < 4; round++) say("write", write(fd, bytes, sizeof bytes));
    say("pwrite", pwrite(fd, bytes, 10, 9000));
    say("nothing", pwrite(fd, bytes, 0, 9000));
    say("within", pwrite(fd, bytes, 10, 8180));
    say("append", write(end, bytes, 1));
    say("truncate", ftruncate(fd, 9000));
    say("fallocate", fallocate(fd, 0, 0, 9000));
    say("shorter", ftruncate(fd, 8190));
    say("appended", write(end, bytes, 10));
    unlink(argv[i]);
  }
}`;
    const made = containers.bundle(["probe", "/file", "/dev/shm/file"], (config) => {
      Object.assign(config.root ?? {}, { readonly: false });
      process_({ rlimits: [{ type: "RLIMIT_FSIZE", soft: 8192, hard: 8192 }] })(config);
    });
    compileInto(made, "probe", probe);
    const told = (from: number): string =>
      [
        "write 3000 0 0",
        "write 3000 0 0",
        "write 2192 0 0",
        "write -1 27 1",
        "pwrite -1 27 2",
        "nothing 0 0 2",
        "within 10 0 2",
        "append -1 27 3",
        "truncate -1 27 4",
        "fallocate -1 27 5",
        "shorter 0 0 5",
        "appended 2 0 5",
      ]
        .map((line) => `${line.replace(/\d+$/, (signals) => String(Number(signals) + from))}\n`)
        .join("");
    assertRun(containers, made, { status: 0, stdout: told(0) + told(5) });
  });

  it("the links in /proc/self/ns tell which namespaces are the host's", () => {
    const kinds = ["ipc", "uts", "pid", "net", "user"];
    const isHosts = (namespaces: readonly string[], change: (config: Config) => void = () => {}): string => {
      const script = kinds.map((kind) => `readlink /proc/self/ns/${kind}`).join("; ");
      const made = containers.bundle(["sh", "-c", script], (config) => {
        linux({ namespaces: namespaces.map((type) => ({ type })) })(config);
        change(config);
      });
      const told: string[] = [];
      withBoth(containers, ({ name, call }) => {
        const { stdout, stderr } = call("run", "-b", made, containers.id(`ns-${name}-${namespaces.length}`));
        const numbers = stdout.trim().split("\n");
        assert.equal(new Set(numbers).size, kinds.length, stderr);
        told.push(kinds.filter((kind, index) => readlinkSync(`/proc/self/ns/${kind}`) === numbers[index]).join(" "));
      });
      assert.equal(new Set(told).size, 1, told.join(" / "));
      return told[0];
    };
    assert.equal(isHosts(["pid", "network", "ipc", "uts", "mount"]), "user");
    const withoutHostname = (config: Config): void => {
      config.hostname = undefined;
    };
    assert.equal(isHosts(["pid", "mount"], withoutHostname), "ipc uts net user");
    const map = [{ containerID: 0, hostID: 0, size: 65536 }];
    assert.equal(isHosts(["pid", "network", "ipc", "uts", "mount", "user"], linux({ uidMappings: map, gidMappings: map })), "");
  });
});
