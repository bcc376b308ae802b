/** What the CLI asks of the launcher, its parent: native/launcher/request.h has the format. */
import { writeSync } from "node:fs";
import type { StartConfig } from "../runtime/sandbox/config.ts";
import { encodeRecords } from "../runtime/sandbox/request-records.ts";

/** native/launcher/main.c opens it. */
const REQUEST_FD = 3;

/** What a guest may do in its caller's network beyond an ordinary user: CAP_NET_BIND_SERVICE (10), CAP_NET_RAW (13). Not: change it. */
const BROKER_CAPABILITIES = ((1 << 10) | (1 << 13)).toString(16);

export interface SandboxRequest {
  /** Host paths as byte strings, in the order of config.gofer.trees. */
  readonly treePaths: readonly string[];
  readonly debugLog: string | null;
  readonly straceLog: string | null;
  readonly config: StartConfig;
}

export const encodeRequest = (request: SandboxRequest): Buffer => {
  const records = request.treePaths.map((path, index): [string, string] => [
    "tree",
    `${request.config.gofer.trees[index].readOnly ? "rro" : "rw"},rec:${path}`,
  ]);
  if (request.config.sandbox.network === "host") records.push(["network", BROKER_CAPABILITIES]);
  if (request.debugLog !== null) records.push(["debug-log", request.debugLog]);
  if (request.straceLog !== null) records.push(["strace-log", request.straceLog]);
  return encodeRecords(records, request.config);
};

export const sendRequest = (request: SandboxRequest): void => {
  const bytes = encodeRequest(request);
  for (let at = 0; at < bytes.length; ) at += writeSync(REQUEST_FD, bytes, at);
};
