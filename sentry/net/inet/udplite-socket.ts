/** udplite(7): UDP whose checksum covers as much of a datagram as its sender says, and at least what its receiver wants. */
import { SOL_UDP, SOL_UDPLITE } from "../../../syscall-tables/flags/socket-options.ts";
import { EINVAL } from "../../abi/errno.ts";
import type { Task } from "../../task/task.ts";
import { int32At, int32Bytes } from "../control.ts";
import type { OptionValue } from "../socket.ts";
import { type Datagram, UDP_HEADER } from "./datagram.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import type { PortTable } from "./port-table.ts";
import { UDPLITE_RECV_CSCOV, UDPLITE_SEND_CSCOV } from "./udp-options.ts";

const USHRT_MAX = 0xffff;

export class UdpliteSocket extends DatagramSocket {
  /** Bytes, the header's among them; 0: all. */
  #sendCoverage = 0;
  /** 0: all; null: whatever comes. */
  #wantedCoverage: number | null = null;

  override get table(): PortTable {
    return this.net.udplite;
  }

  protected override coverageOf(length: number): number {
    return this.#sendCoverage >= length + UDP_HEADER ? 0 : this.#sendCoverage;
  }

  /** udp_queue_rcv_one_skb: what is covered too little is lost. */
  override enqueue(datagram: Datagram): void {
    const wanted = this.#wantedCoverage;
    if (datagram.coverage !== 0 && wanted !== null && (wanted === 0 || datagram.coverage < wanted)) {
      this.drops++;
      return;
    }
    super.enqueue(datagram);
  }

  protected override protocolOption(task: Task, level: number, name: number, length: number): OptionValue {
    if (level === SOL_UDP || level === SOL_UDPLITE) {
      if (name === UDPLITE_SEND_CSCOV) return int32Bytes(this.#sendCoverage);
      if (name === UDPLITE_RECV_CSCOV) return int32Bytes(this.#wantedCoverage ?? 0);
    }
    return super.protocolOption(task, level, name, length);
  }

  protected override setProtocolOption(task: Task, level: number, name: number, value: Uint8Array): number {
    const isCoverage = name === UDPLITE_SEND_CSCOV || name === UDPLITE_RECV_CSCOV;
    if (!isCoverage || (level !== SOL_UDP && level !== SOL_UDPLITE)) return super.setProtocolOption(task, level, name, value);
    if (value.length < 4) return EINVAL;
    const wanted = int32At(value, 0);
    const coverage = wanted === 0 ? 0 : Math.min(Math.max(wanted, UDP_HEADER), USHRT_MAX);
    if (name === UDPLITE_SEND_CSCOV) this.#sendCoverage = coverage;
    else this.#wantedCoverage = coverage;
    return 0;
  }
}
