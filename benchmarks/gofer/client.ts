/**
 * What one question to the gofer costs, over ways to wait for the answer and to place the two
 * processes. Prints µs per call; `find` is one walk and one readdir per directory.
 */

import { spawn } from "node:child_process";
import { MODE, NODE } from "../../gofer/protocol/attributes.ts";
import { attach, getattr, open, readdir, stats, walk } from "../../gofer/protocol/messages.ts";
import { unpackEntries } from "../../gofer/protocol/packed.ts";
import { closeFd } from "../../native/ffi/file-calls-unsafe.ts";
import { allocateMemory, hostCall3, hostCall6 } from "../../native/ffi/syscall-unsafe.ts";
import { isErrno } from "../../sentry/abi/errno.ts";
import { GoferClient } from "../../sentry/host/gofer-client.ts";
import { DT_DIR } from "../../syscall-tables/flags/open.ts";

const SYS_socketpair = 53;
const SYS_sched_setaffinity = 203;
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const S_IFDIR = 0o040000;

const memory = allocateMemory(4096);

const pin = (pid: number, cpus: number): void => {
  memory.u32[0] = cpus;
  memory.u32[1] = 0;
  hostCall3(SYS_sched_setaffinity, pid, 8, memory.address);
};

const start = (
  serverFile: string,
  root: string,
  spins: number,
  isFollowed: boolean,
): { client: GoferClient; pid: number; stop: () => void } => {
  const result = hostCall6(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, memory.address);
  if (result < 0) throw new Error(`socketpair: errno ${-result}`);
  const [ours, theirs] = [memory.i32[0], memory.i32[1]];
  const child = spawn(process.execPath, [serverFile, root], { stdio: ["ignore", "inherit", "inherit", theirs] });
  closeFd(theirs);
  const client = new GoferClient(ours, { spins, isFollowed });
  return { client, pid: child.pid ?? 0, stop: () => client.close() };
};

const must = <T>(answer: T): Exclude<T, number> => {
  if (typeof answer === "number") throw new Error(`errno ${-answer}`);
  return answer as Exclude<T, number>;
};

const time = (count: number, action: () => void): number => {
  for (let i = 0; i < count / 4; i++) action();
  const from = performance.now();
  for (let i = 0; i < count; i++) action();
  return ((performance.now() - from) * 1000) / count;
};

/** Computes for about `us` µs, as a guest between two calls would: waiting processes fall asleep. */
const busy = (us: number): void => {
  const until = performance.now() + us / 1000;
  while (performance.now() < until);
};

const afterGap = (count: number, gapUs: number, action: () => void): number => {
  let total = 0;
  for (let i = 0; i < count; i++) {
    busy(gapUs);
    const from = performance.now();
    action();
    total += performance.now() - from;
  }
  return (total * 1000) / count;
};

const traverse = (client: GoferClient, root: number, most: number): { directories: number; entries: number } => {
  let directories = 0;
  let entries = 0;
  const queue = [root];
  while (queue.length > 0 && directories < most) {
    const node = queue.pop() as number;
    directories++;
    let restart = 1;
    for (;;) {
      const answer = client.call(readdir, node, [], restart);
      if (isErrno(answer)) break;
      restart = 0;
      const listed = unpackEntries(answer[2]);
      entries += listed.length;
      if (answer[1] === 1) {
        for (const { name, type } of listed) {
          if (type !== DT_DIR) continue;
          const found = client.call(walk, node, [name], 0, 0);
          if (!isErrno(found) && found[2].length > 0 && (found[2][MODE] & 0o170000) === S_IFDIR) queue.push(found[2][NODE]);
        }
        break;
      }
    }
  }
  return { directories, entries };
};

const figure = (us: number): string => us.toFixed(1).padStart(9);

const measure = (
  label: string,
  serverFile: string,
  root: string,
  spins: number,
  ours: number,
  theirs: number,
  isFollowed = false,
): void => {
  const { client, pid, stop } = start(serverFile, root, spins, isFollowed);
  const node = must(client.call(attach, 0))[1][NODE];
  pin(process.pid, ours);
  if (!isFollowed) pin(pid, theirs);
  const bin = must(client.call(walk, node, ["bin"], 0, 0));
  const usrBin = bin[2][NODE];
  const sh = must(client.call(walk, usrBin, ["env"], 0, 0))[2][NODE];
  const names = unpackEntries(must(client.call(readdir, usrBin, [], 1))[2])
    .slice(0, 64)
    .map(({ name }) => name);
  const columns = [
    time(3000, () => client.call(getattr, [sh])),
    time(3000, () => client.call(walk, node, ["bin", "env"], 0, 0)),
    time(3000, () => client.call(walk, node, ["nothing-of-that-name"], 0, 0)),
    time(3000, () => {
      client.call(open, sh, 0);
      closeFd(client.takeFd());
    }),
    time(300, () => client.call(stats, usrBin, [], names)),
    afterGap(300, 200, () => client.call(getattr, [sh])),
    afterGap(100, 2000, () => client.call(getattr, [sh])),
  ];
  const from = performance.now();
  const { directories, entries } = traverse(client, node, 2000);
  const find = ((performance.now() - from) * 1000) / directories;
  console.log(`${label.padEnd(34)}${[...columns, find].map(figure).join("")}   (${directories} directories, ${entries} entries)`);
  stop();
  pin(process.pid, 3);
};

const [, , serverFile, root] = process.argv;
console.log(
  `${"".padEnd(34)}${["getattr", "walk 2", "miss", "open", "stats 64", "gap 200", "gap 2 ms", "find/dir"].map((t) => t.padStart(9)).join("")}`,
);
measure("sleep, kernel places", serverFile, root, 0, 3, 3);
measure("sleep, gofer follows", serverFile, root, 0, 3, 3, true);
measure("sleep, same CPU", serverFile, root, 0, 1, 1);
measure("sleep, other CPU", serverFile, root, 0, 1, 2);
measure("spin 60, kernel places", serverFile, root, 60, 3, 3);
measure("spin 60, other CPU", serverFile, root, 60, 1, 2);
measure("spin 2000, other CPU", serverFile, root, 2000, 1, 2);
