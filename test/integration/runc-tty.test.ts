/** runc's tty.bats: terminals of run, exec and the console socket, and what programs have that get none. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { type Outcome, root, run } from "./moat.ts";
import { type Runtime, withBoth } from "./runc.ts";

const script = (name: string): string => join(root, "test/integration", name);

const LOOK = 'tty; stat -c "%n %t:%T %a %u:%g" /dev/pts/0; readlink /proc/self/fd/0; test -t 1 && echo terminal';

describeContainers("terminals", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const bundle = (command: string, change: (config: Config) => void = () => {}): string =>
    containers.bundle(["sh", "-c", command], (config) => {
      config.process.terminal = true;
      change(config);
    });

  const onPty = (runtime: Runtime, ...args: string[]): Outcome =>
    run("python3", [script("with-pty.py"), runtime.program, "--root", runtime.root, ...args]);

  it("run with a terminal: /dev/pts/0, owned by the user, bound over /dev/console", () => {
    const made = bundle(
      `${LOOK}; stat -c "%n %t:%T" /dev/console; grep -c " /dev/console " /proc/mounts; echo x > /dev/console; until stty size 2>/dev/null | grep "24 80"; do sleep 0.1; done`,
    );
    withBoth(containers, (runtime) => {
      const { stdout, status } = onPty(runtime, "run", "-b", made, containers.id(`tty-${runtime.name}`));
      const look = "/dev/pts/0\n/dev/pts/0 88:0 620 0:5\n/dev/pts/0\nterminal\n";
      assert.deepEqual([stdout, status], [`${look}/dev/console 88:0\n1\nx\n24 80\n`, 0]);
    });
  });

  it("as a user, with its own exit status", () => {
    const made = bundle(`${LOOK}; exit 42`, (config) => {
      config.process.user = { uid: 1000, gid: 1000 };
    });
    withBoth(containers, (runtime) => {
      const { stdout, status } = onPty(runtime, "run", "-b", made, containers.id(`tty-user-${runtime.name}`));
      assert.deepEqual([stdout, status], ["/dev/pts/0\n/dev/pts/0 88:0 620 1000:5\n/dev/pts/0\nterminal\n", 42]);
    });
  });

  it("run without a terminal, from one: pipes, and no /dev/console", () => {
    const made = containers.bundle([
      "sh",
      "-c",
      "tty; test -t 1 || echo none; readlink /proc/self/fd/1 | cut -c1-6; test -e /dev/console || echo no console",
    ]);
    withBoth(containers, (runtime) => {
      const { stdout } = onPty(runtime, "run", "-b", made, containers.id(`no-tty-${runtime.name}`));
      assert.equal(stdout, "not a tty\nnone\npipe:[\nno console\n");
    });
  });

  it("standard files elsewhere: the program has a terminal all the same, of the size of the session's", () => {
    const look =
      "tty; for fd in 0 1 2; do readlink /proc/self/fd/$fd; done; until stty size 2>/dev/null | grep '24 80'; do sleep 0.1; done; echo err >&2; exit 6";
    const made = bundle(look);
    const expected = `${"/dev/pts/0\n".repeat(4)}24 80\nerr\n`;
    withBoth(containers, (runtime) => {
      const id = containers.id(`tty-elsewhere-${runtime.name}`);
      const elsewhere = (...args: string[]): string =>
        run("python3", [
          script("with-pty.py"),
          "sh",
          "-c",
          '"$@" </dev/null | cat; echo end',
          "sh",
          runtime.program,
          "--root",
          runtime.root,
          ...args,
        ]).stdout;
      assert.equal(elsewhere("run", "-b", made, id), `${expected}end\n`);
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", containers.bundle(["sleep", "100"]), id), 0);
      assert.equal(elsewhere("exec", "-t", id, "sh", "-c", look), `${expected}end\n`);
      assert.equal(runtime.call("delete", "--force", id).status, 0);
      // A session without a terminal has none to give.
      const without = run("setsid", ["-w", runtime.program, "--root", runtime.root, "run", "-b", made, `${id}-without`]);
      assert.equal(without.status, 1);
      assert.match(without.stderr, /open \/dev\/tty: no such device or address/);
    });
  });

  it("/dev/ptmx among linux.devices is the terminals' all the same", () => {
    const made = containers.bundle(["sh", "-c", "readlink /dev/ptmx; stat -L -c '%F %a %h %u:%g %t:%T' /dev/ptmx"], (config) => {
      config.linux = { ...Object(config.linux), devices: [{ path: "/dev/ptmx", type: "c", major: 5, minor: 2 }] };
    });
    withBoth(containers, (runtime) => {
      const { stdout } = runtime.call("run", "-b", made, containers.id(`ptmx-${runtime.name}`));
      assert.equal(stdout, "pts/ptmx\ncharacter special file 666 1 0:0 5:2\n");
    });
  });

  it("keys that signal are the container's, and so is a change of the size", () => {
    const made = bundle(
      "trap 'echo size me' INT; trap 'stty size | grep \"33 77\" && exit 5' WINCH; echo ready; while :; do sleep 0.1; done",
    );
    withBoth(containers, (runtime) => {
      const { stdout, status } = run("python3", [
        script("keys-on-pty.py"),
        runtime.program,
        "--root",
        runtime.root,
        "run",
        "-b",
        made,
        containers.id(`keys-${runtime.name}`),
      ]);
      assert.deepEqual([stdout, status], ["ready\n^Csize me\n33 77\n", 5]);
    });
  });

  it("exec with and without one", () => {
    const made = containers.bundle(["sleep", "100"]);
    withBoth(containers, (runtime) => {
      const id = containers.id(`exec-tty-${runtime.name}`);
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", made, id), 0);
      assert.equal(
        onPty(runtime, "exec", "-t", id, "sh", "-c", LOOK).stdout,
        "/dev/pts/0\n/dev/pts/0 88:0 620 0:5\n/dev/pts/0\nterminal\n",
      );
      assert.equal(onPty(runtime, "exec", "-t", "-u", "7:8", id, "sh", "-c", `${LOOK}; exit 3`).status, 3);
      assert.equal(onPty(runtime, "exec", id, "sh", "-c", "tty; ls /dev/pts").stdout, "not a tty\nptmx\n");
      assert.equal(runtime.call("exec", id, "ls", "/dev/pts").stdout, "ptmx\n");
      assert.equal(runtime.call("delete", "--force", id).status, 0);
    });
  });

  /** The holder of the master, listening. */
  const console_ = async (path: string, typed: string): Promise<{ child: ChildProcess; output: () => string }> => {
    const child = spawn("python3", [script("console-socket.py"), path, typed], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.setEncoding("latin1");
    child.stdout.on("data", (text: string) => {
      output += text;
    });
    await once(child.stdout, "data");
    return { child, output: () => output.replace("listening\n", "") };
  };

  it("the console socket's holder types, reads and resizes", async () => {
    const made = bundle(
      'read line; echo "got $line"; tty; stty size; trap "stty size; exit 5" WINCH; echo resize; while :; do sleep 0.1; done',
      (config) => {
        config.process.consoleSize = { height: 10, width: 110 };
      },
    );
    const cases: { runtime: Runtime; socket: string }[] = [];
    withBoth(containers, (runtime) => {
      cases.push({ runtime, socket: join(containers.directory, `${runtime.name}.sock`) });
    });
    for (const { runtime, socket } of cases) {
      const { child, output } = await console_(socket, "typed\n");
      const id = containers.id(`console-${runtime.name}`);
      const ended = once(child, "exit");
      assert.equal(runtime.detached("/dev/null", "run", "-d", "-b", made, "--console-socket", socket, id), 0);
      await ended;
      assert.equal(output(), "typed\ngot typed\n/dev/pts/0\n10 110\nresize\n33 77\n", runtime.name);
      assert.equal(runtime.call("delete", "--force", id).status, 0);
    }
  });

  it("what does not fit is refused in runc's words", () => {
    const made = bundle("true");
    withBoth(containers, (runtime) => {
      const id = `refused-${runtime.name}`;
      const detached = runtime.call("run", "-d", "-b", made, id);
      assert.equal(detached.status, 1);
      assert.match(detached.stderr, /cannot allocate tty if runc will detach without setting console socket/);
      const socket = runtime.call("run", "-b", made, "--console-socket", "/nowhere", id);
      assert.equal(socket.status, 1);
      assert.match(socket.stderr, /cannot use console socket if runc will not detach or allocate tty/);
      assert.equal(runtime.call("state", id).status, 1);
    });
  });
});
