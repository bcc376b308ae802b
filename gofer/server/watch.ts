/**
 * Watches for changes by host processes (inotify(7)). The instance is the gofer's, which alone can name files; the
 * sentry gets its fd and reads the events itself. Watches are told by watch descriptors.
 */

import { dupFd } from "../../native/ffi/file-calls-unsafe.ts";
import { addInotifyWatch, createInotify, removeInotifyWatch } from "../../native/ffi/inotify-unsafe.ts";
import { inotify, unwatch, watch } from "../protocol/messages.ts";
import { handle, nodeOf } from "./handler.ts";

export const onInotify = handle(inotify, (server) => {
  if (server.inotifyFd < 0) {
    const fd = createInotify();
    if (fd < 0) return fd;
    server.inotifyFd = fd;
  }
  const fd = dupFd(server.inotifyFd);
  if (fd < 0) return fd;
  server.donate(fd);
  return [0];
});

export const onWatch = handle(watch, (server, id, mask) => {
  const node = nodeOf(server, id);
  if (typeof node === "number") return node;
  const fd = server.nodes.fd(node);
  if (fd < 0) return fd;
  const wd = addInotifyWatch(server.inotifyFd, server.procFd, fd, mask);
  return wd < 0 ? wd : [0, wd];
});

export const onUnwatch = handle(unwatch, (server, wd) => {
  const result = removeInotifyWatch(server.inotifyFd, wd);
  return result < 0 ? result : [0];
});
