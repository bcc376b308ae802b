/** What a fanotify group looks at: inodes, mounts and whole filesystems, each with a mask and a mask of what it ignores (struct fanotify_mark). */
import {
  FAN_EVENT_ON_CHILD,
  FAN_MARK_FILESYSTEM,
  FAN_MARK_IGNORE,
  FAN_MARK_IGNORED_SURV_MODIFY,
  FAN_MARK_MOUNT,
  FAN_MODIFY,
  FAN_ONDIR,
} from "../../../syscall-tables/flags/open.ts";
import type { Inode } from "../../vfs/inode.ts";
import type { Path } from "../../vfs/path.ts";

/** FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, or 0 for an inode. */
export type MarkKind = number;
export const MARK_KINDS = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM;

export interface Mark {
  readonly kind: MarkKind;
  readonly object: object;
  /** An inode's stays in the cache, by its name; the others need no place. */
  readonly path: Path | null;
  mask: number;
  ignored: number;
  /** FAN_MARK_IGNORED_SURV_MODIFY, FAN_MARK_IGNORE (the mask's FAN_ONDIR and FAN_EVENT_ON_CHILD mean something). */
  flags: number;
}

export const objectOf = (path: Path, kind: MarkKind): object =>
  kind === FAN_MARK_MOUNT ? path.mount : kind === FAN_MARK_FILESYSTEM ? path.mount.fs : path.dentry.inode;

export const makeMark = (path: Path, kind: MarkKind): Mark => {
  // An inode's mark holds its name but keeps no mount busy.
  const held = kind === 0 ? path : null;
  if (held !== null) held.dentry.pins++;
  return { kind, object: objectOf(path, kind), path: held, mask: 0, ignored: 0, flags: 0 };
};

export const dropMark = (mark: Mark): void => {
  if (mark.path !== null) mark.path.dentry.pins--;
};

/** fsnotify_effective_ignore_mask() */
const ignoredBy = (mark: Mark, isDirectory: boolean, isParent: boolean): number => {
  if (!isDirectory && !isParent) return mark.ignored;
  const isExact = (mark.flags & FAN_MARK_IGNORE) !== 0;
  if (isDirectory && isExact && (mark.ignored & FAN_ONDIR) === 0) return 0;
  if (isParent && ((isExact ? mark.ignored : mark.mask) & FAN_EVENT_ON_CHILD) === 0) return 0;
  return mark.ignored;
};

/** fanotify_group_event_mask(): what of `event` at `path` the marks want to hear; 0 for nothing. */
export const wantedOf = (marks: readonly Mark[], path: Path, event: number): number => {
  const { inode, parent } = path.dentry;
  const isDirectory = inode.isDirectory;
  const around: Inode | null = parent !== null && path.dentry !== path.mount.root ? parent.inode : null;
  let wanted = 0;
  let ignored = 0;
  for (const mark of marks) {
    const isParent = mark.object === around && mark.object !== inode;
    if (mark.object !== inode && mark.object !== path.mount && mark.object !== path.mount.fs && !isParent) continue;
    // send_to_group(): a change ends what was ignored until then.
    if ((event & FAN_MODIFY) !== 0 && !isParent && (mark.flags & FAN_MARK_IGNORED_SURV_MODIFY) === 0) mark.ignored = 0;
    ignored |= ignoredBy(mark, isDirectory, isParent);
    if (isDirectory && (mark.mask & FAN_ONDIR) === 0) continue;
    if (isParent && (mark.mask & FAN_EVENT_ON_CHILD) === 0) continue;
    wanted |= mark.mask;
  }
  return event & wanted & ~ignored;
};
