/** Wrong usage of a container command, told as runc tells it: the command's help, and one line for the log. */
import type { Command, CommanderError, Help } from "commander";
import { ContainerError } from "../../runtime/container/container-error.ts";
import { shown } from "../byte-strings.ts";
import { type GlobalOptions, reportFailure } from "./context.ts";

/** From a container command's own parser. */
export class UsageError extends Error {
  readonly command: Command;
  readonly reason: CommanderError;

  constructor(command: Command, reason: CommanderError) {
    super(reason.message);
    this.command = command;
    this.reason = reason;
  }
}

const EXIT_FAILED = 1;
/** Commands that take more than their first argument, and how many at most. */
const MOST_ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ["exec", Number.POSITIVE_INFINITY],
  ["ps", Number.POSITIVE_INFINITY],
  ["kill", 2],
]);
const WITHOUT_ARGUMENTS = new Set(["list", "spec", "features"]);

const countComplaint = (name: string, isTooMany: boolean): string => {
  const most = MOST_ARGUMENTS.get(name);
  if (most !== undefined) return isTooMany ? `a maximum of ${most}` : "a minimum of 1";
  return `exactly ${WITHOUT_ARGUMENTS.has(name) ? 0 : 1}`;
};

/** `--foo` as Go's flag package calls it. */
const goFlag = (flag: string): string => `-${flag.replace(/^-+/, "").split("=", 1)[0]}`;

const complaint = (command: Command, error: CommanderError): { readonly text: string; readonly isFlag: boolean } => {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? "";
  switch (error.code) {
    case "commander.missingArgument":
    case "commander.excessArguments": {
      const count = countComplaint(command.name(), error.code === "commander.excessArguments");
      return { text: `moat: ${JSON.stringify(command.name())} requires ${count} argument(s)`, isFlag: false };
    }
    case "commander.unknownOption":
      return { text: `flag provided but not defined: ${goFlag(quoted)}`, isFlag: true };
    case "commander.optionMissingArgument":
      return { text: `flag needs an argument: ${goFlag(/--[^ ]+/.exec(quoted)?.[0] ?? quoted)}`, isFlag: true };
    default:
      return { text: error.message.replace(/^error: /, ""), isFlag: true };
  }
};

/** The exit status. */
export const reportUsage = ({ command, reason }: UsageError, globals: GlobalOptions): number => {
  if (reason.exitCode === 0) return 0;
  const { text, isFlag } = complaint(command, reason);
  process.stdout.write(`Incorrect Usage${isFlag ? `: ${shown(text)}` : "."}\n\n${command.helpInformation()}\n`);
  reportFailure(globals, shown(text));
  return EXIT_FAILED;
};

/** A container command's help in the order of runc's, whose first lines programs know. */
export const formatHelp = (command: Command, help: Help): string => {
  const options = help.visibleOptions(command).map((option) => [help.optionTerm(option), help.optionDescription(option)]);
  const width = Math.max(...options.map(([term]) => term.length)) + 2;
  return [
    "NAME:",
    `   moat ${command.name()} - ${command.summary()}`,
    "",
    "USAGE:",
    `   moat ${command.name()} [command options] ${command.usage().replace(/^\[options\] ?/, "")}`.trimEnd(),
    "",
    "OPTIONS:",
    ...options.map(([term, description]) => `   ${term.padEnd(width)}${description}`),
    "",
  ].join("\n");
};

/** What commander does not check. */
export const checkGlobals = ({ logFormat }: GlobalOptions): void => {
  if (logFormat !== "text" && logFormat !== "json") throw new ContainerError(`invalid log-format: ${logFormat}`);
};

export const checkFormat = (format: string): void => {
  if (format !== "table" && format !== "json") throw new ContainerError("invalid format option");
};
