/** wait4(2) and waitid(2): options, id types and the encoding of a wait status. */
import { WUNTRACED } from "../../syscall-tables/flags/process.ts";

export const WSTOPPED = WUNTRACED;
export const __WNOTHREAD = 0x2000_0000;
export const __WALL = 0x4000_0000;
export const __WCLONE = 0x8000_0000;

/** The status of exit(`code`). */
export const exitStatus = (code: number): number => (code & 0xff) << 8;
/** A core file was written. */
export const WCOREFLAG = 0x80;
/** The status of a death by `signal`. */
export const signalStatus = (signal: number): number => signal & 0x7f;
export const stopStatus = (signal: number): number => (signal << 8) | 0x7f;
export const CONTINUED_STATUS = 0xffff;
