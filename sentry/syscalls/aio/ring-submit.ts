/** Taking submissions off a ring (io_submit_sqes): checks, chains, drains. */
import { IORING_OP_LAST, IORING_OP_LINK_TIMEOUT, IORING_SETUP_SUBMIT_ALL } from "../../../syscall-tables/flags/io-uring.ts";
import { EAGAIN, EINVAL, EOPNOTSUPP } from "../../abi/errno.ts";
import { type Operation, RingRequest } from "../../io-uring/request.ts";
import type { RingFile } from "../../io-uring/ring-file.ts";
import type { Task } from "../../task/task.ts";
import { operations } from "./ring-operations.ts";

const IOSQE_BUFFER_SELECT = 32;
const KNOWN_FLAGS = 0x7f;

/** Why an entry cannot become a request; 0: it can. */
const refusal = (request: RingRequest): number => {
  if (request.opcode >= IORING_OP_LAST || (request.flags & ~KNOWN_FLAGS) !== 0) return EINVAL;
  if ((request.flags & IOSQE_BUFFER_SELECT) !== 0) return EOPNOTSUPP;
  // No personality is registered.
  return request.sqe.getUint16(42, true) !== 0 ? EINVAL : 0;
};

const unknown: Operation = () => EINVAL;

/** A chain under way: its first request, and the last one that a following entry hangs on. */
interface Chain {
  readonly head: RingRequest;
  last: RingRequest;
  hasFailed: boolean;
}

const start = (ring: RingFile, request: RingRequest): void => {
  if (ring.held.length > 0 || (request.isDrain && ring.pending.size > 0)) ring.held.push(request);
  else ring.start(request);
};

const finishChain = (ring: RingFile, chain: Chain): void => {
  if (chain.hasFailed) chain.head.abandon();
  else start(ring, chain.head);
};

/** How many entries were taken; EAGAIN: too many are under way. */
export const submit = (ring: RingFile, task: Task, wanted: number): number => {
  task.rings ??= new Set();
  task.rings.add(ring);
  ring.submitters.add(task);
  const count = Math.min(wanted, ring.memory.submissions);
  let taken = 0;
  let chain: Chain | null = null;
  if (!ring.takesMore) return EAGAIN;
  while (taken < count && ring.takesMore) {
    const sqe = ring.memory.takeSubmission();
    if (sqe === null) break;
    taken++;
    const request: RingRequest = new RingRequest(ring, task, sqe, operations.get(sqe[0]) ?? unknown);
    const refused = refusal(request);
    if (chain !== null) chain = join(chain, request, refused);
    else if (request.isLinked) chain = { head: request, last: request, hasFailed: refused < 0 };
    else if (refused < 0) request.finish(refused);
    else start(ring, request);
    if (chain !== null && !request.isLinked) {
      finishChain(ring, chain);
      chain = null;
    }
    if (refused < 0 && (ring.setupFlags & IORING_SETUP_SUBMIT_ALL) === 0) break;
  }
  // A chain ends with the batch.
  if (chain !== null) finishChain(ring, chain);
  return taken;
};

const join = (chain: Chain, request: RingRequest, refused: number): Chain => {
  if (refused < 0) chain.hasFailed = true;
  if (request.opcode === IORING_OP_LINK_TIMEOUT && chain.last.linkedTimeout === null) {
    request.target = chain.last;
    chain.last.linkedTimeout = request;
    return chain;
  }
  chain.last.next = request;
  chain.last = request;
  return chain;
};
