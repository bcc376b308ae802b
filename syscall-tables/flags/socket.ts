/** Sockets: socket(2), send(2), recv(2). */
import { enumeration, flagSet } from "./flag-set.ts";

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_AX25 = 3;
export const AF_IPX = 4;
export const AF_APPLETALK = 5;
export const AF_NETROM = 6;
export const AF_BRIDGE = 7;
export const AF_ATMPVC = 8;
export const AF_X25 = 9;
export const AF_INET6 = 10;
export const AF_ROSE = 11;
export const AF_NETBEUI = 13;
export const AF_SECURITY = 14;
export const AF_KEY = 15;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const AF_ECONET = 19;
export const AF_ATMSVC = 20;
export const AF_RDS = 21;
export const AF_IRDA = 23;
export const AF_PPPOX = 24;
export const AF_LLC = 26;
export const AF_IB = 27;
export const AF_MPLS = 28;
export const AF_CAN = 29;
export const AF_TIPC = 30;
export const AF_BLUETOOTH = 31;
export const AF_IUCV = 32;
export const AF_RXRPC = 33;
export const AF_ISDN = 34;
export const AF_PHONET = 35;
export const AF_IEEE802154 = 36;
export const AF_CAIF = 37;
export const AF_ALG = 38;
export const AF_NFC = 39;
export const AF_VSOCK = 40;
export const AF_KCM = 41;
export const AF_QIPCRTR = 42;
export const AF_SMC = 43;
export const AF_XDP = 44;
export const AF_MCTP = 45;
export const addressFamilyNames = enumeration({
  AF_UNSPEC,
  AF_UNIX,
  AF_INET,
  AF_AX25,
  AF_IPX,
  AF_APPLETALK,
  AF_NETROM,
  AF_BRIDGE,
  AF_ATMPVC,
  AF_X25,
  AF_INET6,
  AF_ROSE,
  AF_NETBEUI,
  AF_SECURITY,
  AF_KEY,
  AF_NETLINK,
  AF_PACKET,
  AF_ECONET,
  AF_ATMSVC,
  AF_RDS,
  AF_IRDA,
  AF_PPPOX,
  AF_LLC,
  AF_IB,
  AF_MPLS,
  AF_CAN,
  AF_TIPC,
  AF_BLUETOOTH,
  AF_IUCV,
  AF_RXRPC,
  AF_ISDN,
  AF_PHONET,
  AF_IEEE802154,
  AF_CAIF,
  AF_ALG,
  AF_NFC,
  AF_VSOCK,
  AF_KCM,
  AF_QIPCRTR,
  AF_SMC,
  AF_XDP,
  AF_MCTP,
});

export const SOCK_TYPE_MASK = 0xf;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
export const SOCK_DCCP = 6;
export const SOCK_PACKET = 10;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const socketTypeFlags = flagSet(
  "EINVAL",
  { SOCK_NONBLOCK, SOCK_CLOEXEC },
  { fields: [{ mask: SOCK_TYPE_MASK, names: { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET } }] },
);

export const socketFlags = flagSet("EINVAL", { SOCK_NONBLOCK, SOCK_CLOEXEC });

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;
export const IPPROTO_UDPLITE = 136;
export const IPPROTO_RAW = 255;
export const IPPROTO_MPTCP = 262;
export const protocolNames = enumeration({
  IPPROTO_IP,
  IPPROTO_ICMP,
  IPPROTO_IGMP,
  IPPROTO_IPIP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_IPV6,
  IPPROTO_GRE,
  IPPROTO_ESP,
  IPPROTO_AH,
  IPPROTO_ICMPV6,
  IPPROTO_SCTP,
  IPPROTO_UDPLITE,
  IPPROTO_RAW,
  IPPROTO_MPTCP,
});

export const NETLINK_ROUTE = 0;
export const NETLINK_USERSOCK = 2;
export const NETLINK_FIREWALL = 3;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_NFLOG = 5;
export const NETLINK_XFRM = 6;
export const NETLINK_SELINUX = 7;
export const NETLINK_AUDIT = 9;
export const NETLINK_CONNECTOR = 11;
export const NETLINK_NETFILTER = 12;
export const NETLINK_KOBJECT_UEVENT = 15;
export const NETLINK_GENERIC = 16;
export const NETLINK_CRYPTO = 21;
export const netlinkProtocolNames = enumeration({
  NETLINK_ROUTE,
  NETLINK_USERSOCK,
  NETLINK_FIREWALL,
  NETLINK_SOCK_DIAG,
  NETLINK_NFLOG,
  NETLINK_XFRM,
  NETLINK_SELINUX,
  NETLINK_AUDIT,
  NETLINK_CONNECTOR,
  NETLINK_NETFILTER,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_GENERIC,
  NETLINK_CRYPTO,
});

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_DONTROUTE = 0x4;
export const MSG_CTRUNC = 0x8;
export const MSG_PROBE = 0x10;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_FIN = 0x200;
export const MSG_SYN = 0x400;
export const MSG_CONFIRM = 0x800;
export const MSG_RST = 0x1000;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_MORE = 0x8000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_BATCH = 0x40000;
export const MSG_SOCK_DEVMEM = 0x2000000;
export const MSG_ZEROCOPY = 0x4000000;
export const MSG_FASTOPEN = 0x20000000;
export const MSG_CMSG_CLOEXEC = 0x40000000;
export const msgFlags = flagSet("ignored", {
  MSG_OOB,
  MSG_PEEK,
  MSG_DONTROUTE,
  MSG_CTRUNC,
  MSG_PROBE,
  MSG_TRUNC,
  MSG_DONTWAIT,
  MSG_EOR,
  MSG_WAITALL,
  MSG_FIN,
  MSG_SYN,
  MSG_CONFIRM,
  MSG_RST,
  MSG_ERRQUEUE,
  MSG_NOSIGNAL,
  MSG_MORE,
  MSG_WAITFORONE,
  MSG_BATCH,
  MSG_SOCK_DEVMEM,
  MSG_ZEROCOPY,
  MSG_FASTOPEN,
  MSG_CMSG_CLOEXEC,
});

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const shutdownNames = enumeration({ SHUT_RD, SHUT_WR, SHUT_RDWR });

export const SCM_RIGHTS = 1;
export const SCM_CREDENTIALS = 2;
export const SCM_SECURITY = 3;
export const SCM_PIDFD = 4;
export const controlMessageNames = enumeration({ SCM_RIGHTS, SCM_CREDENTIALS, SCM_SECURITY, SCM_PIDFD });
