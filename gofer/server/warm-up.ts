/**
 * What the gofer does while the sentry still starts: it asks itself, so that the first questions of the sentry, which
 * waits for each answer, do not meet code that has never run.
 */
import { availableParallelism } from "node:os";
import { closeFd } from "../../native/ffi/file-calls-unsafe.ts";
import { ATTRIBUTE_COUNT, NODE } from "../protocol/attributes.ts";
import { packInto, unpackFrom } from "../protocol/codec.ts";
import { attach, forget, MAX_REPLY, type Message, readdir, stats, WALK_LINKS, WALK_LIST, WALK_OPEN, walk } from "../protocol/messages.ts";
import type { FileServer } from "./server.ts";

/** Enough for what a first call costs. More would take CPU time from others, and on one CPU from the sentry. */
const ROUNDS = 8;
const FILE = ["etc", "passwd"];
const NOT_THERE = "\x01";

export const warmUp = (server: FileServer): void => {
  if (availableParallelism() < 2) return;
  const request = Buffer.alloc(4096);
  const reply = Buffer.alloc(MAX_REPLY);
  const ask = <Request extends readonly unknown[], Reply extends readonly unknown[]>(
    message: Message<Request, Reply>,
    ...fields: Request
  ): unknown[] => {
    const length = server.handle(request, packInto(request, [message.id, ...fields]), reply);
    const fd = server.takeDonated();
    if (fd >= 0) closeFd(fd);
    return unpackFrom(reply, length) ?? [];
  };
  for (let i = 0; i < ROUNDS; i++) {
    const [status, attributes, isReadOnly] = ask(attach, 0);
    if (status !== 0 || !Array.isArray(attributes)) return;
    // In a tree that is not read-only the guest sees access times: nothing is opened or listed there.
    const root = Number(attributes[NODE]);
    const flags = isReadOnly === 1 ? WALK_OPEN | WALK_LINKS | WALK_LIST : 0;
    const [, , found] = ask(walk, root, FILE, flags, root);
    ask(walk, root, [NOT_THERE], flags, root);
    ask(stats, root, [], [...FILE, NOT_THERE]);
    if (isReadOnly === 1) ask(readdir, root, [], 1);
    if (!Array.isArray(found)) return;
    const held = found.filter((_, at) => at % ATTRIBUTE_COUNT === NODE).map(Number);
    if (held.length > 0) ask(forget, held);
  }
};
