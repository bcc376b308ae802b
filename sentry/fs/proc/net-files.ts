/** /proc/PID/net: what the network registers, and the headings that tools expect where it has nothing to say. */
import { S_IFDIR } from "../../../syscall-tables/flags/open.ts";
import { ENOENT, type Errno } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import type { Inode } from "../../vfs/inode.ts";
import { type DirectoryEntry, ListedDirectory, TextFileInode } from "./generated.ts";
import type { Procfs } from "./procfs.ts";
import { procNet } from "./registries.ts";

const SOCKET_HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const SOCKET6_HEADING =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

/** Without a network: no interfaces, no sockets. */
const EMPTY: Readonly<Record<string, string>> = {
  dev:
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n",
  tcp: `${SOCKET_HEADING.padEnd(149)}\n`,
  tcp6: `${SOCKET6_HEADING}\n`,
  udp: "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n",
  udp6: `${SOCKET6_HEADING} ref pointer drops\n`,
  raw: "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n",
  raw6: `${SOCKET6_HEADING} ref pointer drops\n`,
  unix: "Num       RefCount Protocol Flags    Type St Inode Path\n",
  netlink: "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
  packet: "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n",
  route: `${"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT".padEnd(127)}\n`,
  ipv6_route: "",
  if_inet6: "",
  arp: "IP address       HW type     Flags       HW address            Mask     Device\n",
  protocols: "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n",
  sockstat: "sockets: used 0\n",
  sockstat6: "",
  netstat: "",
  snmp: "",
  snmp6: "",
  igmp: "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n",
  psched: "000003e8 00000040 000f4240 3b9aca00\n",
  ptype: "Type Device      Function\n",
  wireless:
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n" +
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n",
};

const directories = new WeakMap<Procfs, ListedDirectory>();

/** One directory per procfs: all tasks of a sandbox share what is registered. */
export const netDirectory = (fs: Procfs): ListedDirectory => {
  let directory = directories.get(fs);
  if (directory === undefined) {
    directory = new NetDirectory(fs);
    directories.set(fs, directory);
  }
  return directory;
};

class NetDirectory extends ListedDirectory {
  readonly #fs: Procfs;
  readonly #files = new Map<string, Inode>();

  constructor(fs: Procfs) {
    super(fs, fs.allocateIno(), S_IFDIR | 0o555);
    this.#fs = fs;
    fs.stamp(this);
  }

  #file(name: string): Inode | null {
    let file = this.#files.get(name);
    if (file !== undefined) return file;
    if (!procNet.has(name) && !(name in EMPTY)) return null;
    file = new TextFileInode(this.#fs, this.#fs.allocateIno(), 0o444, (task) => procNet.get(name)?.(task) ?? EMPTY[name] ?? "");
    this.#fs.stamp(file);
    this.#files.set(name, file);
    return file;
  }

  override lookup(name: string, _task: Task | null): Inode | Errno {
    return this.#file(name) ?? ENOENT;
  }

  override *entries(): Iterable<DirectoryEntry> {
    for (const name of new Set([...Object.keys(EMPTY), ...procNet.keys()])) {
      const inode = this.#file(name);
      if (inode !== null) yield { name, inode };
    }
  }
}
