import { statAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from "../../syscall-tables/flags/open.ts";
import { getattr, MAX_STATS, stats } from "../protocol/messages.ts";
import { packRow, ROW_BYTES } from "../protocol/packed.ts";
import { pushAttributes, pushNothing } from "./attributes.ts";
import { enter, leave } from "./directory.ts";
import { handle } from "./handler.ts";

const packed = Buffer.alloc(MAX_STATS * ROW_BYTES);
const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
const row: number[] = [];

export const onStats = handle(stats, (server, id, path, names) => {
  const place = enter(server, id, path);
  if (typeof place === "number") return place;
  let used = 0;
  for (const name of names) {
    row.length = 0;
    if (statAt(place.fd, name, AT_SYMLINK_NOFOLLOW) < 0) pushNothing(row);
    else pushAttributes(row, server, place.tree, 0);
    packRow(view, used, row);
    used += ROW_BYTES;
  }
  leave(place);
  return [0, packed.subarray(0, used)];
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
