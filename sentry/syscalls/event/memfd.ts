import {
  F_SEAL_EXEC,
  F_SEAL_SEAL,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from "../../../syscall-tables/flags/fd.ts";
import { O_CLOEXEC } from "../../../syscall-tables/flags/open.ts";
import { EINVAL, ENODEV } from "../../abi/errno.ts";
import { createHugeMemfd, hugePageShift } from "../../fs/memfd/huge-memfd.ts";
import { createMemfd } from "../../fs/memfd/memfd.ts";
import { createSecretMemfd } from "../../fs/memfd/secret-memfd.ts";
import { implement } from "../implement.ts";

const MFD_HUGE_SHIFT = 26;
const MFD_HUGE_MASK = 0x3f;

/** memfd_create(2) */
export const sys_memfd_create = implement("memfd_create", { level: "full" }, (task, name, flags) => {
  const isHuge = (flags & MFD_HUGETLB) !== 0;
  const sizeBits = isHuge ? (MFD_HUGE_MASK << MFD_HUGE_SHIFT) >>> 0 : 0;
  if ((flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC | sizeBits)) !== 0) return EINVAL;
  const isNoExec = (flags & MFD_NOEXEC_SEAL) !== 0;
  if (isNoExec && (flags & MFD_EXEC) !== 0) return EINVAL;
  const error = task.files.canInstall();
  if (error < 0) return error;
  const seals = isNoExec ? F_SEAL_EXEC : (flags & MFD_ALLOW_SEALING) !== 0 ? 0 : F_SEAL_SEAL;
  const mode = isNoExec ? 0o666 : 0o777;
  const shift = hugePageShift((flags >>> MFD_HUGE_SHIFT) & MFD_HUGE_MASK);
  if (isHuge && shift === 0) return ENODEV;
  const file = isHuge
    ? createHugeMemfd(task.kernel, name, task.creds, mode, seals, shift)
    : createMemfd(task.kernel, name, task.creds, mode, seals);
  return task.files.install(file, (flags & MFD_CLOEXEC) !== 0);
});

/** memfd_secret(2) */
export const sys_memfd_secret = implement("memfd_secret", { level: "full" }, (task, flags) => {
  if ((flags & ~O_CLOEXEC) !== 0) return EINVAL;
  const error = task.files.canInstall();
  if (error < 0) return error;
  return task.files.install(createSecretMemfd(task.kernel, task.creds), (flags & O_CLOEXEC) !== 0);
});
