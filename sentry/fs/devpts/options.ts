/** Mount options of devpts (mount(8), "Mount options for devpts"). */
import { EINVAL, type Errno } from "../../abi/errno.ts";

export interface DevptsOptions {
  /** Owner of new slaves; null: whoever opens the master. */
  readonly uid: number | null;
  readonly gid: number | null;
  readonly mode: number;
  readonly ptmxmode: number;
  /** Ptys at most. */
  readonly max: number;
}

/** NR_UNIX98_PTY_MAX */
const MAX_PTYS = 1 << 20;
const DEFAULTS: DevptsOptions = { uid: null, gid: null, mode: 0o600, ptmxmode: 0, max: MAX_PTYS };
const PERMISSIONS = 0o7777;

const parseNumber = (text: string): number => (/^[0-9]+$/.test(text) ? Number.parseInt(text, 10) : Number.NaN);

const parseMode = (text: string): number => {
  const mode = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  return Number.isNaN(mode) ? mode : mode & PERMISSIONS;
};

export const parseDevptsOptions = (data: string, before: DevptsOptions = DEFAULTS): DevptsOptions | Errno => {
  let { uid, gid, mode, ptmxmode, max } = before;
  for (const option of data.split(",")) {
    const equals = option.indexOf("=");
    const name = equals < 0 ? option : option.slice(0, equals);
    const value = equals < 0 ? "" : option.slice(equals + 1);
    switch (name) {
      case "":
      case "newinstance":
        break;
      case "uid":
        uid = parseNumber(value);
        break;
      case "gid":
        gid = parseNumber(value);
        break;
      case "mode":
        mode = parseMode(value);
        break;
      case "ptmxmode":
        ptmxmode = parseMode(value);
        break;
      case "max":
        max = parseNumber(value);
        if (max < 0 || max > MAX_PTYS) return EINVAL;
        break;
      default:
        return EINVAL;
    }
    if (Number.isNaN(uid) || Number.isNaN(gid) || Number.isNaN(mode) || Number.isNaN(ptmxmode) || Number.isNaN(max)) return EINVAL;
  }
  return { uid, gid, mode, ptmxmode, max };
};

const octal = (mode: number): string => mode.toString(8).padStart(3, "0");

/** devpts_show_options(). */
export const formatDevptsOptions = ({ uid, gid, mode, ptmxmode, max }: DevptsOptions): string =>
  [
    ...(uid === null ? [] : [`uid=${uid}`]),
    ...(gid === null ? [] : [`gid=${gid}`]),
    `mode=${octal(mode)}`,
    `ptmxmode=${octal(ptmxmode)}`,
    ...(max < MAX_PTYS ? [`max=${max}`] : []),
  ].join(",");
