/** An ordinary user's sandboxes. Run as root this becomes nobody; else the other tests are of this kind already. */
import assert from "node:assert/strict";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Outcome, root, run } from "./moat.ts";

const NOBODY = "65534";

describe("as an ordinary user", () => {
  let directory = "";
  before(() => {
    // A copy where nobody can read it, wherever the checkout is.
    directory = mkdtempSync(join(tmpdir(), "moat-rootless-"));
    chmodSync(directory, 0o755);
    for (const part of ["dist", "native/build/moat-launcher", "node_modules/@koromix"]) {
      mkdirSync(join(directory, part, ".."), { recursive: true });
      cpSync(join(root, part), join(directory, part), { recursive: true, filter: (source) => !source.includes("/dist/test") });
    }
    cpSync(process.execPath, join(directory, "node"));
  });
  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const moat = (...args: string[]): Outcome => {
    const command = [join(directory, "native/build/moat-launcher"), join(directory, "node"), join(directory, "dist"), ...args];
    if (process.getuid?.() !== 0) return run(command[0], command.slice(1), { cwd: "/" });
    return run("setpriv", ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", ...command], { cwd: "/" });
  };

  it("programs run, with the user's own id", () => {
    const uid = process.getuid?.() === 0 ? NOBODY : String(process.getuid?.());
    assert.deepEqual(moat("do", "id", "-u"), { status: 0, stdout: `${uid}\n`, stderr: "" });
  });

  it("files belong to whom they belong outside, and stay closed", () => {
    const script = "stat -c '%u %a' /etc/passwd; cat /etc/shadow 2>/dev/null || echo closed; echo x 2>/dev/null >/etc/new || echo closed";
    assert.equal(moat("do", "sh", "-c", script).stdout, "0 644\nclosed\nclosed\n");
  });

  it("--network host is the user's network, with what the user may do there", () => {
    const python = `import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); c = socket.create_connection(s.getsockname()); s.accept()[0].send(b"echo\\n"); print(c.recv(9).decode(), end="")
for use in (lambda: socket.socket().bind(("", 80)), lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)):
    try: use(); print("done")
    except PermissionError: print("refused")`;
    const script = `head -n 3 /proc/net/dev | tail -n 1 | cut -d: -f1; python3 -c '${python}'`;
    const refused = readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "latin1") === "1024\n" ? "refused" : "done";
    assert.equal(moat("do", "--network", "host", "--user", "0:0", "sh", "-c", script).stdout, `    lo\necho\n${refused}\nrefused\n`);
  });

  it("root inside is no root outside", () => {
    const script = "id -u; echo x > /etc/new && cat /etc/new; cat /etc/shadow 2>/dev/null || echo closed";
    assert.equal(moat("do", "--user", "0:0", "sh", "-c", script).stdout, "0\nx\nclosed\n");
  });
});
