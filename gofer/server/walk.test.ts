import assert from "node:assert/strict";
import { chmodSync, closeSync, fstatSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ATTRIBUTE_COUNT, INO, NODE, SIZE } from "../protocol/attributes.ts";
import { ENOENT, EPROTO } from "../protocol/errno.ts";
import * as messages from "../protocol/messages.ts";
import { unpackEntries } from "../protocol/packed.ts";
import { attach, call, find, outside, root, send, server } from "./fake-sentry.ts";

test("a walk goes as far as there are directories", () => {
  const node = attach();
  const [, error, found] = call(messages.walk, node, ["a", "b", "file"], 0, 0);
  assert.equal(error, 0);
  assert.equal(found.length, 3 * ATTRIBUTE_COUNT);
  assert.equal(found[2 * ATTRIBUTE_COUNT + SIZE], 5);
  assert.equal(found[2 * ATTRIBUTE_COUNT + INO], statSync(join(root, "a/b/file")).ino);
  const missing = call(messages.walk, node, ["a", "no", "file"], 0, 0);
  assert.equal(missing[1], ENOENT);
  assert.equal(missing[2].length, ATTRIBUTE_COUNT);
  const through = call(messages.walk, node, ["top", "x"], 0, 0);
  assert.deepEqual([through[1], through[2].length], [0, ATTRIBUTE_COUNT]);
  const link = call(messages.walk, node, ["away", "secret"], 0, 0);
  assert.deepEqual([link[2].length, link[3]], [ATTRIBUTE_COUNT, [outside]]);
});

test("a walk follows links inside the tree, and only when asked to", () => {
  const node = attach();
  const inodes = (found: number[]): number[] => found.filter((_, at) => at % ATTRIBUTE_COUNT === INO);
  const ino = (name: string): number => lstatSync(join(root, name)).ino;
  symlinkSync("b/file", join(root, "a/near"));
  symlinkSync("/a//near", join(root, "far"));
  symlinkSync("a", join(root, "dir"));
  symlinkSync("loop", join(root, "loop"));
  symlinkSync("/a/none", join(root, "lost"));
  const { WALK_LINKS, WALK_OPEN } = messages;
  const near = call(messages.walk, node, ["a", "near"], WALK_LINKS | WALK_OPEN, 0);
  assert.deepEqual([near[1], inodes(near[2]), near[3]], [0, ["a", "a/near", "a/b", "a/b/file"].map(ino), ["b/file"]]);
  const fd = server.takeDonated();
  assert.equal(fstatSync(fd).ino, ino("a/b/file"));
  closeSync(fd);
  const far = call(messages.walk, node, ["far"], WALK_LINKS, node);
  assert.deepEqual([inodes(far[2]), far[3]], [["far", "a", "a/near", "a/b", "a/b/file"].map(ino), ["/a//near", "b/file"]]);
  // Without a root, or not asked to, a link ends the walk.
  assert.deepEqual(inodes(call(messages.walk, node, ["far"], WALK_LINKS, 0)[2]), [ino("far")]);
  assert.deepEqual(inodes(call(messages.walk, node, ["far"], 0, node)[2]), [ino("far")]);
  const dir = call(messages.walk, node, ["dir", "b", "file"], WALK_LINKS, node);
  assert.deepEqual(inodes(dir[2]), ["dir", "a", "a/b", "a/b/file"].map(ino));
  const lost = call(messages.walk, node, ["lost"], WALK_LINKS, node);
  assert.deepEqual([lost[1], inodes(lost[2])], [ENOENT, ["lost", "a"].map(ino)]);
  const loop = call(messages.walk, node, ["loop", "x"], WALK_LINKS, node);
  assert.equal(loop[3].length, messages.MAX_WALK_LINKS);
  // Out of the tree: a name there is looked for inside, ".." not at all.
  assert.equal(call(messages.walk, node, ["away", "secret"], WALK_LINKS, node)[1], ENOENT);
  const up = call(messages.walk, node, ["up", "secret"], WALK_LINKS, node);
  assert.deepEqual([up[1], inodes(up[2])], [0, [ino("up")]]);
  assert.equal(send(messages.walk.id, node, ["a"], 8, 0), EPROTO);
  assert.equal(send(messages.walk.id, node, ["a"], 0, -1), EPROTO);
  // A root that the sentry does not hold, or that is no directory, counts as none.
  for (const base of [9999, find(node, "top")[NODE]]) {
    assert.deepEqual(inodes(call(messages.walk, node, ["far"], WALK_LINKS, base)[2]), [ino("far")]);
  }
});

test("a walk that misses a name brings what a small directory holds", () => {
  const node = attach();
  const { WALK_LIST } = messages;
  const missed = call(messages.walk, node, ["a", "none"], WALK_LIST, 0);
  assert.deepEqual([missed[1], missed[4]], [ENOENT, 1]);
  const names = unpackEntries(missed[5]).map(({ name }) => name);
  assert.deepEqual(names.sort(), readdirSync(join(root, "a")).sort());
  assert.equal(call(messages.walk, node, ["a", "none"], 0, 0)[4], 0);
  assert.equal(call(messages.walk, node, ["a", "b"], WALK_LIST, 0)[4], 0);
  mkdirSync(join(root, "empty"));
  const empty = call(messages.walk, node, ["empty", "none"], WALK_LIST, 0);
  assert.deepEqual([empty[4], empty[5].length], [1, 0]);
  mkdirSync(join(root, "large"));
  for (let i = 0; i < 300; i++) writeFileSync(join(root, "large", `a-long-name-of-a-file-${i}`), "");
  const large = call(messages.walk, node, ["large", "none"], WALK_LIST, 0);
  assert.deepEqual([large[1], large[4], large[5].length], [ENOENT, 0, 0]);
});

test("a walk tells of executables without extended attributes", () => {
  const node = attach();
  const { WALK_OPEN } = messages;
  const told = (name: string): number => {
    const answer = call(messages.walk, node, [name], WALK_OPEN, 0);
    closeSync(server.takeDonated());
    return answer[6];
  };
  assert.equal(told("top"), 1);
  chmodSync(join(root, "top"), 0o755);
  assert.equal(told("top"), 0);
  const top = find(node, "top")[NODE];
  assert.deepEqual(call(messages.setxattr, top, "user.x", Buffer.from("1"), 0), [0]);
  assert.equal(told("top"), 1);
});

test("a walk can bring the file along", () => {
  call(messages.walk, attach(), ["top"], messages.WALK_OPEN, 0);
  const fd = server.takeDonated();
  assert.equal(fstatSync(fd).size, 3);
  closeSync(fd);
});
