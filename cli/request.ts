/** What the CLI asks of the launcher, its parent: native/launcher/request.h has the format. */
import { closeSync, writeSync } from "node:fs";
import type { StartConfig } from "../runtime/sandbox/config.ts";
import { encodeRecords } from "../runtime/sandbox/request-records.ts";

/** native/launcher/main.c opens it. */
const REQUEST_FD = 3;

/** What a guest may do in its caller's network beyond an ordinary user: CAP_NET_BIND_SERVICE (10), CAP_NET_RAW (13). Not: change it. */
const BROKER_CAPABILITIES = ((1 << 10) | (1 << 13)).toString(16);

export interface SandboxRequest {
  /** What the launcher opens for each of config.gofer.trees (native/launcher/trees.h), as byte strings. */
  readonly trees: readonly string[];
  readonly debugLog: string | null;
  readonly straceLog: string | null;
  readonly config: StartConfig;
}

export const encodeRequest = (request: SandboxRequest): Buffer => {
  const records = request.trees.map((tree): [string, string] => ["tree", tree]);
  if (request.config.sandbox.network === "host") records.push(["network", BROKER_CAPABILITIES]);
  if (request.debugLog !== null) records.push(["debug-log", request.debugLog]);
  if (request.straceLog !== null) records.push(["strace-log", request.straceLog]);
  return encodeRecords(records, request.config);
};

export const sendRequest = (request: SandboxRequest): void => {
  const bytes = encodeRequest(request);
  for (let at = 0; at < bytes.length; ) at += writeSync(REQUEST_FD, bytes, at);
  // The launcher goes on at its end, not at this process's.
  closeSync(REQUEST_FD);
};
