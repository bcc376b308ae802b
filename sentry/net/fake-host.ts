/** Sockets of a fake sandbox, driven through the system calls as a guest would. */
import assert from "node:assert/strict";
import { type FakeSandbox, fakeSandbox } from "../fs/proc/fake-sandbox.ts";
import type { Implementation } from "../syscalls/implement.ts";
import { socketSyscalls } from "../syscalls/socket/index.ts";
import type { Task } from "../task/task.ts";
import { BUFFER, INPUT } from "../vfs/fake-guest.ts";

const table = new Map(socketSyscalls.map((one): [string, Implementation] => [one.name, one]));

/** Apart in the fake guest's memory: addresses, lengths, control messages. */
const ADDRESS = INPUT + 0x20_0000;
const LENGTH = INPUT + 0x21_0000;
const RESULT_ADDRESS = BUFFER + 0x10_0000;

export const inet = (port: number, address = 0x7f00_0001): Uint8Array => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(2, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(address, 4);
  return bytes;
};

export const abstract = (name: string): Uint8Array => Buffer.concat([Buffer.from([1, 0, 0]), Buffer.from(name)]);

export class FakeHost {
  readonly sandbox: FakeSandbox = fakeSandbox();
  task: Task = this.sandbox.init;

  call(name: string, ...args: number[]): number {
    const implementation = table.get(name);
    assert.ok(implementation !== undefined);
    return (implementation.handler as unknown as (task: Task, ...args: number[]) => number)(this.task, ...args);
  }

  pair(type: number): [number, number] {
    assert.equal(this.call("socketpair", 1, type, 0, BUFFER), 0);
    return [this.task.memory.loadU32(BUFFER), this.task.memory.loadU32(BUFFER + 4)];
  }

  withAddress(name: "bind" | "connect", fd: number, address: Uint8Array): number {
    this.task.memory.copyOut(ADDRESS, address);
    return this.call(name, fd, ADDRESS, address.length);
  }

  send(fd: number, text: string, flags = 0, to: Uint8Array | null = null): number {
    this.task.memory.copyOut(INPUT, Buffer.from(text));
    if (to !== null) this.task.memory.copyOut(ADDRESS, to);
    return this.call("sendto", fd, INPUT, text.length, flags, to === null ? 0 : ADDRESS, to?.length ?? 0);
  }

  /** The bytes, or the errno. */
  receive(fd: number, length: number, flags = 0): string | number {
    const n = this.call("recvfrom", fd, BUFFER, length, flags, 0, 0);
    return n < 0 ? n : this.text(Math.min(n, length));
  }

  text(length: number): string {
    return Buffer.from(this.task.memory.copyIn(BUFFER, length) as Uint8Array).toString();
  }

  port(fd: number): number {
    this.task.memory.storeU32(LENGTH, 128);
    assert.equal(this.call("getsockname", fd, RESULT_ADDRESS, LENGTH), 0);
    return Buffer.from(this.task.memory.copyIn(RESULT_ADDRESS, 16) as Uint8Array).readUInt16BE(2);
  }

  option(fd: number, level: number, name: number): number {
    this.task.memory.storeU32(LENGTH, 4);
    const n = this.call("getsockopt", fd, level, name, RESULT_ADDRESS, LENGTH);
    return n < 0 ? n : this.task.memory.loadU32(RESULT_ADDRESS);
  }

  setOption(fd: number, level: number, name: number, ...values: number[]): number {
    this.task.memory.copyOut(INPUT, new Uint8Array(Int32Array.from(values).buffer));
    return this.call("setsockopt", fd, level, name, INPUT, values.length * 4);
  }

  /** sendmsg(2) of `text` with SCM_RIGHTS. */
  sendFiles(fd: number, text: string, fds: number[]): number {
    const { memory } = this.task;
    memory.copyOut(INPUT, Buffer.from(text));
    const control = Buffer.alloc(16 + fds.length * 4);
    control.writeUInt32LE(control.length, 0);
    control.writeInt32LE(1, 8);
    control.writeInt32LE(1, 12);
    fds.forEach((one, i) => {
      control.writeInt32LE(one, 16 + i * 4);
    });
    memory.copyOut(LENGTH + 0x1000, control);
    this.#header(INPUT, text.length, LENGTH + 0x1000, control.length);
    return this.call("sendmsg", fd, ADDRESS, 0);
  }

  /** recvmsg(2): text, received fds, msg_flags. */
  receiveFiles(fd: number, length: number, controlLength = 256): { text: string | number; fds: number[]; flags: number } {
    const { memory } = this.task;
    const control = LENGTH + 0x1000;
    this.#header(BUFFER, length, control, controlLength);
    const n = this.call("recvmsg", fd, ADDRESS, 0);
    const used = memory.loadU64(ADDRESS + 40);
    const fds: number[] = [];
    if (used > 16) for (let at = 16; at + 4 <= memory.loadU64(control); at += 4) fds.push(memory.loadU32(control + at));
    return { text: n < 0 ? n : this.text(n), fds, flags: memory.loadU32(ADDRESS + 48) };
  }

  #header(base: number, length: number, control: number, controlLength: number): void {
    const { memory } = this.task;
    memory.copyOut(ADDRESS, new Uint8Array(56));
    memory.storeU64(ADDRESS + 16, LENGTH + 0x100);
    memory.storeU64(ADDRESS + 24, 1);
    memory.storeU64(ADDRESS + 32, control);
    memory.storeU64(ADDRESS + 40, controlLength);
    memory.storeU64(LENGTH + 0x100, base);
    memory.storeU64(LENGTH + 0x108, length);
  }

  close(fd: number): void {
    this.task.files.close(fd, this.task);
  }

  readiness(fd: number): number {
    return this.task.files.get(fd)?.readiness() ?? -1;
  }
}
