/** What of a symbolic link's target a walk can go on with by itself; gofer and sentry must agree on it. */
import { isName } from "./fields.ts";
import { MAX_WALK } from "./messages.ts";

const SLASH = 47;

export const isAbsolute = (target: string): boolean => target.charCodeAt(0) === SLASH;

/** The names of a target that has nothing but names, at most MAX_WALK; null for one with "." or "..", or too long. */
export const targetNames = (target: string): string[] | null => {
  const names = target.split("/").filter((name) => name !== "");
  return names.length > 0 && names.length <= MAX_WALK && names.every(isName) ? names : null;
};
