/** Keys, BPF, modules, security modules, and the numbers that Linux reserves but never answers. */
import {
  addr,
  choice,
  fd,
  flags,
  inBytes,
  inExtensible,
  inOutStruct,
  int,
  path,
  pid,
  sig,
  sigReturning,
  size,
  string,
  uint,
  ulong,
} from "../kinds.ts";

/** KEY_TYPE_NAME buffer of security/keys/keyctl.c. */
const keyType = string("_type", 32);
/** KEY_MAX_DESC_SIZE of the same file. */
const keyDescription = string("_description", 4096);

export const misc = {
  add_key: sig(keyType, keyDescription, inBytes("_payload", "plen"), size("plen"), int("ringid")),
  request_key: sig(keyType, keyDescription, addr("_callout_info"), int("destringid")),
  keyctl: sigReturning("off", choice("option", "keyctl"), ulong("arg2"), ulong("arg3"), ulong("arg4"), ulong("arg5")),
  bpf: sig(choice("cmd", "bpf"), inExtensible("uattr", "bpf_attr", "size"), uint("size")),
  perf_event_open: sigReturning("fd", addr("attr_uptr"), pid("pid"), int("cpu"), fd("group_fd"), flags("flags", "perf_event_open")),
  init_module: sig(addr("umod"), size("len"), addr("uargs")),
  finit_module: sig(fd("fd"), addr("uargs"), flags("flags", "finit_module")),
  delete_module: sig(string("name_user", 64), flags("flags", "delete_module")),
  create_module: sig(path("name"), size("size")),
  get_kernel_syms: sig(addr("table")),
  query_module: sig(addr("name"), int("which"), addr("buf"), size("bufsize"), addr("ret")),
  kexec_load: sig(addr("entry"), size("nr_segments"), addr("segments"), flags("flags", "kexec")),
  kexec_file_load: sig(fd("kernel_fd"), fd("initrd_fd"), size("cmdline_len"), addr("cmdline_ptr"), flags("flags", "kexec_file")),
  landlock_create_ruleset: sigReturning(
    "fd",
    inExtensible("attr", "landlock_ruleset_attr", "size"),
    size("size"),
    flags("flags", "landlock_create"),
  ),
  landlock_add_rule: sig(fd("ruleset_fd"), choice("rule_type", "landlock_rule"), addr("rule_attr"), flags("flags", "none")),
  landlock_restrict_self: sig(fd("ruleset_fd"), flags("flags", "landlock_restrict")),
  lsm_get_self_attr: sig(choice("attr", "lsm_attr"), addr("ctx"), inOutStruct("size", "uint", 4), flags("flags", "lsm_get")),
  lsm_set_self_attr: sig(choice("attr", "lsm_attr"), inBytes("ctx", "size"), uint("size"), flags("flags", "none")),
  lsm_list_modules: sig(addr("ids"), inOutStruct("size", "uint", 4), flags("flags", "none")),
  uretprobe: sig(),
  uprobe: sig(),
  afs_syscall: sig(),
  getpmsg: sig(),
  putpmsg: sig(),
  tuxcall: sig(),
  security: sig(),
  vserver: sig(),
} as const;
