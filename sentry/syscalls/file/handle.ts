import {
  AT_EMPTY_PATH,
  AT_HANDLE_FID,
  AT_HANDLE_MNT_ID_UNIQUE,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
} from "../../../syscall-tables/flags/open.ts";
import { CAP_DAC_READ_SEARCH } from "../../../syscall-tables/flags/system.ts";

import { EINVAL, EOPNOTSUPP, EPERM, isErrno } from "../../abi/errno.ts";
import { implement } from "../implement.ts";
import { atPath } from "./at-path.ts";

const NO_HANDLES = "no filesystem here can be exported by handle";

/** name_to_handle_at(2) */
export const sys_name_to_handle_at = implement(
  "name_to_handle_at",
  { level: "partial", note: NO_HANDLES },
  (task, dirfd, path, _handleAddr, _mountIdAddr, flags) => {
    if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE)) !== 0) return EINVAL;
    const follow = (flags & AT_SYMLINK_FOLLOW) !== 0 ? 0 : AT_SYMLINK_NOFOLLOW;
    const place = atPath(task, dirfd, path, follow | (flags & AT_EMPTY_PATH));
    return isErrno(place) ? place : EOPNOTSUPP;
  },
);

/** open_by_handle_at(2) */
export const sys_open_by_handle_at = implement("open_by_handle_at", { level: "partial", note: NO_HANDLES }, (task) =>
  task.creds.has(CAP_DAC_READ_SEARCH) ? EOPNOTSUPP : EPERM,
);
