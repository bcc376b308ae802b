import { data, readlinkAt } from "../../native/ffi/file-calls-unsafe.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../syscall-tables/flags/open.ts";
import { MAX_TARGET, WALK_OPEN, walk } from "../protocol/messages.ts";
import { pushAttributes } from "./attributes.ts";
import { handle, nodeOf } from "./handler.ts";
import { openNode } from "./open.ts";

export const onWalk = handle(walk, (server, id, names, flags) => {
  const start = nodeOf(server, id);
  if (typeof start === "number") return start;
  const found: number[] = [];
  let node = start;
  let error = 0;
  for (const name of names) {
    const child = server.nodes.child(node, name);
    if (typeof child === "number") {
      error = child;
      break;
    }
    pushAttributes(found, server, child.tree, child.id);
    node = child;
    if (node.type !== S_IFDIR) break;
  }
  let target = "";
  if (node !== start && node.type === S_IFLNK) {
    const length = readlinkAt(server.nodes.fd(node), "");
    if (length > 0 && length <= MAX_TARGET) target = data.toString("latin1", 0, length);
  }
  if (node !== start && node.type === S_IFREG && (flags & WALK_OPEN) !== 0) {
    // Best effort: a failing open is asked for again by `open`, which says why.
    const fd = openNode(server, node, 0);
    if (fd >= 0) server.donate(fd);
  }
  return [0, error, found, target];
});
