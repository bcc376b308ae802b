/** Every implemented system call, by family. */
import { aioSyscalls } from "./aio/index.ts";
import { eventSyscalls } from "./event/index.ts";
import { execSyscalls } from "./exec/index.ts";
import { fileSyscalls } from "./file/index.ts";
import { fsSyscalls } from "./fs/index.ts";
import { futexSyscalls } from "./futex/index.ts";
import { identitySyscalls } from "./identity/index.ts";
import type { Implementation } from "./implement.ts";
import { ipcSyscalls } from "./ipc/index.ts";
import { keysSyscalls } from "./keys/index.ts";
import { mmSyscalls } from "./mm/index.ts";
import { pipeSyscalls } from "./pipe/index.ts";
import { pollSyscalls } from "./poll/index.ts";
import { processSyscalls } from "./process/index.ts";
import { signalSyscalls } from "./signal/index.ts";
import { socketSyscalls } from "./socket/index.ts";
import { spliceSyscalls } from "./splice/index.ts";
import { systemSyscalls } from "./system/index.ts";
import { timeSyscalls } from "./time/index.ts";

export const implementations: readonly Implementation[] = [
  ...aioSyscalls,
  ...eventSyscalls,
  ...execSyscalls,
  ...fileSyscalls,
  ...fsSyscalls,
  ...futexSyscalls,
  ...identitySyscalls,
  ...ipcSyscalls,
  ...keysSyscalls,
  ...mmSyscalls,
  ...pipeSyscalls,
  ...pollSyscalls,
  ...processSyscalls,
  ...signalSyscalls,
  ...socketSyscalls,
  ...spliceSyscalls,
  ...systemSyscalls,
  ...timeSyscalls,
];
