import { CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE } from "../../../syscall-tables/flags/fd.ts";
import { EINVAL } from "../../abi/errno.ts";
import { implement } from "../implement.ts";

/** close(2) */
export const sys_close = implement("close", { level: "full" }, (task, fd) => task.files.close(fd, task));

/** close_range(2) */
export const sys_close_range = implement("close_range", { level: "full" }, (task, first, last, flags) => {
  if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) !== 0 || first > last) return EINVAL;
  if ((flags & CLOSE_RANGE_UNSHARE) !== 0 && task.files.references > 1) {
    const shared = task.files;
    task.files = shared.fork();
    shared.put(task);
  }
  const { files } = task;
  if ((flags & CLOSE_RANGE_CLOEXEC) === 0) files.closeRange(first, last, task);
  else for (let fd = first; fd <= last && fd < files.end; fd++) files.setCloexec(fd, true);
  return 0;
});
