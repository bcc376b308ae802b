/** What `moat spec` writes: a shell in ./rootfs. */
export const DEFAULT_SPEC = {
  ociVersion: "1.2.0",
  process: {
    terminal: true,
    user: {
      uid: 0,
      gid: 0,
    },
    args: ["sh"],
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    cwd: "/",
    capabilities: {
      bounding: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      effective: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      permitted: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
      ambient: ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
    },
    noNewPrivileges: true,
    rlimits: [
      {
        type: "RLIMIT_NOFILE",
        hard: 1024,
        soft: 1024,
      },
    ],
  },
  root: {
    path: "rootfs",
    readonly: true,
  },
  hostname: "moat",
  mounts: [
    {
      destination: "/proc",
      type: "proc",
      source: "proc",
    },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {
      destination: "/dev/mqueue",
      type: "mqueue",
      source: "mqueue",
      options: ["nosuid", "noexec", "nodev"],
    },
    {
      destination: "/sys",
      type: "sysfs",
      source: "sysfs",
      options: ["nosuid", "noexec", "nodev", "ro"],
    },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
    },
  ],
  linux: {
    resources: {
      devices: [
        {
          allow: false,
          access: "rwm",
        },
      ],
    },
    namespaces: [
      {
        type: "pid",
      },
      {
        type: "network",
      },
      {
        type: "ipc",
      },
      {
        type: "uts",
      },
      {
        type: "mount",
      },
    ],
    maskedPaths: [
      "/proc/acpi",
      "/proc/asound",
      "/proc/kcore",
      "/proc/keys",
      "/proc/latency_stats",
      "/proc/timer_list",
      "/proc/timer_stats",
      "/proc/sched_debug",
      "/sys/firmware",
      "/proc/scsi",
    ],
    readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
  },
};

/** As runc: with cgroup v2 alone a container has a cgroup namespace. */
export const defaultSpec = (isCgroupV2: boolean): typeof DEFAULT_SPEC => {
  const { linux } = DEFAULT_SPEC;
  const namespaces = [...linux.namespaces, ...(isCgroupV2 ? [{ type: "cgroup" }] : [])];
  return { ...DEFAULT_SPEC, linux: { ...linux, namespaces } };
};
