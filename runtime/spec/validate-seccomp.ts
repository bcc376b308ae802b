/** linux.seccomp of config.json, with runc's words for what it does not take (libcontainer/seccomp/config.go, specconv). */

import type { CompareOp, ProfileCheck, ProfileRule, SeccompAgent, SeccompProfile } from "../../native/seccomp/profile.ts";
import { MAX_ERRNO } from "../../syscall-tables/limits.ts";
import type { Field } from "./field.ts";

/** SCMP_ACT_* → SECCOMP_RET_* */
export const ACTIONS: ReadonlyMap<string, number> = new Map([
  ["SCMP_ACT_KILL", 0],
  ["SCMP_ACT_KILL_THREAD", 0],
  ["SCMP_ACT_KILL_PROCESS", 0x8000_0000],
  ["SCMP_ACT_TRAP", 0x0003_0000],
  ["SCMP_ACT_ERRNO", 0x0005_0000],
  ["SCMP_ACT_TRACE", 0x7ff0_0000],
  ["SCMP_ACT_NOTIFY", 0x7fc0_0000],
  ["SCMP_ACT_LOG", 0x7ffc_0000],
  ["SCMP_ACT_ALLOW", 0x7fff_0000],
]);
const TAKES_ERRNO = new Set(["SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"]);

const ARCHITECTURES = new Set(
  "X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE RISCV64 S390 S390X LOONGARCH64 M68K SH SHEB PARISC PARISC64"
    .split(" ")
    .map((name) => `SCMP_ARCH_${name}`),
);

export const OPERATORS: ReadonlyMap<string, CompareOp> = new Map([
  ["SCMP_CMP_NE", 1],
  ["SCMP_CMP_LT", 2],
  ["SCMP_CMP_LE", 3],
  ["SCMP_CMP_EQ", 4],
  ["SCMP_CMP_GE", 5],
  ["SCMP_CMP_GT", 6],
  ["SCMP_CMP_MASKED_EQ", 7],
]);

/** seccomp(2): SECCOMP_FILTER_FLAG_* */
export const FLAGS: ReadonlyMap<string, number> = new Map([
  ["SECCOMP_FILTER_FLAG_TSYNC", 1],
  ["SECCOMP_FILTER_FLAG_LOG", 2],
  ["SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4],
  ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 32],
]);

const EPERM = 1;

const action = (field: Field, errnoField: Field): number => {
  const name = field.text();
  const word = ACTIONS.get(name);
  if (word === undefined) return field.refuse(`string ${name} is not a valid action for seccomp`);
  if (!TAKES_ERRNO.has(name)) return word;
  return (word | errnoField.integer(0, MAX_ERRNO, EPERM)) >>> 0;
};

const number64 = (field: Field): bigint => {
  const { value } = field;
  const exact = typeof value === "bigint" ? value : BigInt(field.integer(0, Number.MAX_SAFE_INTEGER, 0));
  if (exact < 0n || exact >= 2n ** 64n) field.refuse("must be an integer of 64 bits");
  return exact;
};

const check = (field: Field): ProfileCheck => {
  const op = field.at("op");
  const operator = OPERATORS.get(op.text());
  if (operator === undefined) return op.refuse(`string ${op.text()} is not a valid operator for seccomp`);
  return {
    index: field.at("index").integer(0, 5),
    op: operator,
    value: number64(field.at("value")),
    valueTwo: number64(field.at("valueTwo")),
  };
};

const NOT_BEGUN = "unable to start container process: error during container init: unable to init seccomp: ";

const isNotify = (rule: Field): boolean => rule.at("action").value === "SCMP_ACT_NOTIFY";

const agentOf = (field: Field): SeccompAgent | null => {
  if (!field.at("syscalls").list().some(isNotify)) return null;
  const path = field.at("listenerPath").text("");
  if (path === "") field.say("unable to start container process: listenerPath is not set");
  return { path, metadata: field.at("listenerMetadata").text("") };
};

const rule = (field: Field): ProfileRule => {
  const names = field.at("names");
  if (names.list().length === 0) names.refuse("must not be empty");
  // runc's init could not tell of the listener any more.
  if (isNotify(field) && names.texts().includes("write")) names.say(`${NOT_BEGUN}SCMP_ACT_NOTIFY cannot be used for the write syscall`);
  return {
    names: names.texts(),
    action: action(field.at("action"), field.at("errnoRet")),
    checks: field.at("args").list().map(check),
  };
};

/** Null: no filter. */
export const validateSeccomp = (field: Field): SeccompProfile | null => {
  const defaultAction = field.at("defaultAction");
  const syscalls = field.at("syscalls").list();
  // As runc: neither a default nor a call means that nothing was meant.
  if (!field.exists || (defaultAction.isEmpty && syscalls.length === 0)) return null;
  if (defaultAction.value === "SCMP_ACT_NOTIFY") defaultAction.say(`${NOT_BEGUN}SCMP_ACT_NOTIFY cannot be used as ${"default action"}`);
  const architectures = field
    .at("architectures")
    .list()
    .map((item) => {
      const name = item.text();
      if (!ARCHITECTURES.has(name)) item.refuse(`string ${name} is not a valid arch for seccomp`);
      return name;
    });
  const flags = field.at("flags").list();
  return {
    defaultAction: action(defaultAction, field.at("defaultErrnoRet")),
    hasX86_64: architectures.includes("SCMP_ARCH_X86_64"),
    hasX32: architectures.includes("SCMP_ARCH_X32"),
    rules: syscalls.map(rule),
    flags: flags.reduce((all, item) => {
      const flag = FLAGS.get(item.text());
      return flag === undefined ? item.refuse(`seccomp flag ${JSON.stringify(item.text())} is not supported`) : all | flag;
    }, 0),
    agent: agentOf(field),
  };
};
