/** landlock(7): rulesets and their enforcement (security/landlock/syscalls.c). */
import { CAP_SYS_ADMIN } from "../../../syscall-tables/flags/system.ts";
import { E2BIG, EBADF, EBADFD, EFAULT, EINVAL, ENOMSG, EPERM, type Errno, isErrno } from "../../abi/errno.ts";
import { FS_ALL, FS_OF_FILES, LANDLOCK_ABI, NET_ALL, SCOPE_ALL } from "../../landlock/access.ts";
import { Domain, Ruleset } from "../../landlock/domain.ts";
import { RulesetFile } from "../../landlock/ruleset-file.ts";
import type { Task } from "../../task/task.ts";
import { implement } from "../implement.ts";

const CREATE_VERSION = 1;
const CREATE_ERRATA = 2;
/** The errata that Linux 6.18 has mended (landlock(7)): 1, 2 and 3. */
const ERRATA = 7;
const ATTR_SIZE = 24;
const ATTR_LEAST = 8;
const PAGE_SIZE = 4096;
const RULE_PATH_BENEATH = 1;
const RULE_NET_PORT = 2;
const PATH_BENEATH_SIZE = 12;
const NET_PORT_SIZE = 16;
const MOST_PORT = 65535;
const RESTRICT_LOG_SUBDOMAINS_OFF = 4;
const RESTRICT_ALL = 7;

/** A set of at most 32 rights in 64 bits; null when others are named. */
const rightsAt = (view: DataView, at: number, known: number): number | null => {
  const lo = view.getUint32(at, true);
  return view.getUint32(at + 4, true) !== 0 || (lo & ~known) !== 0 ? null : lo;
};

/** landlock_create_ruleset(2) */
export const sys_landlock_create_ruleset = implement("landlock_create_ruleset", { level: "full" }, (task, attrAddr, size, flags) => {
  if (flags !== 0) {
    if (attrAddr !== 0 || size !== 0) return EINVAL;
    if (flags === CREATE_VERSION) return LANDLOCK_ABI;
    return flags === CREATE_ERRATA ? ERRATA : EINVAL;
  }
  if (attrAddr === 0) return EFAULT;
  if (size < ATTR_LEAST) return EINVAL;
  if (size > PAGE_SIZE) return E2BIG;
  const bytes = task.memory.copyIn(attrAddr, size);
  if (isErrno(bytes)) return EFAULT;
  if (bytes.subarray(ATTR_SIZE).some((byte) => byte !== 0)) return E2BIG;
  const whole = new Uint8Array(ATTR_SIZE);
  whole.set(bytes.subarray(0, ATTR_SIZE));
  const view = new DataView(whole.buffer);
  const fs = rightsAt(view, 0, FS_ALL);
  const net = rightsAt(view, 8, NET_ALL);
  const scoped = rightsAt(view, 16, SCOPE_ALL);
  if (fs === null || net === null || scoped === null) return EINVAL;
  if ((fs | net | scoped) === 0) return ENOMSG;
  const error = task.files.canInstall();
  return error < 0 ? error : task.files.install(new RulesetFile(task.kernel, new Ruleset({ fs, net, scoped })), true);
});

const rulesetOf = (task: Task, fd: number): Ruleset | Errno => {
  const file = task.file(fd);
  if (isErrno(file)) return EBADF;
  return file instanceof RulesetFile ? file.rules : EBADFD;
};

/** add_rule_path_beneath() */
const addPath = (task: Task, rules: Ruleset, attrAddr: number): number => {
  const view = task.memory.viewIn(attrAddr, PATH_BENEATH_SIZE);
  if (isErrno(view)) return EFAULT;
  const isEmpty = view.getUint32(0, true) === 0 && view.getUint32(4, true) === 0;
  if (isEmpty) return ENOMSG;
  const access = rightsAt(view, 0, rules.handled.fs);
  if (access === null) return EINVAL;
  const file = task.files.get(view.getInt32(8, true));
  if (file === null) return EBADF;
  if (file.path === null || file.path.mount.fs.isInternal) return EBADFD;
  const { dentry } = file.path;
  if (!dentry.inode.isDirectory && (access & ~FS_OF_FILES) !== 0) return EINVAL;
  rules.allowBelow(dentry, access);
  return 0;
};

/** add_rule_net_port() */
const addPort = (task: Task, rules: Ruleset, attrAddr: number): number => {
  const view = task.memory.viewIn(attrAddr, NET_PORT_SIZE);
  if (isErrno(view)) return EFAULT;
  if (view.getUint32(0, true) === 0 && view.getUint32(4, true) === 0) return ENOMSG;
  const access = rightsAt(view, 0, rules.handled.net);
  if (access === null || view.getUint32(12, true) !== 0 || view.getUint32(8, true) > MOST_PORT) return EINVAL;
  rules.allowPort(view.getUint32(8, true), access);
  return 0;
};

/** landlock_add_rule(2) */
export const sys_landlock_add_rule = implement("landlock_add_rule", { level: "full" }, (task, fd, type, attrAddr, flags) => {
  if (flags !== 0) return EINVAL;
  const rules = rulesetOf(task, fd);
  if (isErrno(rules)) return rules;
  switch (type) {
    case RULE_PATH_BENEATH:
      return addPath(task, rules, attrAddr);
    case RULE_NET_PORT:
      return addPort(task, rules, attrAddr);
    default:
      return EINVAL;
  }
});

/** landlock_restrict_self(2). There is no audit log, so what is to be logged changes nothing. */
export const sys_landlock_restrict_self = implement("landlock_restrict_self", { level: "full" }, (task, fd, flags) => {
  const { creds } = task;
  if (!task.noNewPrivileges && !creds.hasIn(creds.userNamespace, CAP_SYS_ADMIN)) return EPERM;
  if ((flags & ~RESTRICT_ALL) !== 0) return EINVAL;
  if (fd === -1 && flags === RESTRICT_LOG_SUBDOMAINS_OFF) return 0;
  const rules = rulesetOf(task, fd);
  if (isErrno(rules)) return rules;
  const landlock = Domain.enforce(creds.landlock, rules);
  if (isErrno(landlock)) return landlock;
  task.creds = creds.with({ landlock });
  return 0;
});
