/** What the requests of all families have (sock_diag(7)). */
import { uint32At } from "../control.ts";
import type { Socket } from "../socket.ts";

export const SOCK_DIAG_BY_FAMILY = 20;
const NO_COOKIE = 0xffff_ffff;

/** sock_diag_check_cookie(): two words that name a socket, or ~0 for any. */
export const isCookie = (socket: Socket, lo: number, hi: number): boolean =>
  (lo === NO_COOKIE && hi === NO_COOKIE) || (lo === socket.cookie && hi === 0);

/** The cookie in a request. */
export const cookieAt = (bytes: Uint8Array, at: number): readonly [number, number] => [uint32At(bytes, at), uint32At(bytes, at + 4)];
