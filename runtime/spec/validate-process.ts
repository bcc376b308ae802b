/** `process` of config.json, and the process.json of exec. */

import { CAPABILITY_NAMES } from "../../sentry/abi/capability.ts";
import { MAX_ID } from "../../syscall-tables/limits.ts";
import type { CapabilitiesConfig, LimitConfig } from "../sandbox/process-config.ts";
import type { Field } from "./field.ts";
import type { ConsoleSize, SpecProcess } from "./spec.ts";
import { validateIoPriority, validateScheduler } from "./validate-scheduling.ts";

/** config.json's name → RLIMIT_* (getrlimit(2)). */
const LIMITS = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NPROC",
  "NOFILE",
  "MEMLOCK",
  "AS",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
].map((name) => `RLIMIT_${name}`);

const capabilities = (field: Field): CapabilitiesConfig | null => {
  if (!field.exists) return null;
  const set = (key: string): string[] =>
    field
      .at(key)
      .list()
      .map((item) => {
        const name = item.text();
        // runc passes over what the kernel does not know, too.
        return CAPABILITY_NAMES.includes(name) ? name : "";
      })
      .filter((name) => name !== "");
  return {
    bounding: set("bounding"),
    effective: set("effective"),
    inheritable: set("inheritable"),
    permitted: set("permitted"),
    ambient: set("ambient"),
  };
};

/** Above 2^53 a limit is one in name only; RLIM_INFINITY is 2^64 - 1. */
const bound = (field: Field): number | null => {
  const value = field.require().value as number;
  if (typeof value !== "number" || value < 0 || (value < 2 ** 53 && !Number.isInteger(value))) field.refuse("must be an integer from 0 on");
  return value >= 2 ** 53 ? null : value;
};

const limits = (field: Field): LimitConfig[] => {
  const known = new Set<number>();
  return field.list().map((item) => {
    const type = item.at("type");
    const resource = LIMITS.indexOf(type.text());
    if (resource < 0) type.say(`wrong rlimit value: ${type.text()}`);
    if (known.has(resource)) type.refuse("is given twice");
    known.add(resource);
    const limit = { resource, soft: bound(item.at("soft")), hard: bound(item.at("hard")) };
    if (limit.hard !== null && (limit.soft === null || limit.soft > limit.hard)) item.at("soft").refuse("is above the hard limit");
    return limit;
  });
};

const consoleSize = (field: Field): ConsoleSize | null => {
  if (field.isEmpty) return null;
  return { height: field.at("height").integer(0, 65535), width: field.at("width").integer(0, 65535) };
};

export const validateProcess = (field: Field): SpecProcess => {
  if (!field.exists) field.say("process property must not be empty");
  const args = field.at("args");
  const argv = args.texts();
  if (argv.length === 0) args.say("args must not be empty");
  const cwd = field.at("cwd");
  if (cwd.text("") === "") cwd.say("Cwd property must not be empty");
  if (!cwd.text().startsWith("/")) cwd.say("Cwd must be an absolute path");
  field.at("execCPUAffinity").mustBeEmpty();
  const user = field.at("user");
  const umask = user.at("umask");
  return {
    argv,
    env: field.at("env").texts(),
    cwd: cwd.text(),
    uid: user.at("uid").integer(0, MAX_ID, 0),
    gid: user.at("gid").integer(0, MAX_ID, 0),
    // As runc, which says each once.
    groups: [
      ...new Set(
        user
          .at("additionalGids")
          .list()
          .map((item) => item.integer(0, MAX_ID)),
      ),
    ],
    terminal: field.at("terminal").flag(false),
    capabilities: capabilities(field.at("capabilities")) ?? { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
    limits: limits(field.at("rlimits")),
    noNewPrivileges: field.at("noNewPrivileges").flag(false),
    umask: umask.exists ? umask.integer(0, 0o777) : null,
    oomScoreAdj: field.at("oomScoreAdj").integer(-1000, 1000, 0),
    ioPriority: validateIoPriority(field.at("ioPriority")),
    scheduler: validateScheduler(field.at("scheduler")),
    consoleSize: consoleSize(field.at("consoleSize")),
  };
};
