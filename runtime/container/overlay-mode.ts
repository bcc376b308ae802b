/** --overlay: where what is written to the root goes. */
import { mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** none: to the root itself. memory: nowhere, it is gone with the sandbox. directory: below it, as overlayfs keeps it. */
export type OverlayMode = "none" | "memory" | { readonly directory: string };

/** Null for what is none of them. */
export const parseOverlayMode = (text: string): OverlayMode | null => {
  if (text === "none" || text === "memory") return text;
  const directory = text.startsWith("dir=") ? text.slice(4) : "";
  return isAbsolute(directory) ? { directory } : null;
};

/** A container's own: one directory serves many. */
export const overlayOf = (mode: OverlayMode, id: string): OverlayMode =>
  typeof mode === "object" ? { directory: join(mode.directory, id) } : mode;

/** What separates overlayfs' options from each other. */
const SEPARATORS = /[,:\\]/;

/**
 * The launcher's tree (native/launcher/trees.h) with `lower` below and `directory`/upper above, both made if need be.
 * Throws an Error that names a path that cannot be part of the options.
 */
export const overlayTree = (lower: string, directory: string): string => {
  const [upper, work] = ["upper", "work"].map((name) => join(directory, name));
  for (const path of [lower, upper]) {
    if (SEPARATORS.test(path)) throw new Error(`--overlay: ${path}: a path with a comma, a colon or a backslash cannot be overlaid`);
  }
  for (const path of [upper, work]) mkdirSync(Buffer.from(path, "latin1"), { recursive: true });
  // An ordinary user may set user.* only.
  const own = process.geteuid?.() === 0 ? "" : ",userxattr";
  return `rw,overlay:lowerdir=${lower},upperdir=${upper},workdir=${work}${own}`;
};
