import { data, readlinkAt, statfsFd } from "../../native/ffi/file-calls-unsafe.ts";
import { S_IFLNK } from "../../syscall-tables/flags/open.ts";
import { EINVAL } from "../protocol/errno.ts";
import { MAX_TARGET, readlink, statfs } from "../protocol/messages.ts";
import { handle, nodeOf } from "./handler.ts";

export const onReadlink = handle(readlink, (server, id) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  if (node.type !== S_IFLNK) return EINVAL;
  const fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  const length = readlinkAt(fd, "");
  return length < 0 ? length : [0, data.toString("latin1", 0, Math.min(length, MAX_TARGET))];
});

export const onStatfs = handle(statfs, (server, id) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  const fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  const figures = statfsFd(fd);
  return typeof figures === "number" ? figures : [0, figures];
});
