/** install and uninstall: Moat in Docker's configuration, and how other engines are told of it. */
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, CommanderError } from "commander";
import { shown } from "../byte-strings.ts";
import { addGlobalOptions } from "../container/commands.ts";
import { CliError } from "../fail.ts";
import { checkRuntimeName, editFile, type RuntimeEntry, withoutRuntime, withRuntime } from "./docker-config.ts";
import { snippets } from "./snippets.ts";

const EXIT_FAILED = 1;
const CONFIG_FILE = "/etc/docker/daemon.json";

interface Flags {
  readonly runtime: string;
  readonly configFile: string;
  readonly clobber?: boolean;
}

/** The `moat` beside the bundle that runs now. */
const ownPath = (): string => join(dirname(dirname(realpathSync(process.argv[1]))), "moat");

/** Flags for each start of Moat: they must be such that every command takes them. */
const checkRuntimeArgs = (args: readonly string[]): void => {
  const command = addGlobalOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  command.helpOption(false).enablePositionalOptions();
  try {
    const { operands, unknown } = command.parseOptions([...args]);
    const stranger = unknown[0] ?? operands[0];
    if (stranger !== undefined) throw new CliError(`${stranger}: is no global flag of moat`);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new CliError(error.message.replace(/^error: /, ""));
  }
};

const install = (args: readonly string[], flags: Flags): void => {
  const name = checkRuntimeName(flags.runtime);
  checkRuntimeArgs(args);
  const entry: RuntimeEntry = { path: ownPath(), ...(args.length > 0 ? { runtimeArgs: args } : {}) };
  const isChanged = editFile(flags.configFile, (text) => withRuntime(text, name, entry, { clobber: flags.clobber === true }));
  process.stdout.write(
    isChanged
      ? `${flags.configFile}: runtime ${name} is ${entry.path}. Reload Docker (systemctl reload docker), then: docker run --runtime=${name} IMAGE\n\n`
      : `${flags.configFile}: runtime ${name} was there already.\n\n`,
  );
  process.stdout.write(snippets(name, entry));
};

const uninstall = (flags: Flags): void => {
  const name = checkRuntimeName(flags.runtime);
  const isChanged = editFile(flags.configFile, (text) => withoutRuntime(text, name));
  process.stdout.write(
    isChanged
      ? `${flags.configFile}: runtime ${name} is gone. Reload Docker (systemctl reload docker).\n`
      : `${flags.configFile}: has no runtime ${name}.\n`,
  );
};

const guarded = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`moat: ${error.message}\n`);
    process.exitCode = EXIT_FAILED;
  }
};

const addFlags = (command: Command): Command =>
  command
    .option("--runtime <name>", "the runtime's name in Docker", shown, "moat")
    .option("--config-file <file>", "Docker's configuration", shown, CONFIG_FILE);

export const addInstallCommands = (program: Command): void => {
  addFlags(
    program
      .command("install")
      .summary("make Moat known to Docker")
      .description("Adds Moat to the runtimes in Docker's daemon.json, and prints what containerd and Podman need.")
      .usage("[options] [-- FLAG...]")
      .argument("[FLAG...]", "global flags with which Docker shall call Moat"),
  )
    .option("--clobber", "replace another program's entry of this name")
    .action((args: string[], flags: Flags) => guarded(() => install(args.map(shown), flags)));
  addFlags(
    program.command("uninstall").summary("take Moat out of Docker's configuration").description("Removes what install has added."),
  ).action((flags: Flags) => guarded(() => uninstall(flags)));
};
