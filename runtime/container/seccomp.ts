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

interface Kept {
  readonly program: string | null;
  readonly profile: Pick<SeccompProfile, "agent" | "flags"> | null;
}

/** For exec, which goes by what the container was created with. */
export const keepSeccomp = (directory: string, program: string | null, profile: SeccompProfile | null): void => {
  if (program === null || profile === null) return;
  const { agent, flags } = profile;
  const kept: Kept = { program, profile: { agent, flags } };
  writeFileSync(join(directory, FILE), JSON.stringify(kept), { mode: 0o600 });
};

export const keptSeccomp = (directory: string): Kept => {
  try {
    const kept: Kept = JSON.parse(readFileSync(join(directory, FILE), "utf8"));
    return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { program: null, profile: null };
    throw error;
  }
};
