/** The CLI's conversation with the monitor that the launcher has forked (native/launcher/front.h). */
import { closeSync, writeSync } from "node:fs";
import { packetView, receivePacket, sendPacket } from "../../native/ffi/fd-packets-unsafe.ts";
import { ANSWER_EXEC_REFUSED, ANSWER_EXEC_STARTED } from "../sandbox/control-protocol.ts";
import {
  encodeSupervisorMessage,
  MESSAGE_HEADER_SIZE,
  MSG_CREATED,
  MSG_EXEC_FAILED,
  MSG_FATAL,
  MSG_PREPARE,
  MSG_PREPARED,
} from "../sandbox/supervisor-protocol.ts";
import { ContainerError } from "./container-error.ts";

const REQUEST_FD = 3;
const REPLY_FD = 4;

interface Reply {
  readonly kind: number;
  readonly x: number;
  readonly y: number;
}

/** runc's words, from which engines take what follows. */
const NOT_STARTED = "unable to start container process";

/** The next message; a refusal is thrown. */
const hear = (): Reply => {
  const length = receivePacket(REPLY_FD, [], true);
  if (length < MESSAGE_HEADER_SIZE) throw new ContainerError("the container's monitor has died");
  const kind = packetView().getUint32(0, true);
  const [x, y] = [packetView().getInt32(4, true), packetView().getInt32(8, true)];
  const text = Buffer.from(packetView().buffer, packetView().byteOffset + MESSAGE_HEADER_SIZE, length - MESSAGE_HEADER_SIZE).toString(
    "utf8",
  );
  if (kind === MSG_EXEC_FAILED) throw new ContainerError(`${NOT_STARTED}: ${text}`);
  if (kind === MSG_FATAL) throw new ContainerError(`${NOT_STARTED}: error during container init: ${text}`);
  if (kind === ANSWER_EXEC_REFUSED) throw new ContainerError(`${NOT_STARTED}: ${text}`, y);
  return { kind, x, y };
};

/** Enters the network ("new", or a namespace's path) and returns the monitor's pid. */
export const prepareMonitor = (network: string): number => {
  sendPacket(REPLY_FD, encodeSupervisorMessage(packetView(), MSG_PREPARE, 0, 0, Buffer.from(network, "latin1").toString("utf8")));
  const { kind, x } = hear();
  if (kind !== MSG_PREPARED) throw new ContainerError("the container's monitor did not get ready");
  return x;
};

const request = (bytes: Buffer): void => {
  for (let at = 0; at < bytes.length; ) at += writeSync(REQUEST_FD, bytes, at);
  closeSync(REQUEST_FD);
};

/** Has the sandbox made; returns when its program is loaded. */
export const requestSandbox = (bytes: Buffer): void => {
  request(bytes);
  if (hear().kind !== MSG_CREATED) throw new ContainerError("the container did not start");
};

/** Has a program executed; returns the pid of its monitor. */
export const requestExec = (bytes: Buffer): number => {
  request(bytes);
  const { kind, x } = hear();
  if (kind !== ANSWER_EXEC_STARTED) throw new ContainerError("the program did not start");
  return x;
};
