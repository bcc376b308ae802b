/** A directory shared with the host: both sides see each other's files, locks and events at once. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { moatPath } from "./moat.ts";

const LIMIT_MS = 30_000;

/** A program that is told what to do by lines, and answers each with one. */
class Partner {
  readonly #child: ChildProcess;
  #text = "";
  #wake = (): void => {};

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      this.#wake();
    });
  }

  /** Runs a line of Python; what it prints (one line). */
  async do(line: string): Promise<string> {
    this.#child.stdin?.write(`${line}\n`);
    const end = Date.now() + LIMIT_MS;
    while (!this.#text.includes("\n")) {
      if (Date.now() > end) throw new Error(`no answer to ${line}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const at = this.#text.indexOf("\n");
    const answer = this.#text.slice(0, at);
    this.#text = this.#text.slice(at + 1);
    return answer;
  }

  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.on("close", resolve));
    this.#child.stdin?.end();
    await closed;
  }
}

/** Evaluates each line and prints the value, or the error's name. */
const INTERPRETER = `
import sys, os, fcntl, mmap, struct, time, errno, ctypes, select
libc = ctypes.CDLL(None, use_errno=True)
names = {}
exec(open(sys.argv[1]).read(), globals())
for line in sys.stdin:
    try: print(eval(line), flush=True)
    except OSError as e: print(errno.errorcode[e.errno], flush=True)
`;

const HELPERS = `
files = {}
def opened(name, flags=os.O_RDWR | os.O_CREAT):
    files[name] = os.open(DIR + name, flags); return "open"
def closed(name): os.close(files.pop(name)); return "closed"
def flock(name, op): fcntl.flock(files[name], op | fcntl.LOCK_NB); return "locked"
def flock_wait(name, op): fcntl.flock(files[name], op); return "locked"
def posix(name, op, start=0, length=0):
    fcntl.lockf(files[name], op if op == fcntl.LOCK_UN else op | fcntl.LOCK_NB, length, start); return "locked"
def ofd(name, kind, start=0, length=0):
    fcntl.fcntl(files[name], 37, struct.pack("hhqqi", kind, 0, start, length, 0)); return "locked"
def getlk(name, kind, start=0, length=0):
    got = struct.unpack("hhqqi", fcntl.fcntl(files[name], fcntl.F_GETLK, struct.pack("hhqqi", kind, 0, start, length, 0)))
    return (got[0], got[2], got[3])
def mapped(name):
    files["map"] = mmap.mmap(files[name], 4096); return "mapped"
def poke(at, text): files["map"][at:at + len(text)] = text; return "poked"
def peek(at, n): return bytes(files["map"][at:at + n])
def wrote(name, text):
    with open(DIR + name, "wb") as f: f.write(text)
    return "wrote"
def read(name):
    with open(DIR + name, "rb") as f: return f.read()
def watch(name, mask):
    files["inotify"] = libc.inotify_init1(os.O_NONBLOCK)
    return "watching" if libc.inotify_add_watch(files["inotify"], (DIR + name).encode(), mask) > 0 else "error"
def events(wanted, limit=5.0):
    seen = []; end = time.monotonic() + limit
    while len(seen) < wanted and time.monotonic() < end:
        if not select.select([files["inotify"]], [], [], 0.1)[0]: continue
        data = os.read(files["inotify"], 65536)
        while data:
            wd, mask, cookie, length = struct.unpack_from("iIII", data)
            seen.append((hex(mask), data[16:16 + length].rstrip(b"\\0").decode())); data = data[16 + length:]
    return seen
def quiet(seconds):
    time.sleep(seconds); return events(1, 0.2)
`;

describe("a volume", () => {
  const directory = mkdtempSync(join(tmpdir(), "moat-volume-"));
  let host: Partner;
  let guest: Partner;

  before(() => {
    const script = (name: string, dir: string): string => {
      const path = join(directory, name);
      writeFileSync(path, `DIR = ${JSON.stringify(dir)}\n${HELPERS}`);
      return path;
    };
    host = new Partner("python3", ["-c", INTERPRETER, script("host.py", `${directory}/`)]);
    script("guest.py", "/mnt/");
    const volume = ["--volume", `${directory}:/mnt`];
    guest = new Partner(moatPath, ["do", ...volume, "--", "python3", "-c", INTERPRETER, "/mnt/guest.py"]);
  });
  after(async () => {
    await host.end();
    await guest.end();
    rmSync(directory, { recursive: true, force: true });
  });

  it("contents and attributes are seen at once, from both sides", async () => {
    assert.equal(await host.do('wrote("a", b"one")'), "wrote");
    assert.equal(await guest.do('read("a")'), "b'one'");
    for (let i = 0; i < 20; i++) {
      await host.do(`wrote("a", b"${"x".repeat(i)}")`);
      assert.equal(await guest.do('os.stat(DIR + "a").st_size'), String(i));
      await guest.do(`wrote("a", b"${"y".repeat(i)}")`);
      assert.equal(readFileSync(join(directory, "a"), "latin1"), "y".repeat(i));
      await host.do(`os.rename(DIR + "a", DIR + "b${i}")`);
      assert.equal(
        await guest.do(`sorted(n for n in os.listdir(DIR) if n.startswith("b"))[-1] != "" and os.path.exists(DIR + "a")`),
        "False",
      );
      assert.equal(await guest.do(`read("b${i}")`), `b'${"y".repeat(i)}'`);
      await guest.do(`os.rename(DIR + "b${i}", DIR + "a")`);
    }
    await host.do('os.chmod(DIR + "a", 0o640)');
    assert.equal(await guest.do('oct(os.stat(DIR + "a").st_mode)'), "0o100640");
    await host.do('os.unlink(DIR + "a")');
    assert.equal(await guest.do('os.stat(DIR + "a")'), "ENOENT");
  });

  it("mappings are shared both ways", async () => {
    await host.do('wrote("m", b"\\0" * 4096)');
    for (const side of [host, guest]) {
      await side.do('opened("m")');
      assert.equal(await side.do('mapped("m")'), "mapped");
    }
    await host.do('poke(0, b"host")');
    assert.equal(await guest.do("peek(0, 4)"), "b'host'");
    await guest.do('poke(100, b"guest")');
    assert.equal(await host.do("peek(100, 5)"), "b'guest'");
    assert.equal(await host.do('os.pread(files["m"], 5, 100)'), "b'guest'");
  });

  it("flock excludes across the border", async () => {
    for (const side of [host, guest]) await side.do('opened("l")');
    assert.equal(await guest.do('flock("l", fcntl.LOCK_EX)'), "locked");
    assert.equal(await host.do('flock("l", fcntl.LOCK_SH)'), "EAGAIN");
    await guest.do('flock("l", fcntl.LOCK_UN)');
    assert.equal(await host.do('flock("l", fcntl.LOCK_SH)'), "locked");
    assert.equal(await guest.do('flock("l", fcntl.LOCK_EX)'), "EAGAIN");
    assert.equal(await guest.do('flock("l", fcntl.LOCK_SH)'), "locked");
    await host.do('flock("l", fcntl.LOCK_UN)');
    assert.equal(await guest.do('flock("l", fcntl.LOCK_EX)'), "locked");
    assert.equal(await guest.do('closed("l")'), "closed");
    assert.equal(await host.do('flock("l", fcntl.LOCK_EX)'), "locked");
  });

  it("whoever waits for a lock of the host's gets it when it goes", async () => {
    await guest.do('opened("l")');
    const waits = guest.do('flock_wait("l", fcntl.LOCK_EX)');
    assert.equal(await host.do("time.sleep(0.2)"), "None");
    assert.equal(await host.do('flock("l", fcntl.LOCK_UN)'), "locked");
    assert.equal(await waits, "locked");
    assert.equal(await host.do('flock("l", fcntl.LOCK_EX)'), "EAGAIN");
    await guest.do('closed("l")');
  });

  it("byte ranges exclude across the border", async () => {
    for (const side of [host, guest]) await side.do('opened("r")');
    assert.equal(await guest.do('posix("r", fcntl.LOCK_EX, 10, 10)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 0, 10)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 15, 1)'), "EAGAIN");
    assert.equal(await host.do('getlk("r", fcntl.F_WRLCK, 0, 100)'), `(${1}, 10, 10)`);
    assert.equal(await guest.do('getlk("r", fcntl.F_RDLCK, 0, 5)'), "(1, 0, 10)");
    // The middle goes, both ends stay.
    assert.equal(await guest.do('posix("r", fcntl.LOCK_UN, 13, 4)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 13, 4)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 12, 1)'), "EAGAIN");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 17, 1)'), "EAGAIN");
    assert.equal(await guest.do('ofd("r", fcntl.F_RDLCK, 13, 1)'), "EAGAIN");
    assert.equal(await guest.do('ofd("r", fcntl.F_RDLCK, 100, 0)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_SH, 1000, 1)'), "locked");
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX, 1000, 1)'), "EAGAIN");
    // close(2) drops them all.
    await guest.do('closed("r")');
    assert.equal(await host.do('posix("r", fcntl.LOCK_EX)'), "locked");
    await host.do('closed("r")');
  });

  const IN_MODIFY = "0x2";
  const IN_CLOSE_WRITE = "0x8";
  const IN_CREATE = "0x100";
  const IN_DELETE = "0x200";
  const DIRECTORY = 0x40000000;

  it("the guest's inotify hears of what the host does, once", async () => {
    assert.equal(await host.do('os.mkdir(DIR + "watched")'), "None");
    assert.equal(await guest.do('watch("watched", 0xfff)'), "watching");
    await host.do('wrote("watched/new", b"text")');
    const kinds = (text: string): string[] =>
      [...text.matchAll(/\('(0x[0-9a-f]+)', '([^']*)'\)/g)].map(([, mask, name]) => `${mask} ${name}`);
    assert.deepEqual(kinds(await guest.do("events(3)")), [`${IN_CREATE} new`, `${IN_MODIFY} new`, `${IN_CLOSE_WRITE} new`]);
    await host.do('os.rename(DIR + "watched/new", DIR + "watched/old")');
    assert.deepEqual(kinds(await guest.do("events(2)")), ["0x40 new", "0x80 old"]);
    await host.do('os.mkdir(DIR + "watched/sub")');
    await host.do('os.unlink(DIR + "watched/old")');
    const made = `0x${(DIRECTORY + 0x100).toString(16)} sub`;
    assert.deepEqual(kinds(await guest.do("events(2)")), [made, `${IN_DELETE} old`]);
    assert.equal(await guest.do("quiet(0.2)"), "[]");
  });

  it("the guest's own changes are told once", async () => {
    assert.equal(await guest.do('wrote("watched/mine", b"x" * 10)'), "wrote");
    const own = await guest.do("events(4)");
    assert.deepEqual(
      [...own.matchAll(/'(0x[0-9a-f]+)'/g)].map(([, mask]) => mask),
      [IN_CREATE, "0x20", IN_MODIFY, IN_CLOSE_WRITE],
    );
    assert.equal(await guest.do("quiet(0.3)"), "[]");
    await host.do('wrote("watched/mine", b"y")');
    assert.match(await guest.do("events(3)"), /'0x2', 'mine'.*'0x8', 'mine'/);
  });
});
