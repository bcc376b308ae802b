/** The mount options of proc(5): hidepid=, gid=, subset= (fs/proc/root.c). */
import { EINVAL, type Errno } from "../../abi/errno.ts";
import { mayInspect } from "../../task/permission.ts";
import type { Task } from "../../task/task.ts";
import { INVALID_ID } from "../../task/user-namespace.ts";

/** Whose /proc/PID nobody but they and a tracer may enter, see, or have at all. */
export const HIDEPID_OFF = 0;
export const HIDEPID_NO_ACCESS = 1;
export const HIDEPID_INVISIBLE = 2;
export const HIDEPID_NOT_PTRACEABLE = 4;

export interface ProcOptions {
  readonly hidePid: number;
  /** Members see all. */
  readonly gid: number;
  /** subset=pid: processes only. */
  readonly isPidOnly: boolean;
}

export const PLAIN_PROC: ProcOptions = { hidePid: HIDEPID_OFF, gid: 0, isPidOnly: false };

const HIDEPID: ReadonlyMap<string, number> = new Map([
  ["0", HIDEPID_OFF],
  ["off", HIDEPID_OFF],
  ["1", HIDEPID_NO_ACCESS],
  ["noaccess", HIDEPID_NO_ACCESS],
  ["2", HIDEPID_INVISIBLE],
  ["invisible", HIDEPID_INVISIBLE],
  ["4", HIDEPID_NOT_PTRACEABLE],
  ["ptraceable", HIDEPID_NOT_PTRACEABLE],
]);
const SHOWN: ReadonlyMap<number, string> = new Map([
  [HIDEPID_NO_ACCESS, "noaccess"],
  [HIDEPID_INVISIBLE, "invisible"],
  [HIDEPID_NOT_PTRACEABLE, "ptraceable"],
]);

/** `before`: what holds for options that are not named (a remount). */
export const parseProcOptions = (data: string, task: Task | null, before = PLAIN_PROC): ProcOptions | Errno => {
  let { hidePid, gid, isPidOnly } = before;
  for (const option of data.split(",")) {
    if (option === "") continue;
    const [key, value] = option.split("=", 2);
    if (key === "hidepid") {
      const known = HIDEPID.get(value);
      if (known === undefined) return EINVAL;
      hidePid = known;
    } else if (key === "gid" && /^\d+$/.test(value ?? "")) {
      gid = task === null ? Number(value) : task.creds.userNamespace.toKgid(Number(value));
      if (gid === INVALID_ID) return EINVAL;
    } else if (option === "subset=pid") isPidOnly = true;
    else return EINVAL;
  }
  return { hidePid, gid, isPidOnly };
};

/** proc_show_options() */
export const shownProcOptions = ({ hidePid, gid, isPidOnly }: ProcOptions): string => {
  const shown: string[] = [];
  if (gid !== 0) shown.push(`gid=${gid}`);
  const hidden = SHOWN.get(hidePid);
  if (hidden !== undefined) shown.push(`hidepid=${hidden}`);
  if (isPidOnly) shown.push("subset=pid");
  return shown.join(",");
};

/** has_pid_permissions(): `reader` may do with `target`'s directory what is refused from `least` on. */
export const maySeeProcess = ({ hidePid, gid }: ProcOptions, reader: Task, target: Task, least: number): boolean => {
  if (hidePid === HIDEPID_NOT_PTRACEABLE) return mayInspect(reader, target, true);
  if (hidePid < least || reader.creds.isInGroup(gid)) return true;
  return mayInspect(reader, target, true);
};
