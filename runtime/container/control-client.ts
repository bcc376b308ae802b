/** One connection to a container's control socket. */
import { closeSync, openSync } from "node:fs";
import { connectPackets } from "../../native/ffi/control-socket-unsafe.ts";
import { packetView, receivePacket, sendPacket } from "../../native/ffi/fd-packets-unsafe.ts";
import { ANSWER_DONE, ANSWER_PROCESSES, CONTROL_PROCESSES, type ProcessInfo } from "../sandbox/control-protocol.ts";
import { encodeSupervisorMessage, MESSAGE_HEADER_SIZE } from "../sandbox/supervisor-protocol.ts";
import { ContainerError } from "./container-error.ts";

export interface Answer {
  readonly kind: number;
  readonly argument: number;
  readonly text: string;
}

export class ControlClient {
  readonly #fd: number;

  /** Throws when nobody listens in the container's directory. */
  constructor(directory: string) {
    // Named by descriptor: a socket's address is short.
    const place = openSync(directory, "r");
    this.#fd = connectPackets(`/proc/self/fd/${place}/control`);
    closeSync(place);
    if (this.#fd < 0) throw new ContainerError("container not running");
  }

  send(kind: number, argument = 0, text = ""): void {
    sendPacket(this.#fd, encodeSupervisorMessage(packetView(), kind, 0, argument, text));
  }

  /** Null: the container has ended. */
  receive(): Answer | null {
    const length = receivePacket(this.#fd, [], true);
    if (length < MESSAGE_HEADER_SIZE) return null;
    const text = Buffer.from(packetView().buffer, packetView().byteOffset + MESSAGE_HEADER_SIZE, length - MESSAGE_HEADER_SIZE).toString(
      "utf8",
    );
    return { kind: packetView().getUint32(0, true), argument: packetView().getInt32(8, true), text };
  }

  /** Asks and waits until it is done: 0, an errno, or null when the container ended meanwhile. */
  ask(kind: number, argument = 0, text = ""): number | null {
    this.send(kind, argument, text);
    const answer = this.receive();
    return answer === null || answer.kind !== ANSWER_DONE ? null : answer.argument;
  }

  processes(): ProcessInfo[] {
    this.send(CONTROL_PROCESSES);
    let lines = "";
    for (let answer = this.receive(); answer?.kind === ANSWER_PROCESSES; answer = this.receive()) {
      lines += answer.text;
      if (answer.argument === 0) break;
    }
    return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as ProcessInfo]));
  }

  /** Returns when the container's monitor is gone. */
  awaitEnd(): void {
    while (this.receive() !== null);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
