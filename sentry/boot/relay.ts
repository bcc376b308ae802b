/**
 * The sentry of a container that lives in another one's sandbox: it hands over its gofer, its broker and its standard files,
 * and from then on only passes messages on, between its own init and the other sentry.
 */
import { awaitPackets, packetView, receivePacket, sendPacket } from "../../native/ffi/fd-packets-unsafe.ts";
import { findStartMemory } from "../../native/ffi/start-memory-unsafe.ts";
import { hostClose } from "../../native/ffi/syscall-unsafe.ts";
import { SENTRY_CONFIG_FD, SENTRY_GOFER_FD } from "../../runtime/sandbox/config.ts";
import { ANSWER_RELAYED, CONTROL_JOIN, CONTROL_RELAYED } from "../../runtime/sandbox/control-protocol.ts";
import { packRelayed, type Relayed, unpackRelayed } from "../../runtime/sandbox/relayed.ts";
import type { Start, SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import {
  encodeSupervisorMessage,
  MESSAGE_HEADER_SIZE,
  MSG_CHILD_DIED,
  MSG_CONTINUED,
  MSG_SIGNAL,
  START_BROKER,
  type SupervisorMessage,
} from "../../runtime/sandbox/supervisor-protocol.ts";
import { SIGKILL } from "../../syscall-tables/flags/signal.ts";
import { signalStatus } from "../abi/wait.ts";
import { confine } from "../host/confine.ts";

const STDIO = [0, 1, 2];

/** Null: it is this process's own affair. */
const relayedOf = (message: SupervisorMessage): (Relayed & { readonly fds: readonly number[] }) | null => {
  switch (message.kind) {
    case MSG_SIGNAL:
      return { kind: MSG_SIGNAL, x: message.signal, y: message.fromTerminal ? 1 : 0, text: "", fds: [] };
    case MSG_CONTINUED:
      return { kind: MSG_CONTINUED, x: message.isForeground ? 1 : 0, y: 0, text: "", fds: [] };
    case MSG_CHILD_DIED:
      return null;
    default:
      return { kind: message.request, x: message.client, y: message.argument, text: message.text, fds: message.fds };
  }
};

export const relayContainer = (supervisor: SupervisorChannel, { stdioFds, brokerFd, joinFd }: Start): never => {
  const giveBackStartMemory = findStartMemory();
  confine(supervisor, "none");
  // Gofer and broker live as long as somebody holds their channels: this process keeps them for its init's sake.
  const files = stdioFds.length === 0 ? STDIO : stdioFds;
  const fds = [SENTRY_CONFIG_FD, SENTRY_GOFER_FD, ...(brokerFd < 0 ? [] : [brokerFd]), ...files];
  sendPacket(joinFd, encodeSupervisorMessage(packetView(), CONTROL_JOIN, 0, brokerFd < 0 ? 0 : START_BROKER), fds);
  // Who reads the container's output hears of its end by that of the last writer.
  for (const fd of stdioFds) hostClose(fd);
  giveBackStartMemory();
  for (;;) {
    for (let message = supervisor.receive(); message !== null; message = supervisor.receive()) {
      const relayed = relayedOf(message);
      if (relayed === null) continue;
      sendPacket(joinFd, encodeSupervisorMessage(packetView(), CONTROL_RELAYED, 0, 0, packRelayed(relayed)), relayed.fds);
      for (const fd of relayed.fds) hostClose(fd);
    }
    passAnswers(supervisor, joinFd);
    awaitPackets([supervisor.fd, joinFd]);
  }
};

const passAnswers = (supervisor: SupervisorChannel, joinFd: number): void => {
  const fds: number[] = [];
  for (let length = receivePacket(joinFd, fds, false); length >= 0; length = receivePacket(joinFd, fds, false)) {
    // The other sandbox has ended: so have all processes of its pid namespace.
    if (length < MESSAGE_HEADER_SIZE) supervisor.exited(signalStatus(SIGKILL));
    for (const fd of fds) hostClose(fd);
    const packet = packetView();
    if (packet.getUint32(0, true) !== ANSWER_RELAYED) continue;
    const text = Buffer.from(packet.buffer, packet.byteOffset + MESSAGE_HEADER_SIZE, length - MESSAGE_HEADER_SIZE).toString("utf8");
    const message = unpackRelayed(text);
    if (message !== null) supervisor.relay(message.kind, message.x, message.y, message.text);
  }
};
