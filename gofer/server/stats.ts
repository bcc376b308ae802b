import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, statAt } from "../../native/ffi/file-calls-unsafe.ts";
import { getattr, stats } from "../protocol/messages.ts";
import { pushAttributes, pushNothing } from "./attributes.ts";
import { handle, nodeOf } from "./handler.ts";

export const onStats = handle(stats, (server, id, names) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  const fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  const rows: number[] = [];
  for (const name of names) {
    if (statAt(fd, name, AT_SYMLINK_NOFOLLOW) < 0) pushNothing(rows);
    else pushAttributes(rows, server, node.tree, 0);
  }
  return [0, rows];
});

export const onGetattr = handle(getattr, (server, ids) => {
  const rows: number[] = [];
  for (const id of ids) {
    const node = server.nodes.get(id);
    const fd = node === undefined ? -1 : server.nodes.fd(node);
    if (node === undefined || fd < 0 || statAt(fd, "", AT_EMPTY_PATH) < 0) pushNothing(rows);
    else pushAttributes(rows, server, node.tree, id);
  }
  return [0, rows];
});
