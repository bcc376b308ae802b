import { UNAME26 } from "../../../syscall-tables/flags/prctl.ts";
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { EFAULT, EINVAL, EPERM, isErrno } from "../../abi/errno.ts";
import type { UserAddr } from "../../mm/user-memory.ts";
import { KERNEL_RELEASE, KERNEL_VERSION } from "../../task/kernel-version.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const FIELD_SIZE = 65;
const NAME_MAX = 64;
/** personality(2): pretend to be a 32-bit machine. */
const PER_MASK = 0xff;
const PER_LINUX32 = 8;

/** UNAME26: 4.x and later show as 2.6.60 and up (override_release). */
const release = (task: Task): string => {
  if ((task.personality & UNAME26) === 0) return KERNEL_RELEASE;
  const [, minor] = KERNEL_RELEASE.split(".");
  return `2.6.${60 + Number(minor)}`;
};

/** uname(2) */
export const sys_uname = implement("uname", { level: "full" }, (task, addr) => {
  const machine = (task.personality & PER_MASK) === PER_LINUX32 ? "i686" : "x86_64";
  const bytes = Buffer.alloc(FIELD_SIZE * 6);
  ["Linux", task.uts.hostname, release(task), KERNEL_VERSION, machine, task.uts.domainname].forEach((text, index) => {
    bytes.write(text.slice(0, NAME_MAX), index * FIELD_SIZE, "latin1");
  });
  return task.memory.copyOut(addr, bytes);
});

/** The new name, or a negative errno. */
const readName = (task: Task, addr: UserAddr, length: number): string | number => {
  if (!task.creds.hasIn(task.uts.userNamespace, CAP_SYS_ADMIN)) return EPERM;
  if (length < 0 || length > NAME_MAX) return EINVAL;
  const bytes = task.memory.copyIn(addr, length);
  if (isErrno(bytes)) return EFAULT;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1").split("\0")[0];
};

/** sethostname(2) */
export const sys_sethostname = implement("sethostname", { level: "full" }, (task, addr, length) => {
  const name = readName(task, addr, length);
  if (typeof name === "number") return name;
  task.uts.hostname = name;
  return 0;
});

/** setdomainname(2) */
export const sys_setdomainname = implement("setdomainname", { level: "full" }, (task, addr, length) => {
  const name = readName(task, addr, length);
  if (typeof name === "number") return name;
  task.uts.domainname = name;
  return 0;
});
