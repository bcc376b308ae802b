/** Addresses of unix sockets (unix(7)): pathnames, abstract names, autobind. */
import { AF_UNIX, AF_UNSPEC } from "../../../syscall-tables/flags/socket.ts";
import { EADDRINUSE, EINVAL, ENOSPC, type Errno } from "../../abi/errno.ts";
import type { UnixSocket } from "./unix-socket.ts";

/** offsetof(struct sockaddr_un, sun_path), sizeof(struct sockaddr_un) */
export const PATH_OFFSET = 2;
export const SOCKADDR_UN_SIZE = 110;
/** Autobind names have five hexadecimal digits. */
const AUTOBIND_NAMES = 0x10_0000;

const UNNAMED = new Uint8Array([AF_UNIX, 0]);

/** The sockaddr of a socket without a name: the family alone. */
export const unnamed = (): Uint8Array => UNNAMED.slice();

/** unix_validate_addr(): 0 or EINVAL. */
export const checkUnixAddress = (bytes: Uint8Array): 0 | Errno => {
  if (bytes.length <= PATH_OFFSET || bytes.length > SOCKADDR_UN_SIZE) return EINVAL;
  return (bytes[0] | (bytes[1] << 8)) === AF_UNIX ? 0 : EINVAL;
};

export const isUnspecified = (bytes: Uint8Array): boolean => bytes.length >= 2 && (bytes[0] | (bytes[1] << 8)) === AF_UNSPEC;

export const isAbstract = (bytes: Uint8Array): boolean => bytes[PATH_OFFSET] === 0;

/** The path in an address, up to its NUL, if it has one. */
export const pathIn = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0, PATH_OFFSET);
  return Buffer.from(bytes.subarray(PATH_OFFSET, end < 0 ? bytes.length : end)).toString("latin1");
};

/** The address as getsockname(2) shows a bound path: with its NUL. */
export const pathAddress = (path: string): Uint8Array => {
  const bytes = new Uint8Array(PATH_OFFSET + path.length + 1);
  bytes[0] = AF_UNIX;
  bytes.set(Buffer.from(path, "latin1"), PATH_OFFSET);
  return bytes;
};

/** The abstract names of a network namespace, and all its unix sockets for /proc/net/unix. */
export class UnixNames {
  readonly sockets = new Set<UnixSocket>();
  readonly #abstract = new Map<string, UnixSocket>();

  /** Sockets of different types may have the same name. */
  #key(type: number, bytes: Uint8Array): string {
    return `${type}:${Buffer.from(bytes.subarray(PATH_OFFSET)).toString("latin1")}`;
  }

  find(type: number, bytes: Uint8Array): UnixSocket | null {
    return this.#abstract.get(this.#key(type, bytes)) ?? null;
  }

  bind(socket: UnixSocket, bytes: Uint8Array): 0 | Errno {
    const key = this.#key(socket.type, bytes);
    if (this.#abstract.has(key)) return EADDRINUSE;
    this.#abstract.set(key, socket);
    return 0;
  }

  unbind(socket: UnixSocket, bytes: Uint8Array): void {
    const key = this.#key(socket.type, bytes);
    if (this.#abstract.get(key) === socket) this.#abstract.delete(key);
  }

  /** unix_autobind(): the name given, or ENOSPC. `start`: a random number. */
  autobind(socket: UnixSocket, start: number): Uint8Array | Errno {
    for (let i = 0; i < AUTOBIND_NAMES; i++) {
      const number = (start + i) % AUTOBIND_NAMES;
      const name = `\0${number.toString(16).padStart(5, "0")}`;
      const bytes = new Uint8Array(PATH_OFFSET + name.length);
      bytes[0] = AF_UNIX;
      bytes.set(Buffer.from(name, "latin1"), PATH_OFFSET);
      if (this.bind(socket, bytes) === 0) return bytes;
    }
    return ENOSPC;
  }
}
