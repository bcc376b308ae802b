import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkRuntimeName, editFile, withoutRuntime, withRuntime } from "./docker-config.ts";

const entry = { path: "/opt/moat/moat", runtimeArgs: ["--debug"] };
const add = (text: string, clobber = false): string => withRuntime(text, "moat", entry, { clobber });

test("an entry comes and goes, and the rest stays as it was", () => {
  const text = '{\n  "log-driver": "json-file",\n  "runtimes": {\n    "other": {\n      "path": "/x"\n    }\n  },\n  "debug": true\n}\n';
  const added = add(text);
  assert.deepEqual(JSON.parse(added), {
    "log-driver": "json-file",
    runtimes: { other: { path: "/x" }, moat: entry },
    debug: true,
  });
  assert.equal(withoutRuntime(added, "moat"), text);
});

test("a second time changes nothing, not even the spaces", () => {
  const text = '{"runtimes":{"moat":{"path":"/opt/moat/moat","runtimeArgs":["--debug"]}}}';
  assert.equal(add(text), text);
  assert.equal(withoutRuntime('{"a": 1}', "moat"), '{"a": 1}');
});

test("an empty or missing file becomes one with nothing else; removal leaves no empty runtimes", () => {
  assert.deepEqual(JSON.parse(add("")), { runtimes: { moat: entry } });
  assert.equal(withoutRuntime(add(""), "moat"), "{}\n");
});

test("the flags of an own entry change; another program's entry does not without --clobber", () => {
  assert.deepEqual(JSON.parse(add('{"runtimes":{"moat":{"path":"/opt/moat/moat"}}}')).runtimes.moat, entry);
  assert.throws(() => add('{"runtimes":{"moat":{"path":"/other"}}}'), /runtimes\.moat: is another program's/);
  assert.deepEqual(JSON.parse(add('{"runtimes":{"moat":{"path":"/other"}}}', true)).runtimes.moat, entry);
});

test("what is not understood is left alone", () => {
  assert.throws(() => add("{,}"));
  assert.throws(() => add("[]"), /not a JSON object/);
  assert.throws(() => add('{"runtimes":[]}'), /runtimes: is not/);
  assert.throws(() => withoutRuntime('{"default-runtime":"moat","runtimes":{"moat":{"path":"/x"}}}', "moat"), /default-runtime/);
  for (const name of ["runc", "", "a b", "-x", "../x"]) assert.throws(() => checkRuntimeName(name));
});

test("the file is replaced as a whole: mode and link stay, no other file is left", () => {
  const directory = mkdtempSync(join(tmpdir(), "moat-install-"));
  try {
    const real = join(directory, "real.json");
    const link = join(directory, "daemon.json");
    writeFileSync(real, "{}");
    chmodSync(real, 0o640);
    symlinkSync("real.json", link);
    const inode = statSync(real).ino;
    assert.equal(
      editFile(link, (text) => add(text)),
      true,
    );
    assert.equal(
      editFile(link, (text) => add(text)),
      false,
    );
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.notEqual(statSync(real).ino, inode);
    assert.equal(statSync(real).mode & 0o777, 0o640);
    assert.deepEqual(JSON.parse(readFileSync(real, "utf8")).runtimes.moat, entry);
    assert.equal(
      editFile(join(directory, "new/daemon.json"), (text) => add(text)),
      true,
    );
    writeFileSync(real, "{,}");
    assert.throws(() => editFile(link, (text) => add(text)), /daemon\.json: /);
    assert.equal(readFileSync(real, "utf8"), "{,}");
    assert.deepEqual(readdirSync(directory).sort(), ["daemon.json", "new", "real.json"]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
