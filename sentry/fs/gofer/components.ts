/** The names that a walk will look up one below the other, for one message. */

import { MAX_WALK } from "../../../gofer/protocol/messages.ts";
import { NAME_MAX } from "../../../syscall-tables/limits.ts";

const SLASH = 47;

/** From index `at` of `path` on, up to what must be looked at by itself ("." and ".."). */
export const components = (path: string, at: number): string[] => {
  const names: string[] = [];
  for (let from = at; from < path.length && names.length < MAX_WALK; ) {
    let end = path.indexOf("/", from);
    if (end < 0) end = path.length;
    const name = path.slice(from, end);
    if (name === "." || name === ".." || name.length > NAME_MAX) break;
    names.push(name);
    for (from = end; path.charCodeAt(from) === SLASH; ) from++;
  }
  return names;
};
