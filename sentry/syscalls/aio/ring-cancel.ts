/** Requests of io_uring(7) that end others. */
import * as OP from "../../../syscall-tables/flags/io-uring.ts";
import { EALREADY, ECANCELED, EINVAL, ENOENT } from "../../abi/errno.ts";
import type { Operation, RingRequest } from "../../io-uring/request.ts";
import { updateTimeout } from "../../io-uring/waits.ts";

/** What a cancellation means: a request by its user data, by its file, or any. */
const findTargets = (request: RingRequest, flags: number): RingRequest[] => {
  const lo = request.sqe.getUint32(16, true);
  const hi = request.sqe.getUint32(20, true);
  const all = [...request.ring.held, ...request.ring.pending].filter((one) => one !== request);
  if ((flags & OP.IORING_ASYNC_CANCEL_ANY) !== 0) return all;
  if ((flags & OP.IORING_ASYNC_CANCEL_FD) !== 0) return all.filter((one) => one.fd === request.fd && one.opcode !== OP.IORING_OP_TIMEOUT);
  return all.filter((one) => one.hasData(lo, hi));
};

const CANCEL_KNOWN = OP.IORING_ASYNC_CANCEL_ALL | OP.IORING_ASYNC_CANCEL_FD | OP.IORING_ASYNC_CANCEL_ANY;

export const cancel: Operation = (request) => {
  const flags = request.opFlags;
  if ((flags & ~CANCEL_KNOWN) !== 0 || request.len !== 0) return EINVAL;
  const targets = findTargets(request, flags);
  const isAll = (flags & (OP.IORING_ASYNC_CANCEL_ALL | OP.IORING_ASYNC_CANCEL_ANY)) !== 0;
  const chosen = isAll ? targets : targets.slice(0, 1);
  for (const one of chosen) one.cancel(ECANCELED);
  return isAll ? chosen.length : chosen.length === 0 ? ENOENT : 0;
};

/** POLL_REMOVE and TIMEOUT_REMOVE take requests of their own kind alone. */
export const remove = (opcode: number): Operation => {
  return (request) => {
    const isUpdate = opcode === OP.IORING_OP_TIMEOUT && (request.opFlags & OP.IORING_TIMEOUT_UPDATE) !== 0;
    if (opcode === OP.IORING_OP_POLL_ADD && request.len !== 0) return EINVAL;
    if (opcode === OP.IORING_OP_TIMEOUT && !isUpdate && request.opFlags !== 0) return EINVAL;
    const found = findTargets(request, 0).find((one) => one.opcode === opcode);
    if (found === undefined) return findTargets(request, 0).length > 0 ? EALREADY : ENOENT;
    if (isUpdate) return updateTimeout(request, found);
    found.cancel(ECANCELED);
    return 0;
  };
};
