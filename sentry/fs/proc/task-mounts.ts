/** /proc/PID/{mounts,mountinfo,mountstats} (fs/proc_namespace.c). */
import { EINVAL, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { majorOf, minorOf } from "../../vfs/devices.ts";
import type { Mount } from "../../vfs/mount.ts";
import type { Path } from "../../vfs/path.ts";
import { dominatingGroup } from "../../vfs/propagation.ts";
import type { MountEntry } from "../../vfs/vfs.ts";
import { livingTask, type Subject } from "./task-directory.ts";

/** mangle(): blanks, backslashes and hashes as octal, so that every line splits at blanks. */
const mangled = (text: string): string => text.replace(/[ \t\n\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);

const entriesOf = (subject: Subject): readonly MountEntry[] => {
  const task: Task | null = livingTask(subject);
  return task === null ? [] : task.kernel.vfs.mounts(task);
};

/** The one list of options that /proc/mounts shows: read-only when either side is. */
const joinedOptions = ({ mount, mountOptions, fsOptions }: MountEntry): string => {
  const access = mount.isReadOnly ? "ro" : "rw";
  const ofMount = mountOptions.replace(/^(rw|ro)/, "");
  const ofFs = fsOptions.replace(/^(rw|ro)/, "");
  return access + ofMount + ofFs;
};

/** mounts_open_common(): the dead have no mounts. */
const ifLiving = (subject: Subject, text: (subject: Subject) => string): string | Errno =>
  livingTask(subject) === null ? EINVAL : text(subject);

export const mountsText = (subject: Subject): string | Errno => ifLiving(subject, mounts);

const mounts = (subject: Subject): string =>
  entriesOf(subject)
    .map((entry) => `${mangled(entry.mount.source)} ${mangled(entry.path)} ${entry.mount.fs.type} ${joinedOptions(entry)} 0 0\n`)
    .join("");

const propagationOf = (mount: Mount, root: Path): string => {
  const { group, master } = mount;
  let text = group === null ? "" : ` shared:${group.id}`;
  if (master !== null) {
    text += ` master:${master.id}`;
    const dominating = dominatingGroup(mount, root);
    if (dominating !== null && dominating !== master) text += ` propagate_from:${dominating.id}`;
  }
  return mount.isUnbindable ? `${text} unbindable` : text;
};

export const mountinfoText = (subject: Subject): string | Errno => ifLiving(subject, mountinfo);

const mountinfo = (subject: Subject): string => {
  const root = livingTask(subject)?.fs.root;
  if (root === undefined) return "";
  return entriesOf(subject)
    .map((entry) => {
      const { mount, path, mountOptions, fsOptions } = entry;
      const { device, type } = mount.fs;
      const parent = mount.parent?.id ?? mount.id;
      const place = `${mount.id} ${parent} ${majorOf(device)}:${minorOf(device)} ${mangled(entry.root)} ${mangled(path)}`;
      return `${place} ${mountOptions}${propagationOf(mount, root)} - ${type} ${mangled(mount.source)} ${fsOptions}\n`;
    })
    .join("");
};

export const mountstatsText = (subject: Subject): string | Errno => ifLiving(subject, mountstats);

const mountstats = (subject: Subject): string =>
  entriesOf(subject)
    .map(({ mount, path }) => `device ${mangled(mount.source)} mounted on ${mangled(path)} with fstype ${mount.fs.type}\n`)
    .join("");
