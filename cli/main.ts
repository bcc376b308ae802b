/** The command line. Runs as the launcher's child for a moment: reads the flags, hands over a request, and is gone. */
import { Command, CommanderError, Option } from "commander";
import { startProgram } from "../native/start/at-start.ts";
import { DEFAULT_SPEC } from "../runtime/spec/default.ts";
import { argumentBytes, shown } from "./byte-strings.ts";
import { addContainerCommands, addGlobalOptions } from "./container/commands.ts";
import { reportUsage, UsageError } from "./container/usage.ts";
import { planDo } from "./do.ts";
import { addDoOptions, type DoOptions, withBareStrace } from "./do-options.ts";
import { CliError, EXIT_MOAT } from "./fail.ts";
import { addInstallCommands } from "./install/commands.ts";
import { sendRequest } from "./request.ts";
import { VERSION } from "./version.ts";

const program = new Command("moat");

/** Help for a command that does not exist is refused, in runc's words. */
const checkTopic = (): void => {
  const [first, ...rest] = program.args;
  const topic = first === "help" ? rest[0] : first;
  if (topic === undefined || topic.startsWith("-") || program.commands.some((command) => command.name() === topic)) return;
  throw new CliError(`No help topic for '${shown(topic)}'`);
};

const describeProgram = (): Command => {
  program
    .description("Runs Linux programs on a kernel of their own, in user space.")
    .version(VERSION)
    .usage("[options] <command>")
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(shown(text.replace(/^error: /, "moat: "))) });
  program.addHelpText("beforeAll", () => {
    checkTopic();
    return "";
  });
  // What engines read of runc; --version is of commander's style.
  program.addOption(new Option("-v", "print the version like runc").hideHelp()).on("option:v", () => {
    process.stdout.write(`moat version ${VERSION}\ncommit: v${VERSION}\nspec: ${DEFAULT_SPEC.ociVersion}\n`);
    throw new CommanderError(0, "moat.version", VERSION);
  });
  const command = program
    .command("do")
    .summary("run a program in a sandbox")
    .description("Runs CMD in a sandbox: this machine's files below, whatever it writes in memory above.")
    .usage("[options] [--] CMD [ARG...]")
    .argument("<CMD>", "the program, looked up in the guest's PATH")
    .argument("[ARG...]", "its arguments")
    .helpOption("--help", "display help for command")
    .passThroughOptions()
    .action(async (name: string, args: string[], options: DoOptions) => {
      sendRequest(await planDo([name, ...args], options));
      // Nothing is left to say: taking its heap apart would keep a CPU from the sandbox's start.
      process.exit(0);
    });
  addGlobalOptions(program);
  addContainerCommands(program);
  addInstallCommands(program);
  command.configureHelp({ optionTerm: (option) => option.flags.replace("--strace [names]", "--strace[=names]") });
  return addDoOptions(command);
};

const main = async (): Promise<number> => {
  const doCommand = describeProgram();
  const [first, ...rest] = argumentBytes(process.argv);
  const args = first === "do" ? [first, ...withBareStrace(doCommand, rest)] : first === undefined ? [] : [first, ...rest];
  try {
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof UsageError) return reportUsage(error, program.opts());
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_MOAT;
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`moat: ${error.message}\n`);
    return EXIT_MOAT;
  }
};

startProgram(() => {
  main().then(
    (status) => {
      process.exitCode = status;
    },
    (error: Error) => {
      process.stderr.write(`moat: ${error.message.split("\n", 1)[0]}\n`);
      process.exitCode = EXIT_MOAT;
    },
  );
});
