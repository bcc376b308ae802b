/** getsockopt(2), setsockopt(2): levels and SOL_SOCKET's options; socket(7). */
import { enumeration } from "./flag-set.ts";

export const SOL_IP = 0;
export const SOL_SOCKET = 1;
export const SOL_TCP = 6;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;
export const SOL_ICMPV6 = 58;
export const SOL_SCTP = 132;
export const SOL_UDPLITE = 136;
export const SOL_RAW = 255;
export const SOL_PACKET = 263;
export const SOL_NETLINK = 270;
export const SOL_TLS = 282;
export const socketLevelNames = enumeration({
  SOL_IP,
  SOL_SOCKET,
  SOL_TCP,
  SOL_UDP,
  SOL_IPV6,
  SOL_ICMPV6,
  SOL_SCTP,
  SOL_UDPLITE,
  SOL_RAW,
  SOL_PACKET,
  SOL_NETLINK,
  SOL_TLS,
});

export const SO_DEBUG = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_DONTROUTE = 5;
export const SO_BROADCAST = 6;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_OOBINLINE = 10;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_LINGER = 13;
export const SO_BSDCOMPAT = 14;
export const SO_REUSEPORT = 15;
export const SO_PASSCRED = 16;
export const SO_PEERCRED = 17;
export const SO_RCVLOWAT = 18;
export const SO_SNDLOWAT = 19;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_PEERNAME = 28;
export const SO_TIMESTAMP = 29;
export const SO_ACCEPTCONN = 30;
export const SO_PEERSEC = 31;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_PASSSEC = 34;
export const SO_TIMESTAMPNS = 35;
export const SO_MARK = 36;
export const SO_TIMESTAMPING = 37;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3;
export const SOF_TIMESTAMPING_SOFTWARE = 1 << 4;
export const SOF_TIMESTAMPING_OPT_ID = 1 << 7;
export const SOF_TIMESTAMPING_OPT_ID_TCP = 1 << 16;
/** Up to SOF_TIMESTAMPING_TX_COMPLETION. */
export const SOF_TIMESTAMPING_MASK = (1 << 19) - 1;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_WIFI_STATUS = 41;
export const SO_PEEK_OFF = 42;
export const SO_NOFCS = 43;
export const SO_LOCK_FILTER = 44;
export const SO_SELECT_ERR_QUEUE = 45;
export const SO_BUSY_POLL = 46;
export const SO_MAX_PACING_RATE = 47;
export const SO_BPF_EXTENSIONS = 48;
export const SO_INCOMING_CPU = 49;
export const SO_ATTACH_BPF = 50;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_ATTACH_REUSEPORT_EBPF = 52;
export const SO_CNX_ADVICE = 53;
export const SO_MEMINFO = 55;
export const SO_INCOMING_NAPI_ID = 56;
export const SO_COOKIE = 57;
export const SO_PEERGROUPS = 59;
export const SO_ZEROCOPY = 60;
export const SO_TXTIME = 61;
export const SO_BINDTOIFINDEX = 62;
export const SO_TIMESTAMP_NEW = 63;
export const SO_TIMESTAMPNS_NEW = 64;
export const SO_TIMESTAMPING_NEW = 65;
export const SO_RCVTIMEO_NEW = 66;
export const SO_SNDTIMEO_NEW = 67;
export const SO_DETACH_REUSEPORT_BPF = 68;
export const SO_PREFER_BUSY_POLL = 69;
export const SO_BUSY_POLL_BUDGET = 70;
export const SO_NETNS_COOKIE = 71;
export const SO_BUF_LOCK = 72;
export const SO_RESERVE_MEM = 73;
export const SO_TXREHASH = 74;
export const SO_RCVMARK = 75;
export const SO_PASSPIDFD = 76;
export const SO_PEERPIDFD = 77;
export const SO_RCVPRIORITY = 82;
export const SO_PASSRIGHTS = 83;
export const SO_INQ = 84;
export const socketOptionNames = enumeration({
  SO_DEBUG,
  SO_REUSEADDR,
  SO_TYPE,
  SO_ERROR,
  SO_DONTROUTE,
  SO_BROADCAST,
  SO_SNDBUF,
  SO_RCVBUF,
  SO_KEEPALIVE,
  SO_OOBINLINE,
  SO_NO_CHECK,
  SO_PRIORITY,
  SO_LINGER,
  SO_BSDCOMPAT,
  SO_REUSEPORT,
  SO_PASSCRED,
  SO_PEERCRED,
  SO_RCVLOWAT,
  SO_SNDLOWAT,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  SO_BINDTODEVICE,
  SO_ATTACH_FILTER,
  SO_DETACH_FILTER,
  SO_PEERNAME,
  SO_TIMESTAMP,
  SO_ACCEPTCONN,
  SO_PEERSEC,
  SO_SNDBUFFORCE,
  SO_RCVBUFFORCE,
  SO_PASSSEC,
  SO_TIMESTAMPNS,
  SO_MARK,
  SO_TIMESTAMPING,
  SO_PROTOCOL,
  SO_DOMAIN,
  SO_RXQ_OVFL,
  SO_WIFI_STATUS,
  SO_PEEK_OFF,
  SO_NOFCS,
  SO_LOCK_FILTER,
  SO_SELECT_ERR_QUEUE,
  SO_BUSY_POLL,
  SO_MAX_PACING_RATE,
  SO_BPF_EXTENSIONS,
  SO_INCOMING_CPU,
  SO_ATTACH_BPF,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_ATTACH_REUSEPORT_EBPF,
  SO_CNX_ADVICE,
  SO_MEMINFO,
  SO_INCOMING_NAPI_ID,
  SO_COOKIE,
  SO_PEERGROUPS,
  SO_ZEROCOPY,
  SO_TXTIME,
  SO_BINDTOIFINDEX,
  SO_TIMESTAMP_NEW,
  SO_TIMESTAMPNS_NEW,
  SO_TIMESTAMPING_NEW,
  SO_RCVTIMEO_NEW,
  SO_SNDTIMEO_NEW,
  SO_DETACH_REUSEPORT_BPF,
  SO_PREFER_BUSY_POLL,
  SO_BUSY_POLL_BUDGET,
  SO_NETNS_COOKIE,
  SO_BUF_LOCK,
  SO_RESERVE_MEM,
  SO_TXREHASH,
  SO_RCVMARK,
  SO_PASSPIDFD,
  SO_PEERPIDFD,
  SO_RCVPRIORITY,
  SO_PASSRIGHTS,
  SO_INQ,
});
