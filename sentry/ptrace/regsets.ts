/** PTRACE_GETREGSET and its relatives: which set, and how much of it. */
import { TWO_32 } from "../../syscall-tables/limits.ts";
import { EFAULT, EINVAL, EIO, type Errno, isErrno } from "../abi/errno.ts";
import type { UserAddr } from "../mm/user-memory.ts";
import type { Task } from "../task/task.ts";
import { FXSAVE_SIZE, joinedState } from "./fpu-state.ts";
import { TraceeOp } from "./memory.ts";
import { setUserRegs, USER_REGS_SIZE, userRegs } from "./user-regs.ts";

const NT_PRSTATUS = 1;
const NT_PRFPREG = 2;
const NT_X86_XSTATE = 0x202;
const WORD = 8;

/** Where a set goes to or comes from. `tell` reports the length that was moved. */
interface Place {
  readonly addr: UserAddr;
  readonly length: number;
  readonly tell: (length: number) => number;
}

const fixedPlace = (addr: UserAddr, length: number): Place => ({ addr, length, tell: () => 0 });

/** The tracer reads the extended state. */
const getFpu = (task: Task, tracee: Task, place: Place): number => {
  const op = new TraceeOp(tracee);
  tracee.thread.readFpu((state) => {
    if (isErrno(state)) op.finish(EIO);
    else {
      const shown = state.subarray(0, Math.min(state.length, place.length));
      const failed = task.thread.process.memory.copyOut(place.addr, shown);
      op.finish(failed < 0 ? failed : place.tell(shown.length));
    }
  });
  return task.block(op);
};

const setFpu = (task: Task, tracee: Task, place: Place, length: number): number => {
  const given = task.memory.copyIn(place.addr, length);
  if (isErrno(given)) return given;
  const op = new TraceeOp(tracee);
  tracee.thread.readFpu((state) => {
    const joined = isErrno(state) ? EIO : joinedState(state, given);
    if (isErrno(joined)) op.finish(joined);
    else tracee.thread.writeFpu(joined, (result) => op.finish(result < 0 ? result : place.tell(length)));
  });
  return task.block(op);
};

const getRegs = (task: Task, tracee: Task, place: Place): number => {
  const shown = userRegs(tracee).subarray(0, place.length);
  return task.memory.copyOut(place.addr, shown) || place.tell(shown.length);
};

const setRegs = (task: Task, tracee: Task, place: Place): number => {
  const view = task.memory.viewIn(place.addr, place.length);
  if (isErrno(view)) return EFAULT;
  return setUserRegs(tracee, view) || place.tell(place.length);
};

export const getUserRegs = (task: Task, tracee: Task, addr: UserAddr): number => getRegs(task, tracee, fixedPlace(addr, USER_REGS_SIZE));
export const setAllUserRegs = (task: Task, tracee: Task, addr: UserAddr): number => setRegs(task, tracee, fixedPlace(addr, USER_REGS_SIZE));
export const getFpRegs = (task: Task, tracee: Task, addr: UserAddr): number => getFpu(task, tracee, fixedPlace(addr, FXSAVE_SIZE));
export const setFpRegs = (task: Task, tracee: Task, addr: UserAddr): number =>
  setFpu(task, tracee, fixedPlace(addr, FXSAVE_SIZE), FXSAVE_SIZE);

const sizeOf = (task: Task, type: number): number | Errno => {
  if (type === NT_PRSTATUS) return USER_REGS_SIZE;
  if (type === NT_PRFPREG) return FXSAVE_SIZE;
  return type === NT_X86_XSTATE ? task.kernel.platform.fpuStateSize : EINVAL;
};

/** `vectorAddr`: a struct iovec, whose length becomes what was moved. */
export const moveRegset = (task: Task, tracee: Task, type: number, vectorAddr: UserAddr, isSet: boolean): number => {
  const vector = task.memory.viewIn(vectorAddr, 16);
  if (isErrno(vector)) return EFAULT;
  const size = sizeOf(task, type);
  const wanted = vector.getUint32(8, true) + vector.getUint32(12, true) * TWO_32;
  if (isErrno(size) || wanted % WORD !== 0) return EINVAL;
  const memory = task.thread.process.memory;
  const place: Place = {
    addr: vector.getUint32(0, true) + vector.getUint32(4, true) * TWO_32,
    length: Math.min(wanted, size),
    tell: (length) => memory.storeU64(vectorAddr + 8, length),
  };
  if (type === NT_PRSTATUS) return isSet ? setRegs(task, tracee, place) : getRegs(task, tracee, place);
  if (!isSet) return getFpu(task, tracee, place);
  if (type === NT_X86_XSTATE && place.length !== size) return EFAULT;
  return place.length === 0 ? 0 : setFpu(task, tracee, place, place.length);
};
