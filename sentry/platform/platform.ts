/**
 * What runs guest code. Two implementations: systrap (stub inside the guest, shared slots)
 * and, later, ptrace. The kernel sees only these types; addresses are guest addresses.
 */
import type { Errno } from "../abi/errno.ts";
import type { UserAddr, UserMemory } from "../mm/user-memory.ts";
import type { WaitQueue } from "../task/blocking.ts";
import type { Task } from "../task/task.ts";

export interface Platform {
  readonly name: string;
  /** Guest addresses that mm must keep free (vDSO, stub, slots). */
  readonly reserved: readonly AddressRange[];
  /** The vDSO's ELF header in every guest process, for AT_SYSINFO_EHDR; 0: none. */
  readonly vdsoAddr: UserAddr;
  /** AT_HWCAP, AT_HWCAP2 and the FPU state's size in bytes, as the host shows them. */
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly fpuStateSize: number;
  readonly minSignalStackSize: number;

  /**
   * A pristine host process with an empty address space and one stopped thread (from the
   * pool). Synchronous when the pool has one; EAGAIN otherwise: wait on `pristineQueue`.
   */
  takePristine(): GuestThread | Errno;
  /** Somebody's futex call looks for sleepers: words that were fetched before (`fetchedWord`) may be older than that. */
  futexWakes?(): void;
  readonly pristineQueue: WaitQueue;
}

export interface AddressRange {
  readonly start: UserAddr;
  readonly end: UserAddr;
  /** As shown in /proc/pid/maps ("[vdso]"); empty: hidden. */
  readonly name: string;
}

/** One host process: one guest address space. */
export interface GuestProcess {
  readonly hostPid: number;
  /** Guest memory, reachable whatever its threads do; never served from prefetched copies. */
  readonly memory: UserMemory;
  /** Pages of it in host memory. Absent: the platform cannot tell, and /proc estimates. */
  residentPages?(): number;
  /** While true, the platform leaves the code as the guest wrote it, for others who look at it. */
  keepCode?(isKept: boolean): void;
  /** SIGKILLs the host process with all its threads; every GuestThread of it is gone afterwards. */
  kill(): void;
}

/** One host thread: one guest task. All methods are for a thread that is stopped in the sentry, except `interrupt`. */
export interface GuestThread {
  readonly process: GuestProcess;
  /** Set by the kernel when the thread gets its task. */
  task: Task | null;
  /** Memory as this thread's system call sees it: prefetched bytes first, copy-outs travel with the answer. */
  readonly memory: UserMemory;
  readonly regs: Registers;
  /** Host operations to run in this process before the thread continues. */
  readonly ops: HostOps;

  /** Continues guest execution: with `result` in rax, or with all registers as set in `regs` if they were touched. */
  resume(result: number): void;
  /** True while the thread executes guest code (or is on its way in or out). */
  readonly isRunning: boolean;
  /** Makes a running thread stop soon; the kernel then gets `Trap` "interrupt". No effect on a stopped one. */
  interrupt(): void;
  /**
   * Interrupts a running thread and returns when it can execute no guest instruction before
   * the kernel has seen it: until then the guest's words hold still (futex operations).
   */
  halt?(): void;
  /**
   * The word of the futex that this thread's call waits on, as it was when it was fetched along with the call;
   * -1 when a futex was woken since then or the word was not fetched: ask the memory.
   */
  fetchedWord?(addr: UserAddr): number;
  /** Binds it to CPUs, a bit for each; null: any. Absent: the platform cannot. */
  setCpus?(cpus: Uint32Array | null): void;
  /** The CPU that it was on at its call (the guest says so). */
  readonly cpu?: number;
  /** CPU time the host has given this thread, in ns. */
  cpuTimeNs?(): number;
  /** The part of it that counts as system time, as of the last `cpuTimeNs`. */
  systemTimeNs?(): number;
  /**
   * For a stop that others look into: carries out what the next answer would (operations,
   * copy-outs, FPU state) with the code as the guest wrote it, and stops again. `done` gets
   * null, or the result that a failed operation leaves the call.
   */
  settle(done: (failed: number | null) => void): void;
  // Of a settled thread:
  /** Writes to private memory that the guest itself may not write; `prot` is its protection. */
  poke(addr: UserAddr, bytes: Uint8Array, prot: number, done: (result: number) => void): void;
  /** The extended state, as XSAVE writes it. */
  readFpu(done: (state: Uint8Array | Errno) => void): void;
  writeFpu(state: Uint8Array, done: (result: number) => void): void;
  /** Ends this host thread only (guest exit(2) with siblings left). */
  exitThread(): void;

  /** fork(2) of the host process: `result` becomes a stopped child thread with a copy of the registers. */
  forkProcess(): CloneRequest;
  /**
   * execve(2) in the host process that is there: with the next answer all of its memory goes, before anything is mapped. False: this
   * cannot be, the program needs another process. The caller knows that the program gains no rights over the old one.
   */
  startOver?(): boolean;
  /** One more stopped host thread in the same process, with a copy of the registers. */
  cloneThread(): CloneRequest;

  /**
   * Builds a signal frame (struct rt_sigframe with siginfo, ucontext and the FPU state)
   * on the guest's stack and points the registers at the handler. 0 or EFAULT.
   */
  pushSignalFrame(frame: SignalFrame): 0 | Errno;
  /** rt_sigreturn(2): restores the registers and FPU state from the frame at rsp - 8. */
  popSignalFrame(): SignalContext | Errno;
}

/** An asynchronous host clone. `queue` is notified when `result` is set. */
export interface CloneRequest {
  result: GuestThread | Errno | null;
  readonly queue: WaitQueue;
}

/** A signal set as two 32-bit halves: signals 1..32 in `lo`, 33..64 in `hi`. */
export interface SignalFrame {
  signal: number;
  /** siginfo_t, 128 bytes. */
  info: Uint8Array;
  handlerAddr: UserAddr;
  restorerAddr: UserAddr;
  /** Stack pointer to build below: the interrupted rsp minus the red zone, or the alternate stack's top. */
  stackTopAddr: UserAddr;
  /** For uc_stack. */
  altStack: { addr: UserAddr; flags: number; size: number };
  /** uc_sigmask: the mask to restore at sigreturn. */
  maskLo: number;
  maskHi: number;
  /** Fault details for the sigcontext: trapno, err, cr2. */
  trap: { number: number; error: number; addr: UserAddr } | null;
}

export interface SignalContext {
  maskLo: number;
  maskHi: number;
  altStack: { addr: UserAddr; flags: number; size: number };
}

/** CPU state at the trap. 64-bit values are doubles where they are addresses; exact halves where they are data. */
export interface Registers {
  /** Indexes are the constants R_* of platform/registers.ts. */
  get(index: number): number;
  set(index: number, value: number): void;
  getLo(index: number): number;
  getHi(index: number): number;
  setHalves(index: number, lo: number, hi: number): void;
  get fsBase(): UserAddr;
  set fsBase(addr: UserAddr);
  get gsBase(): UserAddr;
  set gsBase(addr: UserAddr);
  /** The system call number at the trap (orig_rax is kept for restarts); -1: in none. */
  syscallNumber: number;
}

/** Queued for one thread, executed in order by the stub before it continues. All mappings are MAP_FIXED: mm owns the layout. */
export interface HostOps {
  /** Private or shared anonymous memory (`flags`: MAP_PRIVATE/MAP_SHARED, MAP_NORESERVE, MAP_POPULATE, MAP_LOCKED, MAP_GROWSDOWN never). */
  mapAnonymous(addr: UserAddr, length: number, prot: number, flags: number): void;
  /** A host fd's pages; the fd is sent to the guest process as needed. */
  mapFile(addr: UserAddr, length: number, prot: number, flags: number, hostFd: number, offset: number): void;
  unmap(addr: UserAddr, length: number): void;
  protect(addr: UserAddr, length: number, prot: number): void;
  /** mremap(2) with MREMAP_FIXED semantics when addresses differ. */
  remap(addr: UserAddr, oldLength: number, newAddr: UserAddr, newLength: number, keepOld: boolean): void;
  advise(addr: UserAddr, length: number, advice: number): void;
  /** What the host's ps(1) shows of the process: a name, and arguments in its memory. Absent: the platform cannot. */
  identify?(name: string, argStart: UserAddr, argEnd: UserAddr): void;
  /** mincore(2) straight into guest memory at `vecAddr`. Absent: the platform cannot. */
  mincore?(addr: UserAddr, length: number, vecAddr: UserAddr): void;
  /**
   * False from the first queued operation until all are known to have run. Other threads of
   * the address space may not be given memory that an unmap in flight still covers.
   */
  readonly isIdle?: boolean;
  /**
   * Called when the queued operations have run but one failed: `index` counts the queued
   * operations of this answer, `error` is the host's errno. The returned value becomes the
   * call's result. Null: the failure kills the guest process (exec past its point of no return).
   */
  onFailure: ((index: number, error: Errno) => number) | null;
}

/** Why a thread stopped. */
export type Trap =
  | { readonly kind: "syscall" }
  | {
      readonly kind: "fault";
      readonly signal: number;
      readonly code: number;
      readonly addr: UserAddr;
      readonly trapNumber: number;
      readonly error: number;
    }
  | { readonly kind: "interrupt" };
