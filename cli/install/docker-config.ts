/**
 * Docker's daemon.json (dockerd(8), "Daemon configuration file"): Moat's entry below "runtimes", everything
 * else as it was. The file is only ever replaced as a whole, so that a crash leaves the old one or the new one.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CliError } from "../fail.ts";

export interface RuntimeEntry {
  readonly path: string;
  readonly runtimeArgs?: readonly string[];
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

const parse = (text: string): Json => {
  if (text.trim() === "") return {};
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new CliError((error as Error).message);
  }
  if (!isObject(config)) throw new CliError("it is not a JSON object");
  return config;
};

const runtimesOf = (config: Json): Json => {
  const runtimes = config.runtimes ?? {};
  if (!isObject(runtimes)) throw new CliError("runtimes: is not a JSON object");
  return runtimes;
};

/** As the file is indented, or as Docker's documentation does it. */
const indentOf = (text: string): string => /^[{]\r?\n([ \t]+)"/.exec(text.trimStart())?.[1] ?? "    ";

const print = (config: Json, text: string): string => `${JSON.stringify(config, null, indentOf(text))}\n`;

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Docker has runc built in under these names (daemon/config, "runtime name is reserved"). */
const RESERVED = new Set(["runc", "io.containerd.runc.v2", "io.containerd.runtime.v1.linux"]);

export const checkRuntimeName = (name: string): string => {
  if (!/^[A-Za-z0-9][\w.-]*$/.test(name)) throw new CliError(`--runtime: "${name}" cannot be a runtime's name`);
  if (RESERVED.has(name)) throw new CliError(`--runtime: "${name}" is Docker's own name for runc`);
  return name;
};

/** The file's text with the entry; the same text when there is nothing to do. */
export const withRuntime = (text: string, name: string, entry: RuntimeEntry, options: { readonly clobber: boolean }): string => {
  const config = parse(text);
  const runtimes = runtimesOf(config);
  const before = runtimes[name];
  if (isSame(before, entry)) return text;
  const isOther = before !== undefined && (!isObject(before) || before.path !== entry.path);
  if (isOther && !options.clobber) throw new CliError(`runtimes.${name}: is another program's; --clobber replaces it`);
  return print({ ...config, runtimes: { ...runtimes, [name]: entry } }, text);
};

/** The file's text without the entry; the same text when there is nothing to do. */
export const withoutRuntime = (text: string, name: string): string => {
  const config = parse(text);
  const runtimes = runtimesOf(config);
  if (!(name in runtimes)) return text;
  // dockerd does not start with a default that it does not know.
  if (config["default-runtime"] === name) throw new CliError(`default-runtime: is "${name}"; give Docker another default first`);
  const { [name]: _removed, ...others } = runtimes;
  const { runtimes: _all, ...rest } = config;
  return print(Object.keys(others).length > 0 ? { ...config, runtimes: others } : rest, text);
};

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
};

const replace = (path: string, text: string): void => {
  const next = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    const fd = openSync(next, "wx", 0o644);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    try {
      const { mode, uid, gid } = statSync(path);
      chmodSync(next, mode & 0o7777);
      chownSync(next, uid, gid);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  }
};

/** Whether the file was changed. A link to the file stays one. */
export const editFile = (path: string, change: (text: string) => string): boolean => {
  try {
    const text = readText(path);
    const changed = change(text ?? "");
    if (changed === (text ?? "")) return false;
    if (text === null) mkdirSync(dirname(path), { recursive: true });
    replace(text === null ? path : realpathSync(path), changed);
    return true;
  } catch (error) {
    throw new CliError(`${path}: ${(error as Error).message}`);
  }
};
