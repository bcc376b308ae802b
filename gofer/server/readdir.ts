import { closeFd, data, dataView, openAt, readDirectoryFd } from "../../native/ffi/file-calls-unsafe.ts";
import { O_CLOEXEC, O_DIRECTORY } from "../../syscall-tables/flags/open.ts";
import { EINVAL } from "../protocol/errno.ts";
import { MAX_LISTING, readdir } from "../protocol/messages.ts";
import { D_INO, D_NAME, D_RECLEN } from "../protocol/packed.ts";
import { enter, leave } from "./directory.ts";
import { handle } from "./handler.ts";
import type { FileServer } from "./server.ts";
import type { Tree } from "./tree.ts";

const DOT = 46;

/** "." or "..", as the entry at `at` of `data` is called. */
export const isDots = (at: number): boolean =>
  data[at + D_NAME] === DOT && (data[at + D_NAME + 1] === 0 || (data[at + D_NAME + 1] === DOT && data[at + D_NAME + 2] === 0));

/** Copies the entries in `data[0…length]` but "." and ".." to `out`; where they end there. The caller has seen to the room. */
export const copyEntries = (out: Buffer, to: number, tree: Tree, length: number): number => {
  let end = to;
  for (let at = 0; at < length; ) {
    const next = at + dataView.getUint16(at + D_RECLEN, true);
    if (!isDots(at)) {
      const high = dataView.getUint32(at + D_INO + 4, true);
      if (high >= 0x10_0000) {
        const ino = tree.foldIno(high, dataView.getUint32(at + D_INO, true));
        dataView.setUint32(at + D_INO, ino % 2 ** 32, true);
        dataView.setUint32(at + D_INO + 4, Math.floor(ino / 2 ** 32), true);
      }
      out.set(data.subarray(at, next), end);
      end += next - at;
    }
    at = next;
  }
  return end;
};

const endListing = (server: FileServer): void => {
  if (server.listingFd >= 0) closeFd(server.listingFd);
  server.listingFd = -1;
};

const listing = Buffer.alloc(MAX_LISTING);

/** The sentry reads a listing to its end before it begins another, so one is enough. */
export const onReaddir = handle(readdir, (server, id, path, restart) => {
  const place = enter(server, id, path);
  if (typeof place === "number") return place;
  const { tree } = place;
  if (restart === 1) {
    endListing(server);
    server.listingFd = openAt(place.fd, ".", O_DIRECTORY | O_CLOEXEC);
  }
  leave(place);
  if (server.listingFd < 0) return restart === 1 ? server.listingFd : EINVAL;
  let used = 0;
  let length = 0;
  // Small directories end within their first answer, which takes one more, empty, getdents64.
  do {
    length = readDirectoryFd(server.listingFd, MAX_LISTING - used);
    if (length > 0) used = copyEntries(listing, used, tree, length);
  } while (length > 0 && used < MAX_LISTING / 2);
  if (length <= 0) endListing(server);
  return length < 0 ? length : [0, length === 0 ? 1 : 0, listing.subarray(0, used)];
});
