/** A bundle: the directory of config.json. */
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parseExactly } from "../spec/exact-json.ts";
import type { Spec } from "../spec/spec.ts";
import { validateSpec } from "../spec/validate.ts";
import { ContainerError } from "./container-error.ts";

const parseConfig = (json: string): unknown => {
  const config = JSON.parse(json) as { linux?: { seccomp?: unknown } } | null;
  if (config?.linux?.seccomp) config.linux.seccomp = (parseExactly(json) as { linux: { seccomp: unknown } }).linux.seccomp;
  return config;
};

export const readSpec = (bundle: string): Spec => {
  const path = join(bundle, "config.json");
  let json: string;
  try {
    json = readFileSync(Buffer.from(path, "latin1"), "utf8");
  } catch {
    throw new ContainerError("JSON specification file config.json not found");
  }
  let config: unknown;
  try {
    config = parseConfig(json);
  } catch (error) {
    throw new ContainerError(`config.json: ${(error as Error).message}`);
  }
  return validateSpec(config);
};

export const realBundle = (path: string): string => {
  try {
    return (realpathSync(Buffer.from(path, "latin1"), "buffer") as unknown as Buffer).toString("latin1");
  } catch {
    throw new ContainerError(`chdir ${path}: no such file or directory`);
  }
};
