/** Links of the tree below: what a question to the gofer brings of what they lead to never hides what the guest has put there. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { moatPath, run } from "./moat.ts";

let top = "";

before(() => {
  top = mkdtempSync(join(tmpdir(), "moat-links-"));
  const tree = join(top, "tree");
  mkdirSync(join(tree, "a/b"), { recursive: true });
  mkdirSync(join(tree, "deep"));
  writeFileSync(join(tree, "a/b/f"), "data\n");
  for (const [target, name] of [
    ["f", "a/b/near"],
    [join(tree, "a/b"), "abs"],
    [join(tree, "abs/near"), "far"],
    ["../a", "deep/up"],
    [join(tree, "loop"), "loop"],
    ["none/f", "dangling"],
  ]) {
    symlinkSync(target, join(tree, name));
  }
});
after(() => {
  rmSync(top, { recursive: true, force: true });
});

const script = `
cat far abs/near deep/up/b/near; cat loop; cat far/x; cat dangling; ls abs/none; readlink far
ln -s "$PWD/new" a/b/later; echo new > new; cat a/b/later
mkdir none; echo there > none/f; cat dangling
rm a/b/f; cat far; echo again > a/b/f; cat far
mv abs gone; cat far; mkdir abs; echo shadow > abs/near; cat far; cat deep/up/b/near
cd a/b; rm near; ln -s later near; cat near; cat ../../gone/near
`;

it("links of the root's tree lead where the guest's changes say", () => {
  const tree = join(top, "tree");
  // From inside first: nothing of it reaches the host.
  const inside = run(moatPath, ["do", "sh", "-c", script], { cwd: tree });
  const outside = run("sh", ["-c", script], { cwd: tree });
  assert.match(outside.stdout, /^data\ndata\ndata\n.*\/abs\/near\nnew\nthere\nagain\nshadow\nagain\nnew\nnew\n$/);
  assert.deepEqual(inside, outside);
});
