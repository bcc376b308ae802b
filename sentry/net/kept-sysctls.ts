/**
 * Knobs of /proc/sys/net that are kept and shown per network namespace, and change nothing: what they
 * are about this network does not have, or the host's does by itself.
 */
import { EINVAL } from "../abi/errno.ts";
import type { Sysctl } from "../fs/proc/registries.ts";
import { networkOf } from "./network-namespace.ts";

/** With the kernel's defaults. */
const DEFAULTS: readonly (readonly [string, string])[] = [
  ["net/core/default_qdisc", "pfifo_fast"],
  ["net/core/netdev_max_backlog", "1000"],
  ["net/core/optmem_max", "131072"],
  ["net/core/rmem_default", "212992"],
  ["net/core/rmem_max", "212992"],
  ["net/core/wmem_default", "212992"],
  ["net/core/wmem_max", "212992"],
  ["net/ipv4/icmp_echo_ignore_all", "0"],
  ["net/ipv4/icmp_echo_ignore_broadcasts", "1"],
  ["net/ipv4/ip_default_ttl", "64"],
  ["net/ipv4/ip_dynaddr", "0"],
  ["net/ipv4/ip_forward", "0"],
  ["net/ipv4/ip_local_reserved_ports", ""],
  ["net/ipv4/ip_no_pmtu_disc", "0"],
  ["net/ipv4/ip_nonlocal_bind", "0"],
  ["net/ipv4/neigh/default/gc_thresh1", "128"],
  ["net/ipv4/neigh/default/gc_thresh2", "512"],
  ["net/ipv4/neigh/default/gc_thresh3", "1024"],
  ["net/ipv4/tcp_allowed_congestion_control", "reno cubic"],
  ["net/ipv4/tcp_available_congestion_control", "reno cubic"],
  ["net/ipv4/tcp_congestion_control", "cubic"],
  ["net/ipv4/tcp_ecn", "2"],
  ["net/ipv4/tcp_fastopen", "1"],
  ["net/ipv4/tcp_fin_timeout", "60"],
  ["net/ipv4/tcp_keepalive_intvl", "75"],
  ["net/ipv4/tcp_keepalive_probes", "9"],
  ["net/ipv4/tcp_keepalive_time", "7200"],
  ["net/ipv4/tcp_max_syn_backlog", "1024"],
  ["net/ipv4/tcp_max_tw_buckets", "131072"],
  ["net/ipv4/tcp_mem", "287262\t383019\t574524"],
  ["net/ipv4/tcp_mtu_probing", "0"],
  ["net/ipv4/tcp_no_metrics_save", "0"],
  ["net/ipv4/tcp_notsent_lowat", "4294967295"],
  ["net/ipv4/tcp_retries1", "3"],
  ["net/ipv4/tcp_retries2", "15"],
  ["net/ipv4/tcp_rfc1337", "0"],
  ["net/ipv4/tcp_rmem", "4096\t131072\t6291456"],
  ["net/ipv4/tcp_sack", "1"],
  ["net/ipv4/tcp_slow_start_after_idle", "1"],
  ["net/ipv4/tcp_syn_retries", "6"],
  ["net/ipv4/tcp_synack_retries", "5"],
  ["net/ipv4/tcp_syncookies", "1"],
  ["net/ipv4/tcp_timestamps", "1"],
  ["net/ipv4/tcp_tw_reuse", "2"],
  ["net/ipv4/tcp_window_scaling", "1"],
  ["net/ipv4/tcp_wmem", "4096\t16384\t4194304"],
  ["net/ipv4/udp_mem", "574527\t766038\t1149054"],
  ["net/ipv4/udp_rmem_min", "4096"],
  ["net/ipv4/udp_wmem_min", "4096"],
];

/** Per interface, "all" and "default" in net/ipv4/conf; a default other than 0 behind the colon. */
const IPV4_CONF =
  "accept_local accept_redirects:1 accept_source_route arp_accept arp_announce arp_filter arp_ignore arp_notify bootp_relay disable_policy disable_xfrm drop_gratuitous_arp drop_unicast_in_l2_multicast force_igmp_version forwarding igmpv2_unsolicited_report_interval:10000 igmpv3_unsolicited_report_interval:1000 ignore_routes_with_linkdown log_martians medium_id promote_secondaries proxy_arp proxy_arp_pvlan route_localnet rp_filter secure_redirects:1 send_redirects:1 shared_media:1 src_valid_mark tag";
const IPV6_CONF =
  "accept_dad:1 accept_ra:1 accept_ra_defrtr:1 accept_ra_pinfo:1 accept_redirects:1 accept_source_route addr_gen_mode autoconf:1 dad_transmits:1 disable_ipv6 forwarding hop_limit:64 keep_addr_on_down max_addresses:16 mtu:1280 ndisc_notify proxy_ndp router_solicitations:-1 use_tempaddr";

const perInterface = (directory: string, names: string): [string, string][] =>
  ["all", "default", "lo"].flatMap((device) =>
    names.split(" ").map((entry): [string, string] => {
      const [name, value = "0"] = entry.split(":");
      return [`${directory}/${device}/${name}`, value];
    }),
  );

const INTEGERS = /^-?\d{1,10}(\s+-?\d{1,10})*$/;

const wordsOf = (text: string): string[] => text.trim().split(/\s+/);

/** As many integers as there were; text stays text. */
const fits = (value: string, before: string): boolean =>
  !INTEGERS.test(before) || (INTEGERS.test(value.trim()) && wordsOf(value).length === wordsOf(before).length);

const kept = (path: string, before: string): Sysctl => ({
  read: (task) => `${networkOf(task).keptSysctls.get(path) ?? before}\n`,
  write: (text, task) => {
    if (!fits(text, before)) return EINVAL;
    networkOf(task).keptSysctls.set(path, INTEGERS.test(before) ? wordsOf(text).join("\t") : text);
    return 0;
  },
});

export const keptSysctls: ReadonlyMap<string, Sysctl> = new Map(
  [...DEFAULTS, ...perInterface("net/ipv4/conf", IPV4_CONF), ...perInterface("net/ipv6/conf", IPV6_CONF)].map(([path, value]) => [
    path,
    kept(path, value),
  ]),
);
