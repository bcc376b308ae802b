/** The options of tmpfs(5): size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=. */
import { EINVAL, type Errno } from "../../abi/errno.ts";

export interface TmpfsOptions {
  /** Bytes, or a share of the memory; 0: no limit. */
  size?: number | { percent: number };
  /** 0: no limit. */
  inodes?: number;
  mode?: number;
  uid?: number;
  gid?: number;
}

const UNITS: Record<string, number> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** memparse(): a number with k, m or g behind it. */
const parseSize = (text: string): number => {
  const match = /^(0x[0-9a-f]+|\d+)([kmgt]?)$/i.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * UNITS[match[2].toLowerCase()];
};

/** What mount(8) passes and the kernel takes without effect here. */
const IGNORED = new Set([
  "huge",
  "mpol",
  "inode32",
  "inode64",
  "noswap",
  "nr_blocks_default",
  "seclabel",
  "context",
  "rootcontext",
  "fscontext",
  "defcontext",
]);

const parseOne = (options: TmpfsOptions, key: string, value: string): boolean => {
  switch (key) {
    case "size": {
      const percent = /^(\d+)%$/.exec(value);
      options.size = percent === null ? parseSize(value) : { percent: Number(percent[1]) };
      return typeof options.size === "object" || !Number.isNaN(options.size);
    }
    case "nr_blocks":
      options.size = parseSize(value) * 4096;
      return !Number.isNaN(options.size);
    case "nr_inodes":
      options.inodes = parseSize(value);
      return !Number.isNaN(options.inodes);
    case "mode":
      options.mode = Number.parseInt(value, 8) & 0o7777;
      return /^[0-7]+$/.test(value);
    case "uid":
      options.uid = Number(value);
      return /^\d+$/.test(value);
    case "gid":
      options.gid = Number(value);
      return /^\d+$/.test(value);
    default:
      return IGNORED.has(key);
  }
};

export const parseTmpfsOptions = (data: string): TmpfsOptions | Errno => {
  const options: TmpfsOptions = {};
  for (const part of data.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.slice(0, equals);
    if (!parseOne(options, key, equals < 0 ? "" : part.slice(equals + 1))) return EINVAL;
  }
  return options;
};
