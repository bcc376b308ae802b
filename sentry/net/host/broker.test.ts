import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { PacketChannel } from "../../../native/ffi/packet-channel-unsafe.ts";
import { allocateMemory, hostCall3, hostCall6, hostClose } from "../../../native/ffi/syscall-unsafe.ts";
import { EACCES, EIO, EMFILE, EMSGSIZE, EPROTO } from "../../abi/errno.ts";
import { Broker } from "./broker.ts";

const SYS_socketpair = 53;
const SYS_eventfd2 = 290;
const AF_INET = 2;
const STREAM = 1;
const RAW = 3;

/** The other side: answers are put into the channel before they are asked for. */
describe("the broker's client", () => {
  let other: PacketChannel;
  let broker: Broker;
  let lost = 0;
  const fds: number[] = [];

  beforeEach(() => {
    const memory = allocateMemory(8);
    assert.equal(hostCall6(SYS_socketpair, 1, 5, 0, memory.address), 0);
    other = new PacketChannel(memory.i32[1], { sendCapacity: 9000, receiveCapacity: 9000, acceptsFds: true });
    lost = 0;
    broker = new Broker(memory.i32[0], () => lost++);
    fds.push(memory.i32[0]);
  });
  afterEach(() => {
    other.close();
    for (const fd of fds.splice(0)) hostClose(fd);
  });

  const answer = (result: number, { text = "", withFd = false, kind = 16, stated = -1 } = {}): void => {
    const out = other.sendBuffer;
    out.writeUInt32LE(kind, 0);
    out.writeInt32LE(result, 4);
    out.writeInt32LE(0, 8);
    out.writeUInt32LE(stated < 0 ? text.length : stated, 12);
    out.write(text, 16, "latin1");
    const fd = withFd ? hostCall3(SYS_eventfd2, 0, 0) : -1;
    assert.equal(other.send(16 + text.length, fd), 16 + text.length);
    if (fd >= 0) hostClose(fd);
  };
  /** Kind, domain, type and protocol of the next question. */
  const asked = (): number[] => {
    assert.equal(other.receive(), 20);
    return [0, 4, 8, 16].map((at) => other.receiveBuffer.readInt32LE(at));
  };
  const taken = (fd: number): number => {
    if (fd >= 0) fds.push(fd);
    return fd;
  };

  it("hands over a socket, or the host's errno", () => {
    answer(0, { withFd: true });
    assert.ok(taken(broker.socket(AF_INET, RAW, 1)) > 0);
    assert.deepEqual(asked(), [1, AF_INET, RAW, 1]);
    answer(EACCES);
    assert.equal(broker.socket(AF_INET, RAW, 1), EACCES);
    answer(0);
    assert.equal(broker.socket(AF_INET, RAW, 1), EMFILE);
    assert.equal(lost, 0);
  });

  it("asks for the next TCP socket ahead, from the second on, and keeps answers in order", () => {
    answer(0, { withFd: true });
    taken(broker.socket(AF_INET, STREAM, 0));
    asked();
    answer(0, { withFd: true });
    taken(broker.socket(AF_INET, STREAM, 0));
    // The second one, and the third ahead.
    assert.deepEqual(
      [asked(), asked()],
      [
        [1, AF_INET, STREAM, 0],
        [1, AF_INET, STREAM, 0],
      ],
    );
    answer(0, { withFd: true });
    answer(0, { text: "1\n" });
    assert.equal(broker.read("ipv4/ip_forward"), "1\n");
    other.receive();
    // It is here already: nothing is waited for, but the next one is asked for.
    assert.ok(taken(broker.socket(AF_INET, STREAM, 0)) > 0);
    assert.deepEqual(asked(), [1, AF_INET, STREAM, 0]);
  });

  it("lists names", () => {
    answer(0, { text: "core/\0somaxconn\0" });
    assert.deepEqual(broker.list("."), ["core/", "somaxconn"]);
  });

  it("does not believe everything", () => {
    answer(0, { kind: 17 });
    assert.equal(broker.read("x"), EPROTO);
    answer(0, { text: "abc", stated: 7000 });
    assert.equal(broker.read("x"), EPROTO);
    answer(-5000);
    assert.equal(broker.read("x"), EPROTO);
    assert.equal(broker.write("x", "y".repeat(9000)), EMSGSIZE);
  });

  it("tells of a broker that is gone", () => {
    hostCall3(48, other.fd, 2);
    assert.equal(broker.read("x"), EIO);
    assert.equal(lost, 1);
  });
});
