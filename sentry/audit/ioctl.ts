/** ioctl(2): the command by name or by its parts (asm-generic/ioctl.h), the argument by command. */
import {
  FIOASYNC,
  FIONBIO,
  FIONREAD,
  ioctlNames,
  TCGETS,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TIOCGPGRP,
  TIOCGPTN,
  TIOCGSID,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSPGRP,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "../../syscall-tables/flags/ioctl.ts";
import { type ArgFormat, formatStruct } from "./arguments.ts";
import { argAddr, argU32, type Call, hasSucceeded } from "./call.ts";
import { hex, hex64, pointer } from "./text.ts";

/** What the argument points to. */
const READS: ReadonlyMap<number, string> = new Map([
  [TCSETS, "termios"],
  [TCSETSW, "termios"],
  [TCSETSF, "termios"],
  [TIOCSWINSZ, "winsize"],
  [TIOCSPGRP, "int"],
  [TIOCSPTLCK, "int"],
  [FIONBIO, "int"],
  [FIOASYNC, "int"],
]);
const WRITES: ReadonlyMap<number, string> = new Map([
  [TCGETS, "termios"],
  [TIOCGWINSZ, "winsize"],
  [TIOCGPGRP, "int"],
  [TIOCGSID, "int"],
  [TIOCGPTN, "uint"],
  [TIOCOUTQ, "int"],
  [FIONREAD, "int"],
]);

const DIRECTIONS = ["_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"];

export const ioctlCommand: ArgFormat = (call, index) => {
  const command = argU32(call, index);
  const name = ioctlNames.names.get(command);
  if (name !== undefined) return name;
  return `_IOC(${DIRECTIONS[command >>> 30]}, ${hex((command >>> 8) & 0xff)}, ${hex(command & 0xff)}, ${hex((command >>> 16) & 0x3fff)})`;
};

export const ioctlOutputs = (call: Call): readonly string[] => (WRITES.has(argU32(call, 1)) ? ["arg"] : []);

export const ioctlArg: ArgFormat = (call, index) => {
  const command = argU32(call, 1);
  const addr = argAddr(call, index);
  const read = READS.get(command);
  if (read !== undefined) return formatStruct(call, read, addr);
  const written = WRITES.get(command);
  if (written !== undefined) return hasSucceeded(call) ? formatStruct(call, written, addr) : pointer(addr);
  return hex64(call.words[index * 2], call.words[index * 2 + 1]);
};
