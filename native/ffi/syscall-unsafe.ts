/**
 * The one door to the host kernel: raw system calls through libc's syscall(2), errors as
 * negative errnos, and memory from mmap whose address never moves (the JS heap's may).
 */
import koffi from "koffi";

type Call = (...args: unknown[]) => unknown;

// Loaded by the first call: a snapshot has no native code (native/start), and the CLI needs none for most commands.
let opened: ReturnType<typeof koffi.load> | undefined;
const libc = (): ReturnType<typeof koffi.load> => {
  opened ??= koffi.load("libc.so.6");
  return opened;
};
let raw6: Call = (...args) => {
  raw6 = libc().func("long syscall(long, long, long, long, long, long, long)");
  return raw6(...args);
};
let raw3: Call = (...args) => {
  raw3 = libc().func("long syscall(long, long, long, long)");
  return raw3(...args);
};

/** A system call with up to three arguments: the result or a negative errno. */
export const hostCall3 = (nr: number, a = 0, b = 0, c = 0): number => {
  const result = raw3(nr, a, b, c) as number;
  return result === -1 ? -koffi.errno() : result;
};

/** A system call with up to six arguments: the result or a negative errno. */
export const hostCall6 = (nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number => {
  const result = raw6(nr, a, b, c, d, e, f) as number;
  return result === -1 ? -koffi.errno() : result;
};

/** Page-aligned host memory outside the JS heap; never freed while a view exists. */
export interface HostMemory {
  readonly address: number;
  readonly length: number;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly view: DataView;
}

const SYS_mmap = 9;

/** Views `length` bytes of this process at `address`. At most 1 GiB (over 4 GiB aborts Node 20). */
export const viewMemory = (address: number, length: number): HostMemory => {
  if (length > 2 ** 30) throw new Error(`a view of ${length} bytes is over 1 GiB`);
  const buffer = koffi.view(BigInt(address), length) as ArrayBuffer;
  return {
    address,
    length,
    u8: new Uint8Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
    view: new DataView(buffer),
  };
};

/** Fresh private memory of `length` bytes (rounded up to pages). Throws when the host has none: a start-up failure. */
export const allocateMemory = (length: number): HostMemory => {
  const rounded = Math.ceil(length / 4096) * 4096;
  const address = hostCall6(SYS_mmap, 0, rounded, 3, 0x22, -1, 0);
  if (address < 0) throw new Error(`mmap of ${rounded} bytes: errno ${-address}`);
  return viewMemory(address, rounded);
};

/** Memory that the first use allocates: a module's own, which must not be made when the module is evaluated (native/start). */
export const memoryOnUse = (length: number): (() => HostMemory) => {
  let memory: HostMemory | undefined;
  return () => {
    memory ??= allocateMemory(length);
    return memory;
  };
};

/** The address of a C function in the already loaded libc, for calls with pointers. */
export const libcFunction = (prototype: string): ((...args: unknown[]) => unknown) => libc().func(prototype) as never;

/** Address space without pages: to be filled by MAP_FIXED mappings before it is touched. */
export const allocateAddressRange = (length: number): HostMemory => {
  const address = hostCall6(SYS_mmap, 0, length, 0, 0x4022, -1, 0);
  if (address < 0) throw new Error(`mmap of ${length} bytes of address space: errno ${-address}`);
  return viewMemory(address, length);
};

const SYS_close = 3;
let closes = 0;
const closedAt: number[] = [];

/** close(2). All host fds are closed through here, so that `hostFdGeneration` notices a reused number. */
export const hostClose = (fd: number): number => {
  closedAt[fd] = ++closes;
  return hostCall3(SYS_close, fd);
};

/** Changes whenever host fd `fd` has been closed: with the fd it names one open file. */
export const hostFdGeneration = (fd: number): number => closedAt[fd] ?? 0;
