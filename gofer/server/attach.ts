import { statAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_EMPTY_PATH } from "../../syscall-tables/flags/open.ts";
import { ENOENT } from "../protocol/errno.ts";
import { attach } from "../protocol/messages.ts";
import { pushAttributes } from "./attributes.ts";
import { handle } from "./handler.ts";

export const onAttach = handle(attach, (server, index) => {
  const tree = server.trees[index];
  if (tree === undefined || tree.root === null) return ENOENT;
  const result = statAt(tree.root.fd, "", AT_EMPTY_PATH);
  if (result < 0) return result;
  const root: number[] = [];
  pushAttributes(root, server, tree, tree.root.id);
  return [0, root, tree.isReadOnly ? 1 : 0];
});
