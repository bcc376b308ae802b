/** What a link carries: an Ethernet header (which `lo` has, too) and a packet. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** ETH_P_* */
  readonly protocol: number;
}

/** Who gets frames: packet sockets. */
export interface FrameTaker {
  takeFrame(frame: Frame, packetType: number): void;
}

export const ETH_HEADER = 14;
export const LOOPBACK_INDEX = 1;
