/** What other parts of the kernel show in procfs. They register once, when the parts are joined. */
import type { Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";

/** /proc/net/NAME: the text as `task` (its network namespace) sees it; null: procfs's own. */
export const procNet = new Map<string, (task: Task) => string | null>();

/** /proc/sysvipc/{msg,sem,shm}: the lines after the heading. */
export const procIpc = new Map<"msg" | "sem" | "shm", (task: Task) => string>();

/** A knob under /proc/sys. */
export interface Sysctl {
  /** The value, with a newline at its end. */
  read(task: Task): string;
  /** Takes what was written, without trailing blanks: 0 or an errno. Absent: read-only. */
  write?(value: string, task: Task): 0 | Errno;
  /** Permissions; 0644 when it can be written, else 0444. */
  readonly mode?: number;
}

/** Knobs that come and go (/proc/sys/net has some for each interface); they come before all others. */
export interface SysctlSource {
  /** The names in the directory `path` (with a slash at its end), those of directories with a slash; none: not its own. */
  names(path: string): readonly string[];
  /** The knob at a path that `names` has shown. */
  sysctl(path: string): Sysctl;
}

/** By the first name of the path, with a slash ("net/"). */
export const sysctlSources = new Map<string, SysctlSource>();

/** By path below /proc/sys, such as "net/core/somaxconn". What stands here replaces procfs's own answer. */
export const sysctls = new Map<string, Sysctl>();

/** The lines of /proc/filesystems that no mount(2) type stands for. */
export const internalFilesystems: readonly string[] = ["sockfs", "pipefs", "anon_inodefs"];
