/**
 * Socket options that reach the host, by level: what programs use, and nothing that makes the
 * host kernel run programs (BPF), takes pointers (zero copy), or leaves the internet protocols
 * (TLS, TCP repair, MD5 keys). The sentry's filter allows the same list.
 */
import * as SO from "../../../syscall-tables/flags/socket-options.ts";

/** setsockopt(2) and getsockopt(2). */
export const hostOptions: readonly (readonly [level: number, names: readonly number[]])[] = [
  [
    SO.SOL_SOCKET,
    [
      SO.SO_DEBUG,
      SO.SO_REUSEADDR,
      SO.SO_DONTROUTE,
      SO.SO_BROADCAST,
      SO.SO_SNDBUF,
      SO.SO_RCVBUF,
      SO.SO_KEEPALIVE,
      SO.SO_OOBINLINE,
      SO.SO_NO_CHECK,
      SO.SO_PRIORITY,
      SO.SO_LINGER,
      SO.SO_REUSEPORT,
      SO.SO_RCVLOWAT,
      SO.SO_BINDTODEVICE,
      SO.SO_TIMESTAMP,
      SO.SO_TIMESTAMPNS,
      SO.SO_TIMESTAMPING,
      SO.SO_RXQ_OVFL,
      SO.SO_PEEK_OFF,
      SO.SO_SELECT_ERR_QUEUE,
      SO.SO_MAX_PACING_RATE,
      SO.SO_INCOMING_CPU,
      SO.SO_CNX_ADVICE,
      SO.SO_BINDTOIFINDEX,
      SO.SO_TIMESTAMP_NEW,
      SO.SO_TIMESTAMPNS_NEW,
      SO.SO_TIMESTAMPING_NEW,
      SO.SO_BUF_LOCK,
      SO.SO_TXREHASH,
    ],
  ],
  // IP_*: from TOS to RETOPTS but OPTIONS, … the numbers of linux/in.h; 32 to 51 are multicast and ports.
  [
    SO.SOL_IP,
    [
      1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 20, 21, 22, 23, 24, 25, 26, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47,
    ].concat([48, 49, 50, 51]),
  ],
  // IPV6_* of linux/in6.h.
  [
    SO.SOL_IPV6,
    [
      7, 8, 16, 17, 18, 19, 20, 21, 23, 25, 26, 27, 28, 29, 33, 36, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 56, 58, 60, 62, 66, 67,
    ].concat([70, 72, 73, 74, 76, 77, 78]),
  ],
  // TCP_* of linux/tcp.h.
  [SO.SOL_TCP, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 17, 18, 23, 24, 25, 27, 30, 34, 36, 37]],
  // UDP_CORK, UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV, UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX, UDP_SEGMENT, UDP_GRO; the two levels are one
  [SO.SOL_UDP, [1, 10, 11, 101, 102, 103, 104]],
  [SO.SOL_UDPLITE, [1, 10, 11, 101, 102, 103, 104]],
  // ICMPV6_FILTER
  [SO.SOL_ICMPV6, [1]],
  // ICMP_FILTER; IPV6_CHECKSUM of a raw socket
  [SO.SOL_RAW, [1, 7]],
  // NETLINK_ADD_MEMBERSHIP, DROP_MEMBERSHIP, PKTINFO, BROADCAST_ERROR, NO_ENOBUFS, CAP_ACK, EXT_ACK, GET_STRICT_CHK
  [SO.SOL_NETLINK, [1, 2, 3, 4, 5, 10, 11, 12]],
];

/** getsockopt(2) alone. */
const readOnly: readonly (readonly [level: number, names: readonly number[]])[] = [
  [
    SO.SOL_SOCKET,
    [
      SO.SO_TYPE,
      SO.SO_ERROR,
      SO.SO_SNDLOWAT,
      SO.SO_ACCEPTCONN,
      SO.SO_PROTOCOL,
      SO.SO_DOMAIN,
      SO.SO_MARK,
      SO.SO_MEMINFO,
      SO.SO_INCOMING_NAPI_ID,
      SO.SO_PEERNAME,
      SO.SO_RESERVE_MEM,
      SO.SO_BUSY_POLL,
      SO.SO_PREFER_BUSY_POLL,
    ],
  ],
  // IP_OPTIONS, IP_MTU, IP_TRANSPARENT; SO_ORIGINAL_DST of netfilter, which proxies ask for
  [SO.SOL_IP, [4, 14, 19, 80]],
  // IPV6_MTU, IPV6_PATHMTU, IPV6_TRANSPARENT, IP6T_SO_ORIGINAL_DST
  [SO.SOL_IPV6, [24, 61, 75, 80]],
  // TCP_INFO, TCP_CC_INFO, TCP_SAVED_SYN, TCP_ULP
  [SO.SOL_TCP, [11, 26, 28, 31]],
  // NETLINK_LIST_MEMBERSHIPS
  [SO.SOL_NETLINK, [9]],
];

const key = (level: number, name: number): number => level * 65536 + name;

const keysOf = (lists: typeof hostOptions): number[] => lists.flatMap(([level, names]) => names.map((name) => key(level, name)));

const writable = new Set(keysOf(hostOptions));
const readable = new Set([...writable, ...keysOf(readOnly)]);

/** What the broker sets for guests with CAP_NET_ADMIN or CAP_NET_RAW (native/launcher/broker-serve.c): IP_TRANSPARENT and IPV6_TRANSPARENT too. */
const privileged = new Set(
  keysOf([
    [
      SO.SOL_SOCKET,
      [SO.SO_DEBUG, SO.SO_PRIORITY, SO.SO_MARK, SO.SO_BINDTODEVICE, SO.SO_BINDTOIFINDEX, SO.SO_SNDBUFFORCE, SO.SO_RCVBUFFORCE],
    ],
    [SO.SOL_IP, [19]],
    [SO.SOL_IPV6, [75]],
  ]),
);

const isNumber = (name: number): boolean => name >= 0 && name < 65536;

export const isWritable = (level: number, name: number): boolean => isNumber(name) && writable.has(key(level, name));
export const isReadable = (level: number, name: number): boolean => isNumber(name) && readable.has(key(level, name));
export const isPrivileged = (level: number, name: number): boolean => isNumber(name) && privileged.has(key(level, name));

/** SOL_SOCKET's options that the sentry keeps itself: waiting is its own affair, and so are filters and credentials. */
export const ownOptions: ReadonlySet<number> = new Set([
  SO.SO_RCVTIMEO,
  SO.SO_RCVTIMEO_NEW,
  SO.SO_SNDTIMEO,
  SO.SO_SNDTIMEO_NEW,
  SO.SO_LINGER,
  SO.SO_ATTACH_FILTER,
  SO.SO_DETACH_FILTER,
  SO.SO_LOCK_FILTER,
  SO.SO_BPF_EXTENSIONS,
  SO.SO_ATTACH_BPF,
  SO.SO_ATTACH_REUSEPORT_CBPF,
  SO.SO_ATTACH_REUSEPORT_EBPF,
  SO.SO_DETACH_REUSEPORT_BPF,
  SO.SO_PASSCRED,
  SO.SO_PASSSEC,
  SO.SO_PASSPIDFD,
  SO.SO_PASSRIGHTS,
  SO.SO_PEERCRED,
  SO.SO_PEERGROUPS,
  SO.SO_PEERPIDFD,
  SO.SO_COOKIE,
  SO.SO_NETNS_COOKIE,
  SO.SO_BSDCOMPAT,
  SO.SO_WIFI_STATUS,
  SO.SO_NOFCS,
  SO.SO_TXTIME,
]);
