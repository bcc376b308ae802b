/** statmount(2) (fs/namespace.c): what mountinfo tells, by number. */
import {
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_RELATIME,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from "../../../syscall-tables/flags/mount.ts";
import { EFAULT, EINVAL, ENOENT, EOVERFLOW, EPERM, isErrno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { majorOf, minorOf } from "../../vfs/devices.ts";
import { type Mount, uniqueIdOf } from "../../vfs/mount.ts";
import { dominatingGroup } from "../../vfs/propagation.ts";
import { isReachable, nameInFilesystem, pathName } from "../../vfs/tree.ts";
import { implement } from "../implement.ts";
import { isHidden, mountsOf, readRequest } from "./mount-request.ts";

/** struct statmount without the texts behind it */
const SIZE = 512;
const SB_BASIC = 0x1;
const MNT_BASIC = 0x2;
const PROPAGATE_FROM = 0x4;
const MNT_ROOT = 0x8;
const MNT_POINT = 0x10;
const FS_TYPE = 0x20;
const MNT_NS_ID = 0x40;
const MNT_OPTS = 0x80;
const SB_SOURCE = 0x200;
const OPT_ARRAY = 0x400;
const SUPPORTED = 0x1000;
const KNOWN = 0x7fff;

const SB_RDONLY = 1;

const ATTRIBUTES: readonly (readonly [number, number])[] = [
  [MS_RDONLY, MOUNT_ATTR_RDONLY],
  [MS_NOSUID, MOUNT_ATTR_NOSUID],
  [MS_NODEV, MOUNT_ATTR_NODEV],
  [MS_NOEXEC, MOUNT_ATTR_NOEXEC],
  [MS_NODIRATIME, MOUNT_ATTR_NODIRATIME],
  [MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW],
];

/** mnt_to_attr_flags() */
const attributesOf = ({ flags }: Mount): number => {
  let attributes = 0;
  for (const [flag, attribute] of ATTRIBUTES) if ((flags & flag) !== 0) attributes |= attribute;
  if ((flags & MS_NOATIME) !== 0) return attributes | MOUNT_ATTR_NOATIME;
  return (flags & MS_RELATIME) !== 0 ? attributes : attributes | MOUNT_ATTR_STRICTATIME;
};

/** mnt_to_propagation_flags() */
const propagationOf = ({ group, master, isUnbindable }: Mount): number => {
  const flags = (group !== null ? MS_SHARED : 0) | (isUnbindable ? MS_UNBINDABLE : 0) | (master !== null ? MS_SLAVE : 0);
  return flags === 0 ? MS_PRIVATE : flags;
};

/** Texts behind the struct; offset 0 is an empty one. */
class Texts {
  readonly #parts: string[] = ["\0"];
  length = 1;

  add(text: string): number {
    const at = this.length;
    this.#parts.push(`${text}\0`);
    this.length += text.length + 1;
    return at;
  }

  get bytes(): Uint8Array {
    return Buffer.from(this.#parts.join(""), "latin1");
  }
}

/** do_statmount() */
const fill = (task: Task, mount: Mount, wanted: number, view: DataView): Texts | null => {
  const { fs, parent } = mount;
  const u64 = (at: number, value: number): void => {
    view.setUint32(at, value >>> 0, true);
    view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  };
  const isAsked = (flag: number): boolean => (wanted & flag) !== 0;
  let mask = wanted & (SB_BASIC | MNT_BASIC | PROPAGATE_FROM | MNT_NS_ID | SUPPORTED);
  if (isAsked(SB_BASIC)) {
    view.setUint32(16, majorOf(fs.device), true);
    view.setUint32(20, minorOf(fs.device), true);
    u64(24, fs.statfs().type);
    view.setUint32(32, fs.isReadOnly ? SB_RDONLY : 0, true);
  }
  if (isAsked(MNT_BASIC)) {
    u64(40, uniqueIdOf(mount));
    u64(48, uniqueIdOf(parent ?? mount));
    view.setUint32(56, mount.id, true);
    view.setUint32(60, (parent ?? mount).id, true);
    u64(64, attributesOf(mount));
    u64(72, propagationOf(mount));
    u64(80, mount.group?.id ?? 0);
    u64(88, mount.master?.id ?? 0);
  }
  if (isAsked(PROPAGATE_FROM)) u64(96, dominatingGroup(mount, task.fs.root)?.id ?? 0);
  if (isAsked(MNT_NS_ID)) u64(112, mount.namespace?.id ?? 0);
  if (isAsked(SUPPORTED)) u64(144, KNOWN);
  const texts = new Texts();
  const { root } = task.fs;
  const place = { mount, dentry: mount.root };
  const options = fs.options;
  const strings: readonly (readonly [number, number, string])[] = [
    [FS_TYPE, 36, fs.type],
    [MNT_ROOT, 104, nameInFilesystem(mount.root)],
    [MNT_POINT, 108, isReachable(place, root) ? pathName(place, root) : ""],
    [MNT_OPTS, 4, options],
    [OPT_ARRAY, 132, options.replaceAll(",", "\0")],
    [SB_SOURCE, 124, mount.source],
  ];
  let hasTexts = false;
  for (const [flag, at, text] of strings) {
    if (!isAsked(flag)) continue;
    hasTexts = true;
    if (text === "") continue;
    view.setUint32(at, texts.add(text), true);
    if (flag === OPT_ARRAY) view.setUint32(128, text.split("\0").length, true);
    mask |= flag;
  }
  u64(8, mask);
  return hasTexts ? texts : null;
};

/** statmount(2) */
export const sys_statmount = implement(
  "statmount",
  { level: "partial", note: "mounts of the caller's namespace; no mapped ids" },
  (task, requestAddr, addr, size, flags) => {
    if (flags !== 0) return EINVAL;
    const request = readRequest(task, requestAddr);
    if (isErrno(request)) return request;
    const mounts = mountsOf(task, request);
    if (isErrno(mounts)) return mounts;
    const mount = mounts.find((candidate) => uniqueIdOf(candidate) === request.mountId);
    if (mount === undefined) return ENOENT;
    if (isHidden(task, mount)) return EPERM;
    const whole = new Uint8Array(SIZE);
    const view = new DataView(whole.buffer);
    const texts = fill(task, mount, request.parameter % 2 ** 32, view);
    if (texts !== null && size < SIZE + texts.length) return EOVERFLOW;
    const length = Math.min(size, SIZE);
    view.setUint32(0, length + (texts?.length ?? 0), true);
    if (task.memory.copyOut(addr, whole.subarray(0, length)) < 0) return EFAULT;
    return texts === null || task.memory.copyOut(addr + SIZE, texts.bytes) >= 0 ? 0 : EFAULT;
  },
);
