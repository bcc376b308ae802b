/** Where the terminals of a sandbox's caller appear inside: /dev/console, or in a container's devpts, as runc's do. */
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import { isErrno } from "../abi/errno.ts";
import { consolePath } from "../fs/dev/dev.ts";
import { Devpts } from "../fs/devpts/devpts.ts";
import type { TerminalPlace } from "../fs/tty/host-file.ts";
import type { HostTerminal } from "../fs/tty/host-tty.ts";
import type { Kernel } from "../kernel.ts";
import { initialUserNamespace } from "../task/user-namespace.ts";
import { Mount } from "../vfs/mount.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import { placeAt } from "./place.ts";

export const placeOfTerminals = (kernel: Kernel, namespace: MountNamespace, config: SandboxConfig): TerminalPlace => {
  if (config.waitsForStart) return config.terminal ? inDevpts(kernel, namespace, config.uid) : "hidden";
  const console = consolePath(kernel, namespace);
  return () => console;
};

/** A slave of the devpts on /dev/pts, owned by `uid`; without one, the console. */
export const inDevpts = (kernel: Kernel, namespace: MountNamespace, uid: number): TerminalPlace => {
  const console = consolePath(kernel, namespace);
  const kuid = initialUserNamespace().toKuid(uid);
  return (terminal) => {
    if (terminal.slavePath !== null) return terminal.slavePath;
    const pts = placeAt(kernel, namespace, "/dev/pts");
    if (isErrno(pts) || !(pts.mount.fs instanceof Devpts)) return console;
    return pts.mount.fs.adopt(terminal, pts.mount, kuid) ?? console;
  };
};

/** As runc: the first program's terminal is bound over /dev/console, and stays while the container lives. */
export const bindConsole = (kernel: Kernel, namespace: MountNamespace, terminal: HostTerminal | null): void => {
  if (terminal === null || terminal.slavePath === null) return;
  terminal.onUnused = null;
  const { mount, dentry } = terminal.slavePath;
  const console = placeAt(kernel, namespace, "/dev/console", "file");
  if (!isErrno(console)) namespace.attach(new Mount(mount.fs, dentry, mount.flags, mount.source), console.mount, console.dentry);
};
