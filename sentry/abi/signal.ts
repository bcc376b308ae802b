/** Signals: numbers, sigaction flags, si_code values and the arithmetic of signal sets (signal(7), sigaction(2)). */

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPOLL = SIGIO;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGRTMIN = 32;
export const SIGRTMAX = 64;
/** _NSIG */
export const NSIG = 64;

export const SIG_DFL = 0;
export const SIG_IGN = 1;

export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

export const SA_NOCLDSTOP = 0x1;
export const SA_NOCLDWAIT = 0x2;
export const SA_SIGINFO = 0x4;
export const SA_UNSUPPORTED = 0x400;
export const SA_EXPOSE_TAGBITS = 0x800;
export const SA_RESTORER = 0x0400_0000;
export const SA_ONSTACK = 0x0800_0000;
export const SA_RESTART = 0x1000_0000;
export const SA_NODEFER = 0x4000_0000;
export const SA_RESETHAND = 0x8000_0000;

export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 0x8000_0000;
export const MINSIGSTKSZ = 2048;

// si_code of signals that a process sends.
export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;
export const SI_ASYNCNL = -60;

export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

export const ILL_ILLOPN = 2;
export const FPE_INTDIV = 1;
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
export const BUS_ADRALN = 1;
export const BUS_ADRERR = 2;
export const TRAP_BRKPT = 1;
export const TRAP_TRACE = 2;
export const SYS_SECCOMP = 1;
export const SYS_USER_DISPATCH = 2;

export const POLL_IN = 1;
export const POLL_OUT = 2;
export const POLL_MSG = 3;
export const POLL_ERR = 4;
export const POLL_PRI = 5;
export const POLL_HUP = 6;

export const SIGEV_SIGNAL = 0;
export const SIGEV_NONE = 1;
export const SIGEV_THREAD = 2;
export const SIGEV_THREAD_ID = 4;

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
