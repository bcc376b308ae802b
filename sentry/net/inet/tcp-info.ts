/** struct tcp_info (include/uapi/linux/tcp.h) of a connection that never loses a packet. */

import { LOOPBACK_MSS } from "./tcp-options.ts";
import type { TcpSocket } from "./tcp-socket.ts";
import { TCP_LISTEN } from "./tcp-state.ts";

const TCP_INFO_SIZE = 248;
const INITIAL_WINDOW = 10;
/** Timestamps, SACK, window scaling (TCPI_OPT_*). */
const OPTIONS = 0x7;
const WINDOW_SCALES = 0x77;
const RTO_US = 204_000;
const RTT_US = 20;
const NO_THRESHOLD = 0x7fff_ffff;

export const tcpInfo = (socket: TcpSocket): Uint8Array => {
  const bytes = new Uint8Array(TCP_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, socket.state);
  const isConnected = socket.connection !== null;
  if (isConnected) {
    view.setUint8(5, OPTIONS);
    view.setUint8(6, WINDOW_SCALES);
  }
  const words: number[] = [];
  words[0] = isConnected ? RTO_US : 1_000_000; // tcpi_rto
  words[2] = isConnected ? LOOPBACK_MSS : 536; // tcpi_snd_mss
  words[3] = isConnected ? 536 : 0; // tcpi_rcv_mss
  // A listener shows its queue here.
  words[4] = socket.state === TCP_LISTEN ? socket.acceptQueue.length : 0; // tcpi_unacked
  words[5] = socket.state === TCP_LISTEN ? socket.backlog : 0; // tcpi_sacked
  words[13] = isConnected ? 65535 : 0; // tcpi_pmtu
  words[14] = isConnected ? 65483 : 0; // tcpi_rcv_ssthresh
  words[15] = isConnected ? RTT_US : 0; // tcpi_rtt
  words[16] = isConnected ? RTT_US / 2 : 250_000; // tcpi_rttvar
  words[17] = NO_THRESHOLD; // tcpi_snd_ssthresh
  words[18] = INITIAL_WINDOW; // tcpi_snd_cwnd
  words[19] = isConnected ? LOOPBACK_MSS : 536; // tcpi_advmss
  words[20] = 3; // tcpi_reordering
  words[22] = isConnected ? 65483 : 0; // tcpi_rcv_space
  words.forEach((value, index) => {
    view.setUint32(8 + index * 4, value, true);
  });
  view.setUint32(144, socket.connection?.unsent ?? 0, true); // tcpi_notsent_bytes
  return bytes;
};
