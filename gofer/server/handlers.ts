/** Every message's handler, by message id. */
import { MAX_MESSAGE_ID } from "../protocol/messages.ts";
import { onAttach } from "./attach.ts";
import { onCreate, onLink, onMkdir, onMknod, onSymlink, onTmpfile } from "./create.ts";
import { onForget } from "./forget.ts";
import type { Handler } from "./handler.ts";
import { onOpen } from "./open.ts";
import { onPlace } from "./place.ts";
import { onReaddir } from "./readdir.ts";
import { onReadlink, onStatfs } from "./readlink.ts";
import { onRename, onRmdir, onUnlink } from "./remove.ts";
import { onScan } from "./scan.ts";
import { onSetattr } from "./setattr.ts";
import { onGetattr, onStats } from "./stats.ts";
import { onWalk } from "./walk.ts";
import { onInotify, onUnwatch, onWatch } from "./watch.ts";
import { onGetxattr, onListxattr, onRemovexattr, onSetxattr } from "./xattr.ts";

export const handlers: readonly (Handler | undefined)[] = (() => {
  const table: (Handler | undefined)[] = new Array(MAX_MESSAGE_ID + 1).fill(undefined);
  for (const handler of [
    onAttach,
    onWalk,
    onReaddir,
    onStats,
    onGetattr,
    onOpen,
    onCreate,
    onMkdir,
    onMknod,
    onSymlink,
    onLink,
    onTmpfile,
    onUnlink,
    onRmdir,
    onRename,
    onSetattr,
    onReadlink,
    onGetxattr,
    onSetxattr,
    onListxattr,
    onRemovexattr,
    onStatfs,
    onForget,
    onPlace,
    onScan,
    onInotify,
    onWatch,
    onUnwatch,
  ]) {
    table[handler.message.id] = handler;
  }
  return table;
})();
