/** The system calls as operations of a ring. */
import { O_NONBLOCK } from "../../../syscall-tables/flags/open.ts";
import { EBADF, EMFILE, isErrno } from "../../abi/errno.ts";
import type { Operation, RingRequest } from "../../io-uring/request.ts";
import type { OpenFile } from "../../vfs/open-file.ts";
import { ARGUMENT_WORDS, compileCall } from "../decode.ts";
import * as file from "../file/index.ts";
import type { Implementation } from "../implement.ts";
import { sys_madvise } from "../mm/madvise.ts";
import { sys_epoll_ctl } from "../poll/epoll.ts";
import { socketSyscalls } from "../socket/index.ts";
import { spliceSyscalls } from "../splice/index.ts";

const words = new Uint32Array(Math.max(...ARGUMENT_WORDS) + 2);

const byName = new Map(
  [...file.fileSyscalls, ...socketSyscalls, ...spliceSyscalls, sys_epoll_ctl, sys_madvise].map((one) => [one.name, one]),
);

type Arguments = (request: RingRequest) => readonly number[];

/** The call `name` with these arguments, for the request's task. */
export const call = (name: Implementation["name"], argumentsOf: Arguments): Operation => {
  const implementation = byName.get(name);
  if (implementation === undefined) throw new Error(`${name} is not among the calls of rings`);
  const run = compileCall(implementation);
  return (request) => {
    argumentsOf(request).forEach((value, i) => {
      words[ARGUMENT_WORDS[i]] = value;
      words[ARGUMENT_WORDS[i] + 1] = Math.floor(value / 2 ** 32);
    });
    return run(request.task, words, 0);
  };
};

/** O_NONBLOCK does not matter to a ring: a file that can be polled is waited for (io_rw_init_file, REQ_F_SUPPORT_NOWAIT). */
const willing = (target: OpenFile | null, work: () => number): number => {
  if (target === null || (target.flags & O_NONBLOCK) === 0) return work();
  target.flags &= ~O_NONBLOCK;
  const result = work();
  target.flags |= O_NONBLOCK;
  return result;
};

/** With a registered file in an fd of the task's while `operation` runs; what sleeps holds the file itself. */
const withFile = (operation: (request: RingRequest, fd: number) => number): Operation => {
  return (request) => {
    if (!request.isFixedFile) return willing(request.task.files.get(request.fd), () => operation(request, request.fd));
    const registered = request.ring.registered(request.fd);
    if (registered === null) return EBADF;
    const { files } = request.task;
    const fd = files.install(registered.take(), true);
    if (fd < 0) {
      registered.put();
      return EMFILE;
    }
    const result = willing(registered, () => operation(request, fd));
    files.withdraw(fd)?.put();
    return result;
  };
};

type FileArguments = (request: RingRequest, fd: number) => readonly number[];

export const fileCall = (name: Implementation["name"], argumentsOf: FileArguments): Operation => {
  let fd = -1;
  const run = call(name, (request) => argumentsOf(request, fd));
  return withFile((request, number) => {
    fd = number;
    return run(request);
  });
};

/** The request's file; null: none. */
export const fileOf = (request: RingRequest): OpenFile | null => {
  if (request.isFixedFile) return request.ring.registered(request.fd);
  const found = request.task.file(request.fd);
  return isErrno(found) ? null : found;
};
