/** Mode host: the namespace's own sockets, from both sides of it. Every case has namespaces of its own. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Config, Containers } from "./bundle.ts";
import { moatPath, type Outcome, run } from "./moat.ts";

/** Helpers of the scripts: `host` is moat do in the script's network, `soon` waits for a command to succeed. */
const PREAMBLE = `
set -u
ip link set lo up
host() { timeout 50 ${moatPath} do --network host -- "$@"; }
soon() { for i in $(seq 100); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "in vain: $*"; }
listens() { soon sh -c "grep -qi ':$(printf %04X $1) 0*:0000 0A' /proc/net/tcp /proc/net/tcp6"; }
`;

/** Runs a script in a fresh network namespace; what it leaves running is killed with its pid namespace. */
const script = (text: string): Outcome =>
  run("unshare", ["--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", PREAMBLE + text]);

const prints = (text: string, expected: string | RegExp): void => {
  const { stdout, stderr } = script(text);
  if (typeof expected === "string") assert.equal(stdout, expected, stderr);
  else assert.match(stdout, expected, stderr);
};

const UDP_ECHO = `python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("::", int(sys.argv[1])))
data, address = s.recvfrom(2000); s.sendto(data.upper(), address)'`;
const UDP_ASK = `python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.5)
for _ in range(20):
    s.sendto(b"hello", ("127.0.0.1", int(sys.argv[1])))
    try: print(s.recv(2000).decode()); break
    except (ConnectionError, TimeoutError): pass'`;

describe("moat do --network host", () => {
  it("a server inside is reached from outside", () =>
    prints(
      `cd /usr/share/common-licenses; host python3 -m http.server 8000 >/dev/null 2>&1 & listens 8000
       curl -s http://127.0.0.1:8000/GPL-3 | cmp - GPL-3 && curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8000/nosuch`,
      "404\n",
    ));
  it("a server outside is reached from inside", () =>
    prints(
      `cd /usr/share/common-licenses; python3 -m http.server 8000 --bind :: >/dev/null 2>&1 & listens 8000
       host curl -s http://127.0.0.1:8000/GPL-3 | cmp - /usr/share/common-licenses/GPL-3; host curl -s 'http://[::1]:8000/GPL-3' | wc -c`,
      `${readFileSync("/usr/share/common-licenses/GPL-3").length}\n`,
    ));
  it("datagrams go both ways", () =>
    prints(`host ${UDP_ECHO} 9000 & ${UDP_ASK} 9000; ${UDP_ECHO} 9001 & host ${UDP_ASK} 9001`, "HELLO\nHELLO\n"));
  it("interfaces, addresses, routes and files in /proc are the namespace's", () => {
    const show =
      "ip -o addr; ip route show table all | sort; ip -6 route; ip -o link; cat /proc/net/route /proc/net/if_inet6; cut -d: -f1 /proc/net/dev";
    const { stdout } = script(
      `ip link add v0 type veth peer name v1; ip addr add 10.7.0.1/24 dev v0; ip link set v0 up; ip link set v1 up; sleep 2.5
       show() { ${show}; }; show > /tmp/outside.$$; host sh -c '${show}' | diff /tmp/outside.$$ - && echo same; rm /tmp/outside.$$
       host sh -c 'ls /sys/class/net; cat /sys/class/net/v0/mtu /sys/class/net/v0/address' | tr '\\n' ' '; cat /sys/class/net/v0/address 2>/dev/null || ip -o link show v0 | grep -o 'ether [^ ]*' | cut -c 7-`,
    );
    const [same, inside] = stdout.split("\n");
    assert.equal(same, "same", stdout);
    assert.match(inside, /^lo v0 v1 1500 ([0-9a-f:]{17}) \1$/);
  });
  it("what the guest listens on shows outside, and who has it inside", () =>
    prints(
      `host python3 -c '
import os, socket
s = socket.socket(); s.bind(("127.0.0.1", 7777)); s.listen()
inode = [l.split()[9] for l in open("/proc/net/tcp") if ":1E61" in l][0]
print(inode == os.readlink("/proc/self/fd/%d" % s.fileno())[8:-1], flush=True)
s.accept()' & listens 7777; ss -tlnH | grep -c 127.0.0.1:7777; exec 3<>/dev/tcp/127.0.0.1/7777 2>/dev/null || curl -s --max-time 1 http://127.0.0.1:7777; wait`,
      "True\n1\n",
    ));
  it("ports below 1024 are root's, and a user's only by the sysctl", () => {
    const bind = `python3 -c 'import socket; s = socket.socket(); s.bind(("", 80)); print("bound")' 2>&1 | tail -n 1`;
    prints(
      `host sh -c "${bind.replaceAll('"', '\\"')}"; timeout 50 ${moatPath} do --network host --user 1000 -- sh -c "${bind.replaceAll('"', '\\"')}"`,
      "bound\nPermissionError: [Errno 13] Permission denied\n",
    );
  });
  it("the network is not the guest's to change", () =>
    prints(
      "host sh -c 'ip link set lo down; ip addr add 10.0.0.1/8 dev lo; ip link add d0 type dummy; echo 77 > /proc/sys/net/ipv4/ip_default_ttl' 2>&1; cat /proc/sys/net/ipv4/ip_default_ttl",
      /^(RTNETLINK answers: Operation not permitted\n){3}.*I\/O error\n64\n$/,
    ));
  it("abstract unix sockets of the namespace are out of reach", () =>
    prints(
      `python3 -c '
import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("\\0outside"); s.listen(); time.sleep(30)' & soon grep -q @outside /proc/net/unix
       host python3 -c '
import socket
try: socket.socket(socket.AF_UNIX).connect("\\0outside")
except OSError as e: print(e.strerror)
print("outside" in open("/proc/net/unix").read())'`,
      "Connection refused\nFalse\n",
    ));
  it("the broker holds none of the host's mounts, files and capabilities", () =>
    prints(
      `host sleep 5 & soon pgrep -x moat-network; sleep 1; cd /proc/$(pgrep -x moat-network)
       cut -d' ' -f 1-3 mounts; ls -A root cwd; ls fd | wc -l; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' status`,
      "moat / tmpfs\ncwd:\n\nroot:\n3\nCapEff:\t0000000000002400\nCapBnd:\t0000000000002400\nNoNewPrivs:\t1\nSeccomp:\t2\n",
    ));
  it("the broker's end is the sandbox's", () => {
    const { stdout } = script(
      `host sh -c 'echo up; sleep 40; echo survived' 2>&1 & soon pgrep -x moat-network; sleep 1; kill -9 $(pgrep -x moat-network); wait $!; echo "status $?"; pgrep -x 'moat-.*'`,
    );
    assert.equal(stdout, "up\nmoat: the network broker was killed by signal 9; the sandbox has ended\nstatus 125\n");
  });
});

describe("a container's network", () => {
  const containers = new Containers();
  const inside = `moat-in-${process.pid}`;
  const outside = `moat-out-${process.pid}`;
  const shell = (text: string): string => {
    const { status, stdout, stderr } = run("sh", ["-c", text]);
    assert.equal(status, 0, `${text}: ${stderr}`);
    return stdout;
  };
  before(() => {
    shell(`
      ip netns add ${inside} && ip netns add ${outside}
      ip -n ${inside} link add eth0 type veth peer name peer0 && ip -n ${inside} link set peer0 netns ${outside}
      ip -n ${inside} addr add 10.77.0.2/24 dev eth0 && ip -n ${outside} addr add 10.77.0.1/24 dev peer0
      ip -n ${inside} link set eth0 up && ip -n ${outside} link set peer0 up
      ip -n ${inside} link set lo up && ip -n ${outside} link set lo up
      ip -n ${inside} route add default via 10.77.0.1`);
  });
  after(() => {
    containers.remove();
    shell(`ip netns del ${inside}; ip netns del ${outside}`);
  });

  const withNetwork =
    (path: string | null, capabilities: readonly string[] = [], change: (config: Config) => void = () => {}) =>
    (config: Config): void => {
      const linux = config.linux as { namespaces: { type: string; path?: string }[] };
      const others = linux.namespaces.filter(({ type }) => type !== "network");
      const own = path === null ? { type: "network" } : { type: "network", path };
      linux.namespaces = path === "" ? others : [...others, own];
      config.process.capabilities = Object.fromEntries(
        ["bounding", "effective", "permitted"].map((set) => [set, ["CAP_NET_BIND_SERVICE", ...capabilities]]),
      );
      change(config);
    };
  const joined = `/var/run/netns/${inside}`;
  const runs = (command: string, change: (config: Config) => void, files: Readonly<Record<string, string>> = {}): string => {
    const id = containers.id(`net-${Math.random().toString(36).slice(2)}`);
    const bundle = containers.bundle(["/bin/busybox", "sh", "-c", `b() { /bin/busybox "$@"; }; ${command}`], change);
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(bundle, "rootfs", name, ".."), { recursive: true });
      writeFileSync(join(bundle, "rootfs", name), text);
    }
    const { stdout, stderr } = containers.moat("run", "--bundle", bundle, id);
    return stdout + stderr;
  };
  const out = (command: string): string => `ip netns exec ${outside} ${command}`;

  it("joins the namespace of a path", () => {
    const text = runs("b ip -o addr show eth0; b ip route", withNetwork(joined));
    assert.match(text, /10\.77\.0\.2\/24.*\n[\s\S]*default via 10\.77\.0\.1 dev eth0/);
  });
  it("serves those outside, on a privileged port, and is told who they are", () => {
    const id = containers.id("net-server");
    const bundle = containers.bundle(["/bin/busybox", "httpd", "-f", "-v", "-p", "80", "-h", "/www"], withNetwork(joined));
    mkdirSync(join(bundle, "rootfs/www"));
    writeFileSync(join(bundle, "rootfs/www/index.html"), "served\n");
    const log = join(containers.directory, "log");
    shell(`${moatPath} --root ${containers.root} run --detach --bundle ${bundle} ${id} </dev/null >${log} 2>&1`);
    assert.equal(shell(out("curl -s --retry 20 --retry-connrefused --retry-delay 1 http://10.77.0.2/")), "served\n");
    assert.match(readFileSync(log, "latin1"), /10\.77\.0\.1/);
    // A second program of the container is in the same network.
    const exec = containers.moat("exec", id, "/bin/busybox", "wget", "-q", "-O-", "http://127.0.0.1/");
    assert.equal(exec.stdout, "served\n", exec.stderr);
    containers.moat("delete", "--force", id);
  });
  it("finds names by its resolv.conf", () => {
    const resolver = `python3 -c '
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.77.0.1", 53))
while True:
    q, peer = s.recvfrom(512); end = q.index(0, 12) + 5; kind = q[end - 3]
    answer = b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("10.77.0.1") if kind == 1 else b""
    s.sendto(q[:2] + b"\\x81\\x80" + struct.pack(">HHHH", 1, 1 if answer else 0, 0, 0) + q[12:end] + answer, peer)'`;
    const isUp = "timeout 20 sh -c 'until grep -q :0035 /proc/net/udp; do sleep 0.1; done'";
    const pid = shell(`${out(resolver)} >/dev/null 2>&1 & echo $!; ${out(isUp)}`).trim();
    try {
      const text = runs("b nslookup some.name; b ping -c 1 -W 5 some.name", withNetwork(joined, ["CAP_NET_RAW"]), {
        "etc/resolv.conf": "nameserver 10.77.0.1\n",
      });
      assert.match(text, /Name:\s+some\.name\nAddress(?: 1)?: 10\.77\.0\.1[\s\S]*64 bytes from 10\.77\.0\.1.*ttl=64/);
    } finally {
      run("kill", [pid]);
    }
  });
  it("has raw sockets with CAP_NET_RAW only", () => {
    assert.match(runs("b ping -c 1 -W 5 10.77.0.1", withNetwork(joined)), /permission denied/);
    assert.match(
      runs("b ping -c 1 -W 5 10.77.0.1; b traceroute -I -n -w 1 -m 2 10.77.0.1", withNetwork(joined, ["CAP_NET_RAW"])),
      /1 packets received[\s\S]* 1 +10\.77\.0\.1 /,
    );
  });
  it("has a new namespace without a path, whose lo is up", () => {
    const text = runs(
      "b ip -o link | b cut -d: -f2; b ip -o -4 addr; (echo hi | b nc -l -p 80) & b sleep 0.5; b nc 127.0.0.1 80 </dev/null",
      withNetwork(null),
    );
    assert.match(text, /^ lo\n1: lo +inet 127\.0\.0\.1\/8 .*\nhi\n$/);
  });
  it("has the caller's network without a namespace in config.json", () => {
    const hosts = readFileSync("/proc/net/dev", "latin1").match(/^ *[\w.@-]+(?=:)/gm) ?? [];
    const text = runs("b cut -d: -f1 /proc/net/dev", withNetwork(""));
    assert.deepEqual(text.trimEnd().split("\n").slice(2), hosts);
  });
  it("may be changed with CAP_NET_ADMIN only", () => {
    const change =
      "b ip addr add 10.5.5.5/32 dev lo; b ip link set lo mtu 1234; b ifconfig lo:1 10.6.6.6; b ip -o addr show lo; b cat /sys/class/net/lo/mtu";
    assert.match(runs(change, withNetwork(null, ["CAP_NET_ADMIN"])), /10\.5\.5\.5\/32[\s\S]*10\.6\.6\.6[\s\S]*\n1234\n/);
    const refused = runs(change, withNetwork(null));
    assert.match(refused, /Operation not permitted/);
    assert.doesNotMatch(refused, /inet 10\./);
    assert.match(refused, /\n65536\n/);
  });
  it("has the sysctls of config.json", () => {
    const sysctl = {
      "net.ipv4.ip_unprivileged_port_start": "77",
      "net.ipv4.ip_local_port_range": "5000\t6000",
      "net/ipv4/conf/lo/rp_filter": "2",
    };
    const change = withNetwork(null, [], (config) => Object.assign(config.linux as object, { sysctl }));
    const text = runs("cd /proc/sys/net/ipv4; b cat ip_unprivileged_port_start ip_local_port_range conf/lo/rp_filter; b ls conf", change);
    assert.equal(text, "77\n5000\t6000\n2\nall\ndefault\nlo\n");
    const bad = withNetwork(null, [], (config) => Object.assign(config.linux as object, { sysctl: { "net.nosuch": "1" } }));
    assert.match(runs("true", bad), /open \/proc\/sys\/net\/nosuch: no such file or directory/);
    const hosts = withNetwork("", [], (config) => Object.assign(config.linux as object, { sysctl }));
    assert.match(runs("true", hosts), /not allowed in host network namespace/);
  });
  it("is a loopback of the sandbox's own with --network none and by annotation", () => {
    const none = withNetwork(joined, [], (config) => Object.assign(config, { annotations: { "dev.moat.network": "none" } }));
    assert.doesNotMatch(runs("b ip link", none), /eth0/);
    const bundle = containers.bundle(["/bin/busybox", "ip", "link"], withNetwork(joined));
    assert.doesNotMatch(containers.moat("--network", "none", "run", "--bundle", bundle, containers.id("net-none")).stdout, /eth0/);
    const wrong = withNetwork(joined, [], (config) => Object.assign(config, { annotations: { "dev.moat.network": "bridge" } }));
    assert.match(runs("true", wrong), /dev\.moat\.network/);
  });
  it("leaves nothing behind", () => {
    const names = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const [comm, network] = [readFileSync(`/proc/${pid}/comm`, "latin1"), run("stat", ["-Lc", "%i", `/proc/${pid}/ns/net`]).stdout];
          return comm === "moat-network\n" && network === run("stat", ["-Lc", "%i", joined]).stdout;
        } catch {
          return false;
        }
      });
    assert.deepEqual(names, []);
  });
});
