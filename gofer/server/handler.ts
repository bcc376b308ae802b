/** What a handler is: a message of the protocol and the function that answers it. */

import { EROFS, ESTALE } from "../protocol/errno.ts";
import type { Message } from "../protocol/messages.ts";
import type { FileServer } from "./server.ts";
import type { Node } from "./tree.ts";

/** [0, ...reply fields], or a negative errno. */
export type Answer<Reply extends readonly unknown[]> = readonly [0, ...Reply] | number;

export interface Handler {
  readonly message: Message<readonly unknown[], readonly unknown[]>;
  /** `values` is the whole request, checked against `message`: [id, ...fields]. */
  run(server: FileServer, values: readonly unknown[]): Answer<readonly unknown[]>;
}

export const handle = <Request extends readonly unknown[], Reply extends readonly unknown[]>(
  message: Message<Request, Reply>,
  answer: (server: FileServer, ...fields: Request) => Answer<Reply>,
): Handler => ({
  message: message as unknown as Handler["message"],
  run: (server, values) => answer(server, ...(values.slice(1) as unknown as Request)),
});

/** The node with `id`; ESTALE for one that the sentry does not hold. */
export const nodeOf = (server: FileServer, id: number): Node | number => server.nodes.get(id) ?? ESTALE;

/** The directory with `id`, if names in it may change. */
export const writableNode = (server: FileServer, id: number): Node | number => {
  const node = server.nodes.get(id);
  if (node === undefined) return ESTALE;
  return node.tree.isReadOnly ? EROFS : node;
};
