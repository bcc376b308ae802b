import {
  F_SEAL_EXEC,
  F_SEAL_SEAL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from "../../../syscall-tables/flags/fd.ts";
import { EINVAL } from "../../abi/errno.ts";
import { createMemfd } from "../../fs/memfd/memfd.ts";
import { implement } from "../implement.ts";

/** memfd_create(2) */
export const sys_memfd_create = implement("memfd_create", { level: "partial", note: "no MFD_HUGETLB" }, (task, name, flags) => {
  if ((flags & MFD_HUGETLB) !== 0) return EINVAL;
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) !== 0) return EINVAL;
  const isNoExec = (flags & MFD_NOEXEC_SEAL) !== 0;
  if (isNoExec && (flags & MFD_EXEC) !== 0) return EINVAL;
  const error = task.files.canInstall();
  if (error < 0) return error;
  const seals = isNoExec ? F_SEAL_EXEC : (flags & MFD_ALLOW_SEALING) !== 0 ? 0 : F_SEAL_SEAL;
  const file = createMemfd(task.kernel, name, task.creds, isNoExec ? 0o666 : 0o777, seals);
  return task.files.install(file, (flags & MFD_CLOEXEC) !== 0);
});
