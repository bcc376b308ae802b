/** A served tree for the server's tests, and what a sentry asks of it. */
import assert from "node:assert/strict";
import { closeSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";
import { ATTRIBUTE_COUNT, NODE } from "../protocol/attributes.ts";
import { packInto, unpackFrom } from "../protocol/codec.ts";
import * as messages from "../protocol/messages.ts";
import { ROW_BYTES, unpackEntries, unpackRow } from "../protocol/packed.ts";
import { FileServer } from "./server.ts";

export const O_PATH = 0o10000000;
export const O_RDWR = 2;
export const request = Buffer.alloc(messages.MAX_REQUEST);
export const reply = Buffer.alloc(messages.MAX_REPLY);

export let root: string;
export let outside: string;
export let server: FileServer;

export const serve = (readOnly = false, maxOpen?: number): FileServer =>
  new FileServer({
    trees: [{ fd: openAt(AT_FDCWD, root, O_PATH), readOnly }],
    ...(maxOpen === undefined ? {} : { maxOpen }),
  });

export const callRaw = (length: number): unknown[] | number => {
  const answer = unpackFrom(reply, server.handle(request, length, reply)) as unknown[];
  return answer.length === 1 && answer[0] !== 0 ? (answer[0] as number) : answer;
};

/** Any values at all, as a hostile sentry would send them. */
export const send = (...values: unknown[]): unknown[] | number => callRaw(packInto(request, values));

export const call = <Q extends readonly unknown[], R extends readonly unknown[]>(
  message: messages.Message<Q, R>,
  ...fields: Q
): readonly [0, ...R] => {
  const answer = send(message.id, ...fields);
  assert.ok(typeof answer !== "number", `message ${message.id}: errno ${-(answer as number)}`);
  return answer as unknown as readonly [0, ...R];
};

export const attach = (): number => call(messages.attach, 0)[1][NODE];

export const find = (node: number, ...names: string[]): number[] => {
  const [, error, found] = call(messages.walk, node, names, 0, 0);
  assert.equal(error, 0);
  return found.slice(-ATTRIBUTE_COUNT);
};

export const packedRows = (bytes: Uint8Array): number[][] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / ROW_BYTES }, (_, i) => {
    const row: number[] = [];
    assert.ok(unpackRow(view, i * ROW_BYTES, row));
    return row;
  });
};

export const names = (node: number): string[] => {
  const all: string[] = [];
  for (let restart = 1; ; restart = 0) {
    const [, isLast, entries] = call(messages.readdir, node, [], restart);
    all.push(...unpackEntries(entries).map(({ name }) => name));
    if (isLast === 1) return all;
  }
};

beforeEach(() => {
  const base = mkdtempSync(join(tmpdir(), "gofer-"));
  root = join(base, "tree");
  outside = join(base, "outside");
  mkdirSync(join(root, "a/b"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(root, "a/b/file"), "hello");
  writeFileSync(join(root, "top"), "top");
  symlinkSync("../outside/secret", join(root, "up"));
  symlinkSync(outside, join(root, "away"));
  server = serve();
});

afterEach(() => {
  const fd = server.takeDonated();
  if (fd >= 0) closeSync(fd);
  server.close();
  rmSync(join(root, ".."), { recursive: true });
});

/** `other` answers from now on. */
export const replaceServer = (other: FileServer): void => {
  server.close();
  server = other;
};
