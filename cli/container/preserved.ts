/** The descriptors that a program inherits (native/launcher/front.c has kept those that are there). */
import { ContainerError } from "../../runtime/container/container-error.ts";

/** As Go's flag package reads an integer. */
const parse = (text: string): number => {
  if (!/^[+-]?[0-9]+$/.test(text)) throw new ContainerError(`invalid value ${JSON.stringify(text)} for flag -preserve-fds: parse error`);
  return Math.max(0, Number(text));
};

const take = (name: string): number | null => {
  const value = process.env[name];
  delete process.env[name];
  return value === undefined ? null : Number(value);
};

/** Checks --preserve-fds; returns what systemd's socket activation adds to the program's environment (sd_listen_fds(3)). */
export const preservedEnvironment = (flag: string): readonly string[] => {
  const wanted = parse(flag);
  const listening = take("MOAT_LISTEN_FDS") ?? 0;
  const kept = take("MOAT_PRESERVED");
  if (kept !== null) {
    const fd = 3 + kept;
    throw new ContainerError(
      `unable to stat preserved-fd ${kept + 1 - listening} (of ${wanted}): stat /proc/self/fd/${fd}: no such file or directory`,
    );
  }
  return listening === 0 ? [] : [`LISTEN_FDS=${listening}`, "LISTEN_PID=1"];
};
