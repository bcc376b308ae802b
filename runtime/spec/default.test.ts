import assert from "node:assert/strict";
import { it } from "node:test";
import { defaultSpec } from "./default.ts";
import { rootlessSpec } from "./rootless.ts";

const typesOf = ({ linux }: { readonly linux: { readonly namespaces: readonly { readonly type: string }[] } }): string =>
  linux.namespaces.map(({ type }) => type).join(" ");

it("a container has a cgroup namespace where cgroup v2 is alone, as with runc", () => {
  assert.equal(typesOf(defaultSpec(false)), "pid network ipc uts mount");
  assert.equal(typesOf(defaultSpec(true)), "pid network ipc uts mount cgroup");
  assert.equal(typesOf(rootlessSpec(defaultSpec(true), 5, 6)), "pid ipc uts mount cgroup user");
});
