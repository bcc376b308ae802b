/** tty(4) and console(4): names for terminals that are chosen when they are opened. */
import { O_NOCTTY } from "../../../syscall-tables/flags/open.ts";
import { ENXIO, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { registerCharDevice } from "../../vfs/devices.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import type { Path } from "../../vfs/path.ts";
import { controllingTerminal } from "../tty/job-control.ts";
import type { Terminal } from "../tty/terminal.ts";
import { openTerminal } from "../tty/tty-file.ts";

const TTYAUX_MAJOR = 5;
const TTY_MINOR = 0;
const CONSOLE_MINOR = 1;

const openTty = (inode: Inode, path: Path, flags: number, task: Task): OpenFile | Errno => {
  const terminal = controllingTerminal(task.process);
  return terminal === null ? ENXIO : openTerminal(terminal, inode, path, flags | O_NOCTTY, task);
};

/** `console`: the caller's terminal, if it has given one. */
export const registerTtyDevices = (console: () => Terminal | null): void => {
  registerCharDevice(TTYAUX_MAJOR, TTY_MINOR, openTty);
  registerCharDevice(TTYAUX_MAJOR, CONSOLE_MINOR, (inode, path, flags, task) => {
    const terminal = console();
    return terminal === null ? ENXIO : openTerminal(terminal, inode, path, flags | O_NOCTTY, task);
  });
};
