/** The container commands: runc's names and flags. */
import { type Command, Option } from "commander";
import { ContainerError } from "../../runtime/container/container-error.ts";
import {
  deleteContainer,
  killContainer,
  parseSignal,
  pauseContainer,
  resumeContainer,
  startContainer,
} from "../../runtime/container/lifecycle.ts";
import { shown } from "../byte-strings.ts";
import { type GlobalOptions, log, reportFailure, storeOf } from "./context.ts";
import { afterRun, type CreateFlags, create, type RunFlags, run } from "./create.ts";
import { type EventsFlags, events } from "./events.ts";
import { type ExecFlags, exec } from "./exec.ts";
import { ps } from "./ps.ts";
import { list, state, wait } from "./show.ts";
import { features, spec } from "./spec.ts";
import { type UpdateFlags, update } from "./update.ts";
import { checkGlobals, formatHelp, UsageError } from "./usage.ts";

const EXIT_FAILED = 1;
const text = (value: string): string => shown(value);
const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const addCreateFlags = (command: Command): Command =>
  command
    .addOption(new Option("-b, --bundle <dir>", "the directory with config.json").default(".", "the current one"))
    .option("--console-socket <path>", "unix socket that gets the master of the container's terminal")
    .addOption(new Option("--pid-file <file>", "where to write the process id").argParser(text))
    .option("--preserve-fds <n>", "pass on so many descriptors after the standard ones", "0")
    .option("--no-pivot", "accepted: no root of the host's is ever changed")
    .option("--no-new-keyring", "accepted: the sandbox has no keyring of the caller's");

const addRun = (command: Command): Command =>
  addCreateFlags(command)
    .option("-d, --detach", "do not wait for the container's end")
    .option("--keep", "do not delete the container after its end")
    .option("--no-subreaper", "accepted: the caller's subreaper is never changed");

const addExecFlags = (command: Command): Command =>
  command
    .option("--console-socket <path>", "unix socket that gets the master of the program's terminal")
    .option("--cwd <dir>", "working directory")
    .addOption(
      new Option("-e, --env <name=value>", "set a variable (repeatable)").default([], "none").argParser<readonly string[]>(collect),
    )
    .option("-t, --tty", "with a terminal")
    .option("-u, --user <uid[:gid]>", "as this user")
    .addOption(
      new Option("-g, --additional-gids <gid>", "more groups (repeatable)").default([], "none").argParser<readonly string[]>(collect),
    )
    .addOption(new Option("-p, --process <file>", "the program as JSON, like process in config.json").argParser(text))
    .option("-d, --detach", "do not wait for the program's end")
    .addOption(new Option("--pid-file <file>", "where to write the process id").argParser(text))
    .option("--no-new-privs", "set no_new_privs")
    .addOption(new Option("-c, --cap <name>", "one more capability (repeatable)").default([], "none").argParser<readonly string[]>(collect))
    .option("--preserve-fds <n>", "pass on so many descriptors after the standard ones", "0")
    .option("--process-label <label>", "refused: no SELinux")
    .option("--apparmor <profile>", "accepted without effect")
    .addOption(new Option("--cgroup <path>", "only the container's own: /").default([], "none").argParser<readonly string[]>(collect))
    .option("--ignore-paused", "also in a paused container: the program runs when that is resumed");

const addUpdateFlags = (command: Command): Command =>
  command
    .addOption(
      new Option("-r, --resources <file>", "linux.resources as JSON, - for standard input; other flags are ignored").argParser(text),
    )
    .option("--blkio-weight <n>", "share of block devices, 10 to 1000")
    .option("--cpu-period <us>", "period of the cpu quota")
    .option("--cpu-quota <us>", "cpu time in a period")
    .option("--cpu-burst <us>", "quota that may be saved up")
    .option("--cpu-share <n>", "share of cpu time")
    .option("--cpu-rt-period <us>", "period of the realtime limit")
    .option("--cpu-rt-runtime <us>", "realtime cpu time in a period")
    .option("--cpuset-cpus <list>", "the CPUs that may be used")
    .option("--cpuset-mems <list>", "the memory nodes that may be used")
    .option("--cpu-idle <n>", "1: only CPUs that nobody else wants")
    .option("--kernel-memory <bytes>", "accepted, without effect as with runc")
    .option("--kernel-memory-tcp <bytes>", "accepted, without effect as with runc")
    .option("--memory <bytes>", "memory limit")
    .option("--memory-reservation <bytes>", "what is left to it when memory is scarce")
    .option("--memory-swap <bytes>", "memory and swap together; -1: without limit")
    .option("--pids-limit <n>", "most processes and threads")
    .option("--l3-cache-schema <schema>", "refused: no Intel RDT")
    .option("--mem-bw-schema <schema>", "refused: no Intel RDT");

const format = (): Option => new Option("-f, --format <format>", "table or json").default("table");

export const addGlobalOptions = (program: Command): Command =>
  program
    .addOption(new Option("--root <dir>", "where the state of containers is kept").argParser(text))
    .addOption(new Option("--log <file>", "where container commands write their log").argParser(text))
    .addOption(new Option("--log-format <format>", "of that log: text or json").default("text"))
    .addOption(
      new Option("--network <mode>", "what containers use: host, the network namespace of config.json; none, a loopback of their own")
        .choices(["host", "none"])
        .default("host"),
    )
    .addOption(
      new Option(
        "--overlay <mode>",
        "where writes to a container's root go: none, the root itself; memory; dir=/PATH, kept in PATH/ID/upper",
      ).default("none"),
    )
    .option("--debug", "write the steps of a command to the log")
    .option("--systemd-cgroup", "have systemd make the cgroups; cgroupsPath is slice:prefix:name")
    .option("--rootless <value>", "ignore cgroups that the caller may not use: true, false or auto");

/** `after-run` is the launcher's, not the user's. */
export const addContainerCommands = (program: Command): void => {
  const add = (name: string, summary: string, action: (globals: GlobalOptions, ...args: never[]) => void | Promise<void>): Command => {
    const command = program.command(name, { hidden: name === "after-run" });
    return command
      .configureOutput({ outputError: () => {} })
      .configureHelp({ formatHelp })
      .exitOverride((error) => {
        throw new UsageError(command, error);
      })
      .summary(summary)
      .description(`${summary[0].toUpperCase()}${summary.slice(1)}.`)
      .action(async (...args: unknown[]) => {
        const globals = program.opts() as GlobalOptions;
        try {
          checkGlobals(globals);
          log(globals, "debug", `${name} ${args.filter((arg) => typeof arg === "string").join(" ")}`.trimEnd());
          await action(globals, ...(args as never[]));
          log(globals, "debug", `${name} is done`);
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          const prefix = name === "create" || name === "run" ? `moat ${name} failed: ` : "";
          reportFailure(globals, shown(`${prefix}${error.message}`));
          process.exitCode = error instanceof ContainerError ? error.exitStatus : EXIT_FAILED;
        }
      });
  };
  addCreateFlags(
    add("create", "create a container", (globals, id: string, flags: CreateFlags) => create(id, flags, globals)).argument("<ID>"),
  );
  addRun(add("run", "create and start a container", (globals, id: string, flags: RunFlags) => run(id, flags, globals)).argument("<ID>"));
  addRun(add("after-run", "clean up", (globals, id: string, flags: RunFlags) => afterRun(id, flags, globals)).argument("<ID>"));
  add("start", "start a created container", (globals, id: string) => startContainer(storeOf(globals), id)).argument("<ID>");
  add("state", "print the state of a container", (globals, id: string) => state(id, globals)).argument("<ID>");
  add("kill", "send a signal to a container's first process", (globals, id: string, signal: string | undefined, flags: { all?: boolean }) =>
    killContainer(storeOf(globals), id, parseSignal(signal ?? "SIGTERM"), { all: flags.all === true }),
  )
    .argument("<ID>")
    .argument("[SIGNAL]")
    .option("-a, --all", "to all processes of the container");
  add("delete", "delete a container that has stopped", (globals, id: string, flags: { force?: boolean }) =>
    deleteContainer(storeOf(globals), id, { force: flags.force === true }).then((complaint) => {
      if (complaint !== null) reportFailure(globals, shown(complaint));
    }),
  )
    .argument("<ID>")
    .option("-f, --force", "kill it first when it runs");
  add("pause", "suspend all processes of a container", (globals, id: string) => pauseContainer(storeOf(globals), id)).argument("<ID>");
  add("resume", "let a paused container go on", (globals, id: string) => resumeContainer(storeOf(globals), id)).argument("<ID>");
  addUpdateFlags(
    add("update", "change the limits of a container", (globals, id: string, flags: UpdateFlags) => update(id, flags, globals)),
  ).argument("<ID>");
  add("events", "show what a container uses, and when its memory runs out", (globals, id: string, flags: EventsFlags) =>
    events(id, flags, globals),
  )
    .argument("<ID>")
    .addOption(new Option("--interval <duration>", "time between two lines of statistics").default("5s"))
    .option("--stats", "one line of statistics, and no more");
  add("list", "list containers", (globals, flags: { format: string; quiet?: boolean }) => list(flags, globals))
    .addOption(format())
    .option("-q, --quiet", "ids only");
  add("ps", "list the processes of a container", (globals, id: string, options: string[], flags: { format: string }) =>
    ps(id, options, flags, globals),
  )
    .argument("<ID>")
    .argument("[PS-OPTIONS...]")
    .addOption(format())
    .passThroughOptions();
  addExecFlags(
    add("exec", "run a program in a container", (globals, id: string, args: string[], flags: ExecFlags) => exec(id, args, flags, globals)),
  )
    .argument("<ID>")
    .argument("[ARG...]")
    .passThroughOptions();
  add("wait", "wait for the end of a container", (globals, id: string) => wait(id, globals)).argument("<ID>");
  add("spec", "write a config.json", (_globals, flags: { bundle: string; rootless?: boolean }) => spec(flags))
    .addOption(new Option("-b, --bundle <dir>", "where to").default(".", "the current directory"))
    .option("--rootless", "for a container of an ordinary user");
  for (const name of ["checkpoint", "restore"]) {
    add(name, "refused: there are no checkpoints", () => {
      throw new ContainerError(`${name} is not supported`);
    })
      .argument("<ID>")
      .argument("[ARG...]")
      .allowUnknownOption();
  }
  add("features", "print what is supported", () => features());
};
