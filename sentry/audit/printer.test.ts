import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { x86_64 } from "../../syscall-tables/numbers/x86_64.ts";
import { signatures } from "../../syscall-tables/signatures/index.ts";
import { EAGAIN, ENOENT, ENOTTY, ERESTARTSYS } from "../abi/errno.ts";
import { AnswerMemory } from "./answer-memory.ts";
import { FakeMemory } from "./fake-memory.ts";
import { SyscallPrinter } from "./printer.ts";

const numbers = new Map(Object.entries(x86_64).map(([nr, name]) => [name as string, Number(nr)]));
const FILES: Readonly<Record<number, string>> = { 3: "pipe:[7]", 4: "/etc/passwd", [-100]: "/home" };

let memory = new FakeMemory();
let lines: string[] = [];
let printer = new SyscallPrinter(
  () => {},
  null,
  () => null,
);
let task = { tid: 7, memory };

beforeEach(() => {
  memory = new FakeMemory();
  lines = [];
  task = { tid: 7, memory };
  printer = new SyscallPrinter(
    (line) => lines.push(line),
    null,
    (_task, fd) => FILES[fd] ?? null,
  );
});

const words = (args: readonly number[]): Uint32Array => {
  const halves = new BigUint64Array(6);
  for (const [index, value] of args.entries()) halves[index] = BigInt.asUintN(64, BigInt(value));
  return new Uint32Array(halves.buffer);
};

const enter = (name: string, ...args: number[]): string => printer.entry(task, numbers.get(name) ?? 999, words(args));
const leave = (result: number): string => {
  printer.exit(task, 0, result);
  return (lines.at(-1) ?? "").replace(/^\[pid {5}7\] /, "").replace(/ +(?== )/, " ");
};

/** The whole line of a call whose memory does not change. */
const line = (result: number, name: string, ...args: number[]): string => {
  enter(name, ...args);
  return leave(result);
};

test("paths, flags and modes", () => {
  const path = memory.put("/tmp/x\n");
  assert.equal(
    line(4, "openat", -100, path, 0o2000102, 0o644),
    'openat(AT_FDCWD</home>, "/tmp/x\\n", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 4</etc/passwd>',
  );
  assert.equal(
    line(ENOENT, "openat", -100, path, 0),
    'openat(AT_FDCWD</home>, "/tmp/x\\n", O_RDONLY) = -1 ENOENT (No such file or directory)',
  );
  assert.equal(line(0, "access", path, 0), 'access("/tmp/x\\n", F_OK) = 0');
  assert.equal(line(0, "mknod", path, 0o10600, 0), 'mknod("/tmp/x\\n", S_IFIFO|0600, 0) = 0');
  assert.equal(line(0, "newfstatat", 4, 0, 0, 0x1000), "newfstatat(4</etc/passwd>, NULL, NULL, AT_EMPTY_PATH) = 0");
  assert.equal(line(ENOENT, "chdir", 0xdead), "chdir(0xdead) = -1 ENOENT (No such file or directory)");
  assert.equal(line(4, "open", path, 0o24200000 | 1, 0o600), 'open("/tmp/x\\n", O_WRONLY|O_TMPFILE|__O_SYNC, 0600) = 4</etc/passwd>');
});

test("the result stands in strace's column", () => {
  enter("getpid");
  printer.exit(task, 39, 7);
  assert.equal(lines[0], "[pid     7] getpid()                    = 7");
});

test("strings are escaped and cut", () => {
  const digits = memory.put("0123456789012345678901234567890123456789");
  assert.equal(line(40, "write", 3, digits, 40), 'write(3<pipe:[7]>, "01234567890123456789012345678901"..., 40) = 40');
  const bytes = memory.put('a\0b\x001\x7f"\\');
  assert.equal(line(8, "write", 9, bytes, 8), 'write(9, "a\\0b\\0001\\177\\"\\\\", 8) = 8');
});

test("what the kernel writes is printed as it is when the call returns", () => {
  const buffer = memory.put(new Uint8Array(100));
  enter("read", 3, buffer, 100);
  memory.copyOut(buffer, Uint8Array.from([104, 105, 10]));
  assert.equal(leave(3), 'read(3<pipe:[7]>, "hi\\n", 100) = 3');
  assert.equal(line(EAGAIN, "read", 3, buffer, 100), "read(3<pipe:[7]>, 0x10000, 100) = -1 EAGAIN (Resource temporarily unavailable)");
  const fds = memory.putWords(3, 4);
  assert.equal(line(0, "pipe2", fds, 0o2000000), "pipe2([3<pipe:[7]>, 4</etc/passwd>], O_CLOEXEC) = 0");
});

test("what still waits in the answer counts as written", () => {
  const buffer = memory.put("old bytes");
  enter("read", 3, buffer, 8);
  const writes = [
    { addr: buffer, bytes: Uint8Array.from([110, 101, 119]) },
    { addr: buffer + 4, bytes: Uint8Array.from([66, 89]) },
  ];
  printer.exit(task, 0, 8, new AnswerMemory(memory, writes));
  assert.match(lines.at(-1) ?? "", /"new BYte", 8\) = 8$/);
});

test("vectors", () => {
  const hello = memory.put("hello\n");
  const iov = memory.putLongs(hello, 6, 0, 0, hello + 2, 3);
  const whole = '{iov_base="hello\\n", iov_len=6}';
  assert.equal(
    line(9, "writev", 3, iov, 3),
    `writev(3<pipe:[7]>, [${whole}, {iov_base=NULL, iov_len=0}, {iov_base="llo", iov_len=3}], 3) = 9`,
  );
  assert.equal(line(7, "readv", 3, iov, 3), `readv(3<pipe:[7]>, [${whole}, {iov_base=NULL, iov_len=0}, {iov_base="l", iov_len=3}], 3) = 7`);
});

test("structs", () => {
  const timespec = memory.putLongs(1, 500);
  assert.equal(line(0, "nanosleep", timespec, 0), "nanosleep({tv_sec=1, tv_nsec=500}, NULL) = 0");
  const rlimit = memory.putLongs(1024, -1);
  assert.equal(line(0, "prlimit64", 0, 7, 0, rlimit), "prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}) = 0");
  const stat = new DataView(new ArrayBuffer(144));
  stat.setUint32(24, 0o100644, true);
  stat.setUint32(48, 1221, true);
  const statAddr = memory.put(new Uint8Array(stat.buffer));
  assert.equal(line(0, "fstat", 4, statAddr), "fstat(4</etc/passwd>, {st_mode=S_IFREG|0644, st_size=1221, ...}) = 0");
  stat.setUint32(24, 0o020666, true);
  stat.setUint32(40, 0x103, true);
  memory.copyOut(statAddr, new Uint8Array(stat.buffer));
  assert.equal(line(0, "fstat", 9, statAddr), "fstat(9, {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}) = 0");
  const how = memory.putLongs(0o2000000, 0, 8);
  assert.equal(
    line(9, "openat2", 4, memory.put("x"), how, 24),
    'openat2(4</etc/passwd>, "x", {flags=O_RDONLY|O_CLOEXEC, mode=0, resolve=RESOLVE_BENEATH}, 24) = 9',
  );
});

test("signals", () => {
  const set = memory.putLongs(0x4_0000_0200);
  assert.equal(line(0, "rt_sigprocmask", 0, set, 0, 8), "rt_sigprocmask(SIG_BLOCK, [USR1 RT_3], NULL, 8) = 0");
  const full = memory.putLongs(-1);
  assert.equal(line(0, "rt_sigprocmask", 2, full, 0, 8), "rt_sigprocmask(SIG_SETMASK, ~[], NULL, 8) = 0");
  const action = memory.putLongs(0x401000, 0x1400_0000, 0x402000, 0x200);
  assert.equal(
    line(0, "rt_sigaction", 10, action, 0, 8),
    "rt_sigaction(SIGUSR1, {sa_handler=0x401000, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8) = 0",
  );
  assert.equal(line(0, "kill", -1, 35), "kill(-1, SIGRT_3) = 0");
  const info = new Uint8Array(128);
  new Int32Array(info.buffer).set([17, 0, 1, 0, 8, 0, 3]);
  printer.signal(task, info);
  assert.equal(
    lines.at(-1),
    "[pid     7] --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---",
  );
  printer.ended(task, 9 | 0x80);
  assert.equal(lines.at(-1), "[pid     7] +++ killed by SIGKILL (core dumped) +++");
});

test("a sleeping call is printed in two halves", () => {
  const status = memory.putWords(0x0300);
  assert.equal(enter("wait4", 8, status, 0, 0), "wait4(8");
  printer.unfinished(task);
  printer.unfinished(task);
  assert.deepEqual(lines, ["[pid     7] wait4(8,  <unfinished ...>"]);
  assert.equal(leave(8), "<... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 8");
  enter("pause");
  printer.unfinished(task);
  assert.equal(leave(ERESTARTSYS), "<... pause resumed>) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)");
});

test("a call that does not return is printed at once", () => {
  enter("exit_group", 3);
  assert.deepEqual(lines, ["[pid     7] exit_group(3)               = ?"]);
});

test("poll and select tell what became ready", () => {
  const fds = memory.put(Uint8Array.from([3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0]));
  enter("poll", fds, 2, 100);
  memory.storeU16(fds + 14, 4);
  assert.equal(
    leave(1),
    "poll([{fd=3<pipe:[7]>, events=POLLIN}, {fd=4</etc/passwd>, events=POLLOUT}], 2, 100) = 1 ([{fd=4, revents=POLLOUT}])",
  );
  const set = memory.putLongs(0x18);
  const timeout = memory.putLongs(1, 0);
  enter("select", 5, set, 0, 0, timeout);
  memory.storeU32(set, 0x8);
  memory.storeU64(timeout, 0);
  assert.equal(
    leave(1),
    "select(5, [3<pipe:[7]> 4</etc/passwd>], NULL, NULL, {tv_sec=1, tv_usec=0}) = 1 (in [3<pipe:[7]>], left {tv_sec=0, tv_usec=0})",
  );
  assert.equal(line(0, "poll", fds, 0, 0), "poll([], 0, 0) = 0 (Timeout)");
});

test("sockets", () => {
  assert.equal(line(3, "socket", 1, 0o2000001, 0), "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3<pipe:[7]>");
  const unix = memory.put("\x01\0/run/x");
  assert.equal(line(0, "connect", 3, unix, 110), 'connect(3<pipe:[7]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0');
  const abstract = memory.put("\x01\0\0ab");
  assert.equal(line(0, "bind", 3, abstract, 5), 'bind(3<pipe:[7]>, {sa_family=AF_UNIX, sun_path=@"ab"}, 5) = 0');
  const inet = memory.put(Uint8Array.from([2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
  const length = memory.putWords(100);
  enter("accept4", 9, inet, length, 0o4000);
  memory.storeU32(length, 16);
  assert.equal(
    leave(4),
    'accept4(9, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, [100 => 16], SOCK_NONBLOCK) = 4</etc/passwd>',
  );
  assert.equal(line(EAGAIN, "accept", 9, 0, 0), "accept(9, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)");
  assert.equal(line(0, "setsockopt", 9, 6, 1, memory.putWords(1), 4), "setsockopt(9, SOL_TCP, TCP_NODELAY, [1], 4) = 0");
});

test("messages, with descriptors in ancillary data", () => {
  const iov = memory.putLongs(memory.put("hello"), 5);
  const control = memory.put(Uint8Array.from([20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]));
  const message = memory.putLongs(0, 0, iov, 1, control, 24, 0);
  const tail =
    "msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4</etc/passwd>]}], msg_controllen=24, msg_flags=0}, 0)";
  const head = "{msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=";
  assert.equal(line(5, "sendmsg", 9, message, 0), `sendmsg(9, ${head}"hello", iov_len=5}], msg_iovlen=1, ${tail} = 5`);
  assert.equal(line(2, "recvmsg", 9, message, 0), `recvmsg(9, ${head}"he", iov_len=5}], msg_iovlen=1, ${tail} = 2`);
});

test("fcntl, ioctl, prctl and futex by their commands", () => {
  assert.equal(line(0o100002, "fcntl", 3, 3), "fcntl(3<pipe:[7]>, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)");
  assert.equal(line(0, "fcntl", 3, 4, 0o4000), "fcntl(3<pipe:[7]>, F_SETFL, O_RDONLY|O_NONBLOCK) = 0");
  assert.equal(line(4, "fcntl", 3, 1030, 10), "fcntl(3<pipe:[7]>, F_DUPFD_CLOEXEC, 10) = 4</etc/passwd>");
  const count = memory.putWords(12);
  assert.equal(line(0, "ioctl", 3, 0x541b, count), "ioctl(3<pipe:[7]>, FIONREAD, [12]) = 0");
  assert.equal(
    line(ENOTTY, "ioctl", 3, 0x5401, count),
    `ioctl(3<pipe:[7]>, TCGETS, 0x${count.toString(16)}) = -1 ENOTTY (Inappropriate ioctl for device)`,
  );
  assert.equal(line(0, "ioctl", 3, 0x8004_7f01, 0), "ioctl(3<pipe:[7]>, _IOC(_IOC_READ, 0x7f, 0x1, 0x4), 0x0) = 0");
  assert.equal(line(0, "prctl", 15, memory.put("foo")), 'prctl(PR_SET_NAME, "foo") = 0');
  assert.equal(line(0, "futex", 0x1000, 128, 2, 0), "futex(0x1000, FUTEX_WAIT_PRIVATE, 2, NULL) = 0");
  assert.equal(
    line(0, "futex", 0x1000, 9 | 256, 2, 0, 0, 0xffff_ffff),
    "futex(0x1000, FUTEX_WAIT_BITSET|FUTEX_CLOCK_REALTIME, 2, NULL, FUTEX_BITSET_MATCH_ANY) = 0",
  );
});

test("clone, execve and mmap", () => {
  assert.equal(
    line(8, "clone", 0x120_0011, 0, 0, 0x7f00_0000_1000, 0),
    "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0000001000) = 8",
  );
  const argv = memory.putLongs(memory.put("sh"), memory.put("-c"), 0);
  assert.equal(
    line(0, "execve", memory.put("/bin/sh"), argv, argv),
    `execve("/bin/sh", ["sh", "-c"], 0x${argv.toString(16)} /* 2 vars */) = 0`,
  );
  assert.equal(
    line(0x7f00_0000_0000, "mmap", 0, 4096, 3, 0x22, -1, 0),
    "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
  );
});

test("directory entries are counted, cpu sets listed", () => {
  const entries = new Uint8Array(48);
  entries[16] = 24;
  entries[40] = 24;
  const addr = memory.put(entries);
  assert.equal(line(48, "getdents64", 4, addr, 4096), `getdents64(4</etc/passwd>, 0x${addr.toString(16)} /* 2 entries */, 4096) = 48`);
  assert.equal(line(8, "sched_getaffinity", 0, 8, memory.putLongs(5)), "sched_getaffinity(0, 8, [0 2]) = 8");
});

test("an unknown number prints its registers", () => {
  printer.entry(task, 999, words([1, 2, 3, 4, 5, -1]));
  assert.equal(leave(-38), "syscall_0x3e7(0x1, 0x2, 0x3, 0x4, 0x5, 0xffffffffffffffff) = -1 ENOSYS (Function not implemented)");
});

test("only the wanted calls", () => {
  const picky = new SyscallPrinter(
    () => {},
    new Set(["openat"]),
    () => null,
  );
  assert.ok(picky.wants(257));
  assert.ok(!picky.wants(0));
});

test("no call can make the printer throw, whatever its registers hold", () => {
  const values = [0, 1, -1, 0x10000, 0x1fff8, 0x7fff_ffff_f000, 2 ** 62, 0xffff_ffff];
  let seed = 1;
  const random = (): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return values[(seed >>> 16) % values.length];
  };
  for (const name of Object.keys(signatures)) {
    for (let round = 0; round < 40; round++) {
      enter(name, random(), random(), random(), random(), random(), random());
      printer.exit(task, 0, [-1, 0, 1, 40, 0x7fff_ffff][round % 5]);
    }
  }
});
