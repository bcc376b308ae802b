/** A container's profile to BPF: libseccomp through koffi, fed as runc feeds it (libcontainer/seccomp/seccomp_linux.go). */
import koffi from "koffi";
import { needsEnosysStub, prependEnosysStub } from "../seccomp/enosys-stub.ts";
import type { ProfileCheck, ProfileRule, SeccompProfile } from "../seccomp/profile.ts";
import { exportProgram, openLibrary } from "./libseccomp-unsafe.ts";
import { memoryOnUse } from "./syscall-unsafe.ts";

/** linux/audit.h, libseccomp's tokens for architectures. */
const ARCH_X86_64 = 0xc000_003e;
const ARCH_X32 = 0x4000_003e;
const EEXIST = -17;
/** sizeof(struct scmp_arg_cmp) */
const CHECK_SIZE = 24;

const ownMemory = memoryOnUse(4096);

const writeCheck = (at: number, check: ProfileCheck): void => {
  const { view } = ownMemory();
  view.setUint32(at, check.index, true);
  view.setUint32(at + 4, check.op, true);
  view.setBigUint64(at + 8, check.value, true);
  view.setBigUint64(at + 16, check.valueTwo, true);
};

/** All conditions must hold, unless two are about one argument: then, as in runc, each is a rule of its own. */
const alternatives = (checks: readonly ProfileCheck[]): (readonly ProfileCheck[])[] => {
  const isRepeated = new Set(checks.map(({ index }) => index)).size < checks.length;
  return isRepeated ? checks.map((check) => [check]) : [checks];
};

/** The bytes of an array of struct sock_filter. */
export const compileProfile = (profile: SeccompProfile): Uint8Array => {
  const library = openLibrary();
  const resolve = koffi.load("libseccomp.so.2").func("int seccomp_syscall_resolve_name_arch(uint32_t, const char *)") as (
    ...args: unknown[]
  ) => number;
  const context = library.init(profile.defaultAction);
  if (context === null) throw new Error("linux.seccomp.defaultAction: libseccomp refuses it");
  if (profile.hasX32) library.addArchitecture(context, ARCH_X32);
  library.optimize(context);
  let largest = -1;
  let largestX32 = -1;
  const addRule = (rule: ProfileRule, name: string): void => {
    const number = resolve(ARCH_X86_64, name);
    // Unknown names are passed over, and so are calls of other architectures (below 0).
    if (number < 0) return;
    largest = Math.max(largest, number);
    if (profile.hasX32) largestX32 = Math.max(largestX32, resolve(ARCH_X32, name));
    if (rule.action === profile.defaultAction) return;
    for (const checks of alternatives(rule.checks)) {
      checks.forEach((check, index) => {
        writeCheck(index * CHECK_SIZE, check);
      });
      const result = library.addRule(context, rule.action, number, checks.length, BigInt(ownMemory().address));
      if (result < 0 && result !== EEXIST) {
        throw new Error(`linux.seccomp: error adding seccomp filter rule for syscall ${name}: errno ${-result}`);
      }
    }
  };
  for (const rule of profile.rules) for (const name of rule.names) addRule(rule, name);
  const bpf = exportProgram(library, context);
  library.release(context);
  if (!needsEnosysStub(profile.defaultAction)) return bpf;
  // As in runc 1.1: only for architectures that the profile lists and names a call of.
  const isNamed = (isListed: boolean, number: number): number | null => (isListed && number > 0 ? number : null);
  return prependEnosysStub(bpf, isNamed(profile.hasX86_64, largest), isNamed(profile.hasX32, largestX32));
};
