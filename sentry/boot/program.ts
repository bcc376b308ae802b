/** The first program: where its name leads, with which ids and files it starts. */
import type { SandboxConfig } from "../../runtime/sandbox/config.ts";
import { EAGAIN, type Errno, isErrno } from "../abi/errno.ts";
import { startProgram } from "../exec/start.ts";
import { Credentials } from "../task/credentials.ts";
import type { Task } from "../task/task.ts";
import { FsContext } from "../vfs/fs-context.ts";
import type { MountNamespace } from "../vfs/mount-namespace.ts";
import type { OpenFile } from "../vfs/open-file.ts";
import type { Path } from "../vfs/path.ts";
import { overmounted } from "../vfs/tree.ts";
import type { MoatKernel } from "./moat-kernel.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What execvp(3) would try for `name`, in order. */
export const candidates = (name: string, env: readonly string[]): string[] => {
  if (name.includes("/")) return [name];
  const entry = env.find((variable) => variable.startsWith("PATH="));
  const path = entry === undefined ? DEFAULT_PATH : entry.slice(5);
  return path.split(":").map((directory) => (directory === "" ? name : `${directory}/${name}`));
};

/** The directory `path` (absolute, links not followed at start-up) or null. */
const directoryAt = (kernel: MoatKernel, namespace: MountNamespace, path: string): Path | null => {
  let place = overmounted(namespace.root, namespace.root.root);
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    const next = kernel.vfs.child(null, place, name);
    if (isErrno(next)) return null;
    place = next;
  }
  return place.dentry.inode.isDirectory ? place : null;
};

/** Starts the config's program; `work` is called while the platform prepares its first processes. */
export const startFirstProgram = (
  kernel: MoatKernel,
  namespace: MountNamespace,
  config: SandboxConfig,
  stdio: readonly (OpenFile | null)[],
  work: () => void,
): Task | Errno => {
  const root = overmounted(namespace.root, namespace.root.root);
  const cwd = directoryAt(kernel, namespace, config.cwd);
  if (cwd === null) throw new Error(`working directory ${config.cwd}: No such directory`);
  for (;;) {
    const task = startProgram(kernel, {
      argv: [...config.argv],
      env: [...config.env],
      paths: candidates(config.argv[0], config.env),
      fs: new FsContext(namespace, root, cwd),
      creds: Credentials.create(config.uid, config.gid, config.groups),
      stdio,
      isUnkillable: config.initUnkillable,
    });
    if (task !== EAGAIN) return task;
    work();
  }
};
