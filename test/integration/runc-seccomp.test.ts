/** runc's seccomp.bats: profiles, actions, errnos, and calls that are newer than the profile. */
import assert from "node:assert/strict";
import { after, it } from "node:test";
import { describeContainers } from "../needs.ts";
import { type Config, Containers } from "./bundle.ts";
import { assertRun, compileInto, withBoth } from "./runc.ts";

/** Prints the errno of each call NR[,ARG…] that it is given. */
const PROBE = `
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    unsigned long v[7] = { 0 };
    int n = 0;
    for (char *p = strtok(argv[i], ","); p && n < 7; p = strtok(NULL, ",")) v[n++] = strtoul(p, NULL, 0);
    long result = syscall((long)v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
    printf("%ld:%d\\n", (long)v[0], result < 0 ? errno : 0);
    fflush(stdout);
  }
}
`;

/** What a static program, busybox and runc's own init need. */
const BASE =
  "accept access arch_prctl bind brk capget capset chdir clock_gettime clone close close_range connect dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait execve exit exit_group faccessat faccessat2 fadvise64 fchdir fchown fcntl fork fstat fstatfs futex getcwd getdents64 getegid geteuid getgid getgroups getpgrp getpid getppid getrandom getrlimit gettid getuid ioctl keyctl lseek lstat madvise mmap mprotect munmap nanosleep newfstatat open openat pipe pipe2 poll prctl pread64 prlimit64 read readlink readlinkat rseq rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity sched_yield seccomp set_robust_list set_tid_address setgid setgroups setresgid setresuid setsid setuid sigaltstack stat statfs statx tgkill umask uname unlinkat vfork wait4 write writev".split(
    " ",
  );

const withSeccomp =
  (seccomp: object, noNewPrivileges = true) =>
  (config: Config): void => {
    config.process.noNewPrivileges = noNewPrivileges;
    config.linux = { ...(config.linux as object), seccomp };
  };

const lines = (...entries: string[]): string => entries.map((entry) => `${entry}\n`).join("");

describeContainers("seccomp", () => {
  const containers = new Containers();
  after(() => containers.remove());

  const bundle = (args: readonly string[], seccomp: object, noNewPrivileges = true): string => {
    const made = containers.bundle(args, withSeccomp(seccomp, noNewPrivileges));
    compileInto(made, "probe", PROBE);
    return made;
  };

  it("SCMP_ACT_KILL and KILL_PROCESS end the program by SIGSYS", () => {
    for (const action of ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"]) {
      const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdir", "mkdirat"], action }] };
      assertRun(containers, bundle(["probe", "102", "83"], seccomp), { status: 159, stdout: "102:0\n" });
      assertRun(containers, bundle(["sh", "-c", "probe 83; echo $?"], seccomp), { status: 0, stdout: "159\n" });
    }
  });

  it("errnos: EPERM by default, errnoRet, defaultErrnoRet, conditions on arguments", () => {
    const seccomp = {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 6,
      syscalls: [
        { names: [...BASE, "personality"], action: "SCMP_ACT_ALLOW" },
        { names: ["getpriority"], action: "SCMP_ACT_ERRNO" },
        { names: ["getpgid"], action: "SCMP_ACT_ERRNO", errnoRet: 100 },
        { names: ["socket"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, op: "SCMP_CMP_EQ", value: 1 }] },
        { names: ["no_such_call"], action: "SCMP_ACT_ALLOW" },
      ],
    };
    for (const noNewPrivileges of [true, false]) {
      assertRun(containers, bundle(["probe", "140", "121", "41,1,1", "41,2,1", "95", "109", "135,0xffffffff"], seccomp, noNewPrivileges), {
        status: 0,
        stdout: lines("140:1", "121:100", "41:0", "41:6", "95:0", "109:6", "135:0"),
      });
    }
  });

  it("calls newer than the profile do not exist, older ones are refused", () => {
    const seccomp = {
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
      syscalls: [{ names: BASE, action: "SCMP_ACT_ALLOW" }],
    };
    // faccessat2 (439) is the last one that the profile names.
    assertRun(containers, bundle(["probe", "109", "438", "440", "500", "2000", "0x4000006d", "0x40000400"], seccomp), {
      status: 0,
      stdout: lines("109:1", "438:1", "440:38", "500:38", "2000:38", "1073741933:1", "1073742848:38"),
    });
  });

  it("is told by /proc/self/status, holds for exec, and is kept by children", () => {
    const seccomp = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["getpgid"], action: "SCMP_ACT_ERRNO", errnoRet: 7 }] };
    const made = bundle(["sleep", "100"], seccomp, false);
    withBoth(containers, ({ name, call, detached }) => {
      const id = containers.id(`seccomp-exec-${name}`);
      assert.equal(detached("/dev/null", "run", "-d", "-b", made, id), 0);
      const executed = call("exec", id, "sh", "-c", "probe 121; grep Seccomp /proc/self/status");
      assert.equal(executed.stdout, "121:7\nSeccomp:\t2\nSeccomp_filters:\t1\n");
      assert.equal(call("delete", "--force", id).status, 0);
    });
    assertRun(containers, bundle(["sh", "-c", "grep Seccomp /proc/self/status; sh -c 'probe 121'"], seccomp), {
      stdout: "Seccomp:\t2\nSeccomp_filters:\t1\n121:7\n",
    });
  });

  it("a default that allows lets newer calls through, and an empty profile is none", () => {
    const log = { defaultAction: "SCMP_ACT_LOG", syscalls: [] };
    assertRun(containers, bundle(["probe", "102", "2000"], log), { stdout: "102:0\n2000:38\n", status: 0 });
    const allow = bundle(["sh", "-c", "probe 102; grep Seccomp: /proc/self/status"], {});
    assert.equal(containers.moat("run", "-b", allow, containers.id("empty")).stdout, "102:0\nSeccomp:\t0\n");
  });

  it("flags of seccomp(2) are taken, which runc 1.1 does not", () => {
    const flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"];
    const made = bundle(["probe", "83"], {
      defaultAction: "SCMP_ACT_ALLOW",
      flags,
      syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }],
    });
    assert.equal(containers.moat("run", "-b", made, containers.id("flags")).stdout, "83:1\n");
  });

  it("what is not supported is refused by name", () => {
    const refused = (seccomp: object): string => {
      const result = containers.moat("run", "-b", bundle(["true"], seccomp), containers.id("refused"));
      assert.equal(result.status, 1);
      return result.stderr;
    };
    assert.match(refused({ defaultAction: "SCMP_ACT_X", syscalls: [] }), /linux\.seccomp\.defaultAction/);
  });
});
