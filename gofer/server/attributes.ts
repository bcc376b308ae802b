/** From the struct statx of the last statAt to attributes on the wire. */
import { stat } from "../../native/ffi/file-calls-unsafe.ts";
import { ATTRIBUTE_COUNT } from "../protocol/attributes.ts";
import { shownId } from "./id-map.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";

const clampSize = (value: number): number => Math.min(Math.max(value, 0), Number.MAX_SAFE_INTEGER);

/** makedev(3). */
const makedev = (major: number, minor: number): number =>
  Math.floor(major / 0x1000) * 2 ** 44 + Math.floor(minor / 0x100) * 2 ** 20 + (major % 0x1000) * 0x100 + (minor % 0x100);

/** Appends a row for what statAt saw last; `nodeId` 0 when the sentry gets no hold of it. */
export const pushAttributes = (rows: number[], server: FileServer, tree: Tree, nodeId: number): void => {
  const map = server.ownerMap;
  let uid = shownId(tree.uids, stat.uid());
  let gid = shownId(tree.gids, stat.gid());
  if (map !== null) {
    if (uid === map.hostUid) uid = map.guestUid;
    if (gid === map.hostGid) gid = map.guestGid;
  }
  rows.push(
    nodeId,
    stat.mode(),
    tree.statIno(),
    tree.statDevice(),
    stat.nlink(),
    uid,
    gid,
    makedev(stat.rdevMajor(), stat.rdevMinor()),
    clampSize(stat.size()),
    clampSize(stat.blocks()),
    stat.blockSize(),
    stat.atimeSec(),
    stat.atimeNsec(),
    stat.mtimeSec(),
    stat.mtimeNsec(),
    stat.ctimeSec(),
    stat.ctimeNsec(),
    stat.btimeSec(),
    stat.btimeNsec(),
  );
};

const nothing: readonly number[] = new Array(ATTRIBUTE_COUNT).fill(0);

/** Appends the row of a file that is not there. */
export const pushNothing = (rows: number[]): void => {
  rows.push(...nothing);
};
