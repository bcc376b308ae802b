export const RLIM_NLIMITS = 16;
/** RLIM64_INFINITY: limits are doubles and this is their infinity. */
export const RLIM_INFINITY = Number.POSITIVE_INFINITY;

/** Names as in config.json ("RLIMIT_NOFILE"), by number. */
export const RLIMIT_NAMES: readonly string[] = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_RSS",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
];

export const RUSAGE_SIZE = 144;
