/** The options of level SOL_UDP (udp(7), udp_lib_setsockopt). */
import * as IP from "../../../syscall-tables/flags/ip-options.ts";
import { EINVAL, ENOPROTOOPT } from "../../abi/errno.ts";
import { int32At, int32Bytes } from "../control.ts";
import type { OptionValue } from "../socket.ts";

const MAX_LENGTH = 0xffff;
/** Shown for UDP, too. */
export const UDPLITE_SEND_CSCOV = 10;
export const UDPLITE_RECV_CSCOV = 11;

const known = new Set([
  IP.UDP_CORK,
  UDPLITE_SEND_CSCOV,
  UDPLITE_RECV_CSCOV,
  IP.UDP_ENCAP,
  IP.UDP_NO_CHECK6_TX,
  IP.UDP_NO_CHECK6_RX,
  IP.UDP_SEGMENT,
  IP.UDP_GRO,
]);

export class UdpOptions {
  readonly #values = new Map<number, number>();

  get(name: number): number {
    return this.#values.get(name) ?? 0;
  }

  get isCorked(): boolean {
    return this.get(IP.UDP_CORK) === 1;
  }

  show(name: number): OptionValue {
    return known.has(name) ? int32Bytes(this.get(name)) : ENOPROTOOPT;
  }

  change(name: number, value: Uint8Array): number {
    if (value.length < 4) return EINVAL;
    const int = int32At(value, 0);
    switch (name) {
      case IP.UDP_CORK:
      case IP.UDP_NO_CHECK6_TX:
      case IP.UDP_NO_CHECK6_RX:
      case IP.UDP_GRO:
        this.#values.set(name, int !== 0 ? 1 : 0);
        return 0;
      case IP.UDP_SEGMENT:
        if (int < 0 || int > MAX_LENGTH) return EINVAL;
        this.#values.set(name, int);
        return 0;
      default:
        return ENOPROTOOPT;
    }
  }
}
