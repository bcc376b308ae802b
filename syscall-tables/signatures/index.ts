/** Every signature under its name. */
import { aio } from "./aio.ts";
import { fileDescriptor } from "./fd.ts";
import { file } from "./file.ts";
import { fs } from "./fs.ts";
import { futex } from "./futex.ts";
import { identity } from "./identity.ts";
import { ipc } from "./ipc.ts";
import { misc } from "./misc.ts";
import { mm } from "./mm.ts";
import { poll } from "./poll.ts";
import { process } from "./process.ts";
import { signals } from "./signal.ts";
import { socket } from "./socket.ts";
import { system } from "./system.ts";
import { time } from "./time.ts";

export const signatures = {
  ...file,
  ...fileDescriptor,
  ...mm,
  ...process,
  ...signals,
  ...time,
  ...futex,
  ...identity,
  ...poll,
  ...socket,
  ...ipc,
  ...fs,
  ...system,
  ...aio,
  ...misc,
} as const;

export type Signatures = typeof signatures;
export type SyscallName = keyof Signatures;
