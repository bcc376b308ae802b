/** The knobs of /proc/sys/net that the network obeys. */
import { EINVAL, type Errno } from "../abi/errno.ts";
import type { Sysctl } from "../fs/proc/registries.ts";
import type { Task } from "../task/task.ts";
import { type NetworkNamespace, networkOf } from "./network-namespace.ts";

const INT = /^-?\d{1,10}$/;

/** Numbers separated by blanks, each within [0, max]; EINVAL otherwise. */
const parse = (text: string, howMany: number, max: number): number[] | Errno => {
  const words = text.trim().split(/\s+/);
  if (words.length !== howMany || !words.every((word) => INT.test(word))) return EINVAL;
  const values = words.map(Number);
  return values.every((value) => value >= 0 && value <= max) ? values : EINVAL;
};

type NumberKey = "somaxconn" | "maxDgramQlen" | "unprivilegedPortStart";

const number = (key: NumberKey, max: number): Sysctl => ({
  read: (task: Task) => `${networkOf(task)[key]}\n`,
  write: (text: string, task: Task) => {
    const values = parse(text, 1, max);
    if (typeof values === "number") return values;
    networkOf(task)[key] = values[0];
    return 0;
  },
});

const pair = (
  max: number,
  read: (net: NetworkNamespace) => readonly [number, number],
  write: (net: NetworkNamespace, first: number, last: number) => 0 | Errno,
): Sysctl => ({
  read: (task: Task) => `${read(networkOf(task)).join("\t")}\n`,
  write: (text: string, task: Task) => {
    const values = parse(text, 2, max);
    return typeof values === "number" ? values : write(networkOf(task), values[0], values[1]);
  },
});

/** Path below /proc/sys → knob. */
export const netSysctls: ReadonlyMap<string, Sysctl> = new Map<string, Sysctl>([
  ["net/core/somaxconn", number("somaxconn", 0x7fff_ffff)],
  ["net/unix/max_dgram_qlen", number("maxDgramQlen", 0x7fff_ffff)],
  ["net/ipv4/ip_unprivileged_port_start", number("unprivilegedPortStart", 65535)],
  [
    "net/ipv4/ip_local_port_range",
    pair(
      65535,
      (net) => [net.portRangeFirst, net.portRangeLast],
      (net, first, last) => {
        if (first < 1 || last < first || first < net.unprivilegedPortStart) return EINVAL;
        net.portRangeFirst = first;
        net.portRangeLast = last;
        return 0;
      },
    ),
  ],
  [
    "net/ipv4/ping_group_range",
    pair(
      0x7fff_ffff,
      (net) => [net.pingGroupFirst, net.pingGroupLast],
      (net, first, last) => {
        // An empty range is written as one that ends before it begins.
        net.pingGroupFirst = first <= last ? first : 1;
        net.pingGroupLast = first <= last ? last : 0;
        return 0;
      },
    ),
  ],
  [
    "net/ipv6/bindv6only",
    {
      read: (task: Task) => `${networkOf(task).isIpv6Only ? 1 : 0}\n`,
      write: (text: string, task: Task) => {
        const values = parse(text, 1, 1);
        if (typeof values === "number") return values;
        networkOf(task).isIpv6Only = values[0] !== 0;
        return 0;
      },
    },
  ],
]);
