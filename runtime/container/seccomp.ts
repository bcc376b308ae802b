/** linux.seccomp as the sentry takes it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileProfile } from "../../native/ffi/seccomp-profile-unsafe.ts";
import type { SeccompProfile } from "../../native/seccomp/profile.ts";
import { ContainerError } from "./container-error.ts";

export const compiledSeccomp = (profile: SeccompProfile | null): string | null => {
  if (profile === null) return null;
  try {
    return Buffer.from(compileProfile(profile)).toString("base64");
  } catch (error) {
    throw new ContainerError((error as Error).message);
  }
};

const FILE = "seccomp";

/** For exec, which goes by what the container was created with. */
export const keepSeccomp = (directory: string, compiled: string | null): void => {
  if (compiled !== null) writeFileSync(join(directory, FILE), compiled, { mode: 0o600 });
};

export const keptSeccomp = (directory: string): string | null => {
  try {
    return readFileSync(join(directory, FILE), "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
};
