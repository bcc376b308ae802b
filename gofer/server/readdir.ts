import { closeFd, data, dataView, openAt, readDirectoryFd } from "../../native/ffi/file-calls-unsafe.ts";
import { EINVAL, ENOTDIR } from "../protocol/errno.ts";
import { readdir } from "../protocol/messages.ts";
import { handle, nodeOf } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";
import { O_CLOEXEC, O_DIRECTORY, S_IFDIR } from "./types.ts";

/** struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name. */
const D_RECLEN = 16;
const D_TYPE = 18;
const D_NAME = 19;

const pushEntries = (entries: unknown[], tree: Tree, length: number): void => {
  for (let at = 0; at < length; ) {
    const next = at + dataView.getUint16(at + D_RECLEN, true);
    const name = data.toString("latin1", at + D_NAME, data.indexOf(0, at + D_NAME));
    if (name !== "." && name !== "..") {
      entries.push(name, tree.foldIno(dataView.getUint32(at + 4, true), dataView.getUint32(at, true)), data[at + D_TYPE]);
    }
    at = next;
  }
};

const endListing = (server: FileServer): void => {
  if (server.listingFd >= 0) closeFd(server.listingFd);
  server.listingFd = -1;
  server.listingNode = 0;
};

/** The sentry reads a listing to its end before it asks anything else about it, so one is enough. */
export const onReaddir = handle(readdir, (server, id, restart) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  if (node.type !== S_IFDIR) return ENOTDIR;
  if (restart === 1) {
    endListing(server);
    const pathFd = server.nodes.fd(node);
    if (pathFd < 0) return pathFd;
    const fd = openAt(pathFd, ".", O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fd;
    server.listingFd = fd;
    server.listingNode = id;
  }
  if (server.listingNode !== id) return EINVAL;
  const entries: unknown[] = [];
  let total = 0;
  let length = 0;
  // Small directories end within their first answer, which takes one more, empty, getdents64.
  do {
    length = readDirectoryFd(server.listingFd, data.length - total);
    if (length > 0) pushEntries(entries, node.tree, length);
    total += length;
  } while (length > 0 && total < data.length / 2);
  if (length <= 0) endListing(server);
  return length < 0 ? length : [0, length === 0 ? 1 : 0, entries];
});
