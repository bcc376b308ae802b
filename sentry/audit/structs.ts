/** The structs of signatures (`of`) that are printed field by field; any other is printed as its address. */
import { statxFlags, UTIME_NOW, UTIME_OMIT } from "../../syscall-tables/flags/open.ts";
import { SIGEV_SIGNAL, SIGEV_THREAD_ID } from "../../syscall-tables/flags/signal.ts";
import {
  abridged,
  addr,
  boxed,
  type Format,
  fd,
  i16,
  i32,
  i64,
  loadI64,
  loadU64,
  named16Signed,
  named32,
  named64,
  record,
  type StructFormat,
  several,
  signal,
  sigset,
  struct,
  u8,
  u16,
  u32,
  u64,
  x32,
  x64,
} from "./fields.ts";
import { siginfo } from "./siginfo.ts";
import { list, octal, quoteCString } from "./text.ts";
import { iovec, mmsghdr, msghdr } from "./vectors.ts";
import { formatDev, formatDevice, formatFileMode, formatFlags, formatSignal } from "./words.ts";

const timespec = struct(16, ["tv_sec", 0, i64], ["tv_nsec", 8, i64]);
const timeval = struct(16, ["tv_sec", 0, i64], ["tv_usec", 8, i64]);
const itimerspec = struct(32, ["it_interval", 0, timespec.format], ["it_value", 16, timespec.format]);
const itimerval = struct(32, ["it_interval", 0, timeval.format], ["it_value", 16, timeval.format]);

const utime: Format = (view, at, call) => {
  const nanoseconds = loadI64(view, at + 8);
  if (nanoseconds === UTIME_NOW) return "UTIME_NOW";
  return nanoseconds === UTIME_OMIT ? "UTIME_OMIT" : timespec.format(view, at, call);
};

/** st_rdev for devices, st_size for the rest, as strace(1) abridges it. */
const stat: Format = (view, at, call) => {
  const mode = view.getUint32(at + 24, true);
  const isDevice = (mode & 0o170000) === 0o020000 || (mode & 0o170000) === 0o060000;
  const tail = isDevice ? `st_rdev=${formatDev(view.getUint32(at + 40, true))}` : `st_size=${i64(view, at + 48, call)}`;
  return `{st_mode=${formatFileMode(mode)}, ${tail}, ...}`;
};

const statx: Format = (view, at, call) => {
  const mode = view.getUint16(at + 28, true);
  const isDevice = (mode & 0o170000) === 0o020000 || (mode & 0o170000) === 0o060000;
  const device = formatDevice(view.getUint32(at + 128, true), view.getUint32(at + 132, true));
  const tail = isDevice ? `stx_rdev=${device}` : `stx_size=${u64(view, at + 40, call)}`;
  const mask = formatFlags(statxFlags, view.getUint32(at, true));
  return `{stx_mask=${mask}, stx_attributes=${named64("statx_attributes")(view, at + 8, call)}, stx_mode=${formatFileMode(mode)}, ${tail}, ...}`;
};

const RLIM_INFINITY = "18446744073709551615";
const limit: Format = (view, at, call) => {
  const text = u64(view, at, call);
  return text === RLIM_INFINITY ? "RLIM64_INFINITY" : text;
};

/** SIG_DFL and SIG_IGN have names. SA_RESTORER alone tells whether sa_restorer means anything. */
const sigaction: Format = (view, at, call) => {
  const handler = loadU64(view, at);
  const name = handler === 0 ? "SIG_DFL" : handler === 1 ? "SIG_IGN" : addr(view, at, call);
  const restorer = (view.getUint32(at + 8, true) & 0x0400_0000) === 0 ? "" : `, sa_restorer=${addr(view, at + 16, call)}`;
  return `{sa_handler=${name}, sa_mask=${sigset(view, at + 24, call)}, sa_flags=${named64("sigaction")(view, at + 8, call)}${restorer}}`;
};

const sigevent: Format = (view, at, call) => {
  const notify = view.getInt32(at + 12, true);
  const raised = notify === SIGEV_SIGNAL || notify === SIGEV_THREAD_ID ? `, sigev_signo=${signal(view, at + 8, call)}` : "";
  const thread = notify === SIGEV_THREAD_ID ? `, sigev_notify_thread_id=${i32(view, at + 16, call)}` : "";
  return `{sigev_value={sival_int=${i32(view, at, call)}, sival_ptr=${addr(view, at, call)}}${raised}, sigev_notify=${named32("sigev_notify")(view, at + 12, call)}${thread}}`;
};

/** The macros of wait(2) that hold. */
export const formatWaitStatus = (status: number): string => {
  const low = status & 0x7f;
  if (status === 0xffff) return "WIFCONTINUED(s)";
  if ((status & 0xff) === 0x7f) return `WIFSTOPPED(s) && WSTOPSIG(s) == ${formatSignal((status >> 8) & 0xff)}`;
  if (low === 0) return `WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}`;
  return `WIFSIGNALED(s) && WTERMSIG(s) == ${formatSignal(low)}${(status & 0x80) === 0 ? "" : " && WCOREDUMP(s)"}`;
};

const CAPABILITY_VERSIONS: ReadonlyMap<number, string> = new Map([
  [0x1998_0330, "_LINUX_CAPABILITY_VERSION_1"],
  [0x2007_1026, "_LINUX_CAPABILITY_VERSION_2"],
  [0x2008_0522, "_LINUX_CAPABILITY_VERSION_3"],
]);
const capabilityVersion: Format = (view, at, call) => CAPABILITY_VERSIONS.get(view.getUint32(at, true)) ?? x32(view, at, call);
/** Two words of each set, the high one second: _LINUX_CAPABILITY_VERSION_3. */
const capabilityData: Format = (view, at) => {
  const word = (offset: number): string => {
    const value = (BigInt(view.getUint32(at + offset + 12, true)) << 32n) | BigInt(view.getUint32(at + offset, true));
    return `0x${value.toString(16)}`;
  };
  return `{effective=${word(0)}, permitted=${word(4)}, inheritable=${word(8)}}`;
};

const name65: Format = (view, at) => quoteCString(new Uint8Array(view.buffer, view.byteOffset + at, 65));

const pollfd = struct(8, ["fd", 0, fd], ["events", 4, named16Signed("poll")]);

const epollData: Format = (view, at, call) => `{u32=${u32(view, at, call)}, u64=${u64(view, at, call)}}`;
const futexWaitv = struct(24, ["val", 0, u64], ["uaddr", 8, addr], ["flags", 16, named32("futex2")]);
const mode64: Format = (view, at) => octal(loadU64(view, at));
const loads: Format = (view, at, call) => list([0, 8, 16].map((offset) => u64(view, at + offset, call)));
const fsid: Format = (view, at, call) => `{val=${list([x32(view, at, call), x32(view, at + 4, call)])}}`;

export const structs: Readonly<Record<string, StructFormat | undefined>> = {
  int: boxed(4, i32),
  uint: boxed(4, u32),
  ulong: boxed(8, x64),
  socklen: boxed(4, i32),
  loff_t: boxed(8, i64),
  time_t: boxed(8, i64),
  "int[2]": several({ size: 4, format: fd }, 2),
  timespec,
  "timespec[2]": several({ size: 16, format: utime }, 2),
  timeval,
  "timeval[2]": several(timeval, 2),
  timezone: struct(8, ["tz_minuteswest", 0, i32], ["tz_dsttime", 4, i32]),
  utimbuf: struct(16, ["actime", 0, i64], ["modtime", 8, i64]),
  itimerspec,
  itimerval,
  timex: abridged(208, ["modes", 0, x32], ["offset", 8, i64], ["freq", 16, i64], ["maxerror", 24, i64], ["esterror", 32, i64]),
  tms: struct(32, ["tms_utime", 0, i64], ["tms_stime", 8, i64], ["tms_cutime", 16, i64], ["tms_cstime", 24, i64]),
  rusage: abridged(144, ["ru_utime", 0, timeval.format], ["ru_stime", 16, timeval.format]),
  rlimit: struct(16, ["rlim_cur", 0, limit], ["rlim_max", 8, limit]),
  sched_param: boxed(4, i32),
  sched_attr: struct(
    48,
    ["size", 0, u32],
    ["sched_policy", 4, named32("sched_policy")],
    ["sched_flags", 8, x64],
    ["sched_nice", 16, i32],
    ["sched_priority", 20, u32],
    ["sched_runtime", 24, u64],
    ["sched_deadline", 32, u64],
    ["sched_period", 40, u64],
  ),

  stat: { size: 144, format: stat },
  statx: { size: 256, format: statx },
  statfs: struct(
    120,
    ["f_type", 0, x64],
    ["f_bsize", 8, u64],
    ["f_blocks", 16, u64],
    ["f_bfree", 24, u64],
    ["f_bavail", 32, u64],
    ["f_files", 40, u64],
    ["f_ffree", 48, u64],
    ["f_fsid", 56, fsid],
    ["f_namelen", 64, u64],
    ["f_frsize", 72, u64],
    ["f_flags", 80, x64],
  ),
  open_how: struct(24, ["flags", 0, named64("open")], ["mode", 8, mode64], ["resolve", 16, named64("resolve")]),
  file_handle: abridged(8, ["handle_bytes", 0, u32], ["handle_type", 4, i32]),
  mount_attr: struct(
    32,
    ["attr_set", 0, named64("mount_attr")],
    ["attr_clr", 8, named64("mount_attr")],
    ["propagation", 16, named64("mount")],
    ["userns_fd", 24, u64],
  ),
  mnt_id_req: struct(24, ["size", 0, u32], ["mnt_id", 8, x64], ["param", 16, x64]),
  xattr_args: struct(16, ["value", 0, addr], ["size", 8, u32], ["flags", 12, named32("xattr")]),
  cachestat_range: struct(16, ["off", 0, u64], ["len", 8, u64]),
  cachestat: struct(
    40,
    ["nr_cache", 0, u64],
    ["nr_dirty", 8, u64],
    ["nr_writeback", 16, u64],
    ["nr_evicted", 24, u64],
    ["nr_recently_evicted", 32, u64],
  ),

  sigset: { size: 8, format: sigset },
  sigset_argpack: struct(16, ["sigmask", 0, addr], ["sigsetsize", 8, u64]),
  sigaction: { size: 32, format: sigaction },
  siginfo,
  stack_t: struct(24, ["ss_sp", 0, addr], ["ss_flags", 8, named32("sigaltstack")], ["ss_size", 16, u64]),
  sigevent: { size: 64, format: sigevent },
  wait_status: { size: 4, format: (view, at) => `[{${formatWaitStatus(view.getUint32(at, true))}}]` },
  clone_args: struct(
    64,
    ["flags", 0, named64("clone")],
    ["pidfd", 8, addr],
    ["child_tid", 16, addr],
    ["parent_tid", 24, addr],
    ["exit_signal", 32, signal],
    ["stack", 40, addr],
    ["stack_size", 48, x64],
    ["tls", 56, addr],
  ),
  cap_header: struct(8, ["version", 0, capabilityVersion], ["pid", 4, i32]),
  "cap_data[2]": { size: 24, format: capabilityData },
  futex_waitv: futexWaitv,
  "futex_waitv[2]": several(futexWaitv, 2),

  pollfd,
  epoll_event: struct(12, ["events", 0, named32("epoll_events")], ["data", 4, epollData]),
  iovec,
  msghdr,
  mmsghdr,
  sembuf: struct(6, ["sem_num", 0, u16], ["sem_op", 2, i16], ["sem_flg", 4, named16Signed("sem_flags")]),
  mq_attr: struct(32, ["mq_flags", 0, named64("open")], ["mq_maxmsg", 8, i64], ["mq_msgsize", 16, i64], ["mq_curmsgs", 24, i64]),
  utsname: abridged(390, ["sysname", 0, name65], ["nodename", 65, name65]),
  sysinfo: struct(
    112,
    ["uptime", 0, i64],
    ["loads", 8, loads],
    ["totalram", 32, u64],
    ["freeram", 40, u64],
    ["sharedram", 48, u64],
    ["bufferram", 56, u64],
    ["totalswap", 64, u64],
    ["freeswap", 72, u64],
    ["procs", 80, u16],
    ["totalhigh", 88, u64],
    ["freehigh", 96, u64],
    ["mem_unit", 104, u32],
  ),

  // Not in signatures: arguments of fcntl(2) and ioctl(2).
  flock: struct(
    32,
    ["l_type", 0, named16Signed("lock_type")],
    ["l_whence", 2, named16Signed("seek")],
    ["l_start", 8, i64],
    ["l_len", 16, i64],
    ["l_pid", 24, i32],
  ),
  f_owner_ex: struct(8, ["type", 0, named32("owner_type")], ["pid", 4, i32]),
  winsize: struct(8, ["ws_row", 0, u16], ["ws_col", 2, u16], ["ws_xpixel", 4, u16], ["ws_ypixel", 6, u16]),
  termios: {
    size: 36,
    format: record(
      [
        ["c_iflag", 0, named32("termios_iflag")],
        ["c_oflag", 4, named32("termios_oflag")],
        ["c_cflag", 8, named32("termios_cflag")],
        ["c_lflag", 12, named32("termios_lflag")],
        ["c_line", 16, u8],
      ],
      ", ...",
    ),
  },
};

/** pollfd as it comes back: only what happened. */
export const pollResult = struct(8, ["fd", 0, fd], ["revents", 6, named16Signed("poll")]);
