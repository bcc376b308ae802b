/** Socket addresses: unix(7), ip(7), ipv6(7), netlink(7), packet(7). */
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX } from "../../syscall-tables/flags/socket.ts";
import { hex, quoteBytes } from "./text.ts";
import { formatNamed } from "./words.ts";

const inet = (bytes: Uint8Array): string => bytes.join(".");

/** The longest run of two or more zero groups becomes "::" (RFC 5952). */
export const inet6 = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2] << 8) | bytes[index * 2 + 1]);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${inet(bytes.subarray(12))}`;
  let start = -1;
  let length = 1;
  for (let from = 0; from < 8; from++) {
    let to = from;
    while (to < 8 && groups[to] === 0) to++;
    if (to - from > length) [start, length] = [from, to - from];
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  return start < 0 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
};

const unix = (path: Uint8Array): string => {
  if (path.length === 0) return "";
  if (path[0] === 0) return `, sun_path=@${quoteBytes(path.subarray(1), undefined, path.length)}`;
  const end = path.indexOf(0);
  return `, sun_path=${quoteBytes(end < 0 ? path : path.subarray(0, end), undefined, path.length)}`;
};

/** Too short for its family: only the family and the bytes are shown. */
const raw = (bytes: Uint8Array): string => `, sa_data=${quoteBytes(bytes.subarray(2))}`;

export const formatSockaddr = (bytes: Uint8Array): string => {
  if (bytes.length < 2) return quoteBytes(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const family = view.getUint16(0, true);
  const head = `{sa_family=${formatNamed("address_family", family)}`;
  if (family === AF_UNIX) return `${head}${unix(bytes.subarray(2))}}`;
  if (family === AF_INET && bytes.length >= 8) {
    return `${head}, sin_port=htons(${view.getUint16(2)}), sin_addr=inet_addr("${inet(bytes.subarray(4, 8))}")}`;
  }
  if (family === AF_INET6 && bytes.length >= 24) {
    const address = `inet_pton(AF_INET6, "${inet6(bytes.subarray(8, 24))}", &sin6_addr)`;
    const scope = bytes.length >= 28 ? `, sin6_scope_id=${view.getUint32(24, true)}` : "";
    return `${head}, sin6_port=htons(${view.getUint16(2)}), sin6_flowinfo=htonl(${view.getUint32(4)}), ${address}${scope}}`;
  }
  if (family === AF_NETLINK && bytes.length >= 12) {
    return `${head}, nl_pid=${view.getUint32(4, true)}, nl_groups=${hex(view.getUint32(8, true))}}`;
  }
  if (family === AF_PACKET && bytes.length >= 12) {
    return `${head}, sll_protocol=htons(${hex(view.getUint16(2))}), sll_ifindex=${view.getInt32(4, true)}, ...}`;
  }
  return `${head}${raw(bytes)}}`;
};
