/** Signals: numbers, sigaction flags, si_code values and the arithmetic of signal sets (signal(7), sigaction(2)). */
import {
  SIGABRT,
  SIGBUS,
  SIGCHLD,
  SIGCONT,
  SIGFPE,
  SIGILL,
  SIGIO,
  SIGKILL,
  SIGQUIT,
  SIGSEGV,
  SIGSTOP,
  SIGSYS,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from "../../syscall-tables/flags/signal.ts";

export const SIGPOLL = SIGIO;
/** _NSIG */
export const NSIG = 64;

export const MINSIGSTKSZ = 2048;

// si_code of signals that a process sends.
export const SI_ASYNCNL = -60;

export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_MSG = 3;
export const POLL_ERR = 4;
export const POLL_PRI = 5;
export const POLL_HUP = 6;

/** sizeof(sigset_t) of the kernel. */
export const SIGSET_SIZE = 8;
/** sizeof(siginfo_t) */
export const SIGINFO_SIZE = 128;

/** The low half's bit of `signal`, 0 when it lies in the high half. Sets are two u32: signals 1..32 and 33..64. */
export const sigBitLo = (signal: number): number => (signal <= 32 ? (1 << (signal - 1)) >>> 0 : 0);
/** The high half's bit of `signal`. */
export const sigBitHi = (signal: number): number => (signal > 32 ? (1 << (signal - 33)) >>> 0 : 0);
export const sigsetHas = (lo: number, hi: number, signal: number): boolean =>
  signal <= 32 ? ((lo >>> (signal - 1)) & 1) !== 0 : ((hi >>> (signal - 33)) & 1) !== 0;

/** A low half built from signals below 33. */
const lowSet = (...signals: number[]): number => signals.reduce((set, signal) => (set | (1 << (signal - 1))) >>> 0, 0);

/** Signals that no mask can hold back; all in the low half. */
export const UNBLOCKABLE_LO = lowSet(SIGKILL, SIGSTOP);
/** SIG_KERNEL_STOP_MASK */
export const STOP_SIGNALS_LO = lowSet(SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU);
/** SIG_KERNEL_IGNORE_MASK */
export const IGNORED_BY_DEFAULT_LO = lowSet(SIGCONT, SIGCHLD, SIGWINCH, SIGURG);
/** SIG_KERNEL_COREDUMP_MASK */
export const CORE_SIGNALS_LO = lowSet(SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, SIGBUS, SIGSYS, SIGXCPU, SIGXFSZ);
/** SYNCHRONOUS_MASK: raised by the instruction itself, delivered before all others. */
export const SYNCHRONOUS_LO = lowSet(SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS);

export const isStopSignal = (signal: number): boolean => signal <= 32 && ((STOP_SIGNALS_LO >>> (signal - 1)) & 1) !== 0;
export const isIgnoredByDefault = (signal: number): boolean => signal <= 32 && ((IGNORED_BY_DEFAULT_LO >>> (signal - 1)) & 1) !== 0;
export const isCoreSignal = (signal: number): boolean => signal <= 32 && ((CORE_SIGNALS_LO >>> (signal - 1)) & 1) !== 0;
export const isSynchronous = (signal: number): boolean => signal <= 32 && ((SYNCHRONOUS_LO >>> (signal - 1)) & 1) !== 0;
export const isValidSignal = (signal: number): boolean => signal >= 0 && signal <= NSIG;
