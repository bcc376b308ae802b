import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { socketControl } from "../../../native/ffi/socket-calls-unsafe.ts";
import * as SO from "../../../syscall-tables/flags/socket-options.ts";
import { EINVAL } from "../../abi/errno.ts";
import { parseControl } from "../control.ts";
import { placeControl } from "./control.ts";
import { isPrivileged, isReadable, isWritable, ownOptions } from "./options.ts";

const TCP_ULP = 31;
const TCP_MD5SIG = 14;
const TCP_REPAIR = 19;
const TCP_ZEROCOPY_RECEIVE = 35;
const IPT_SO_SET_REPLACE = 64;

describe("options that reach the host", () => {
  it("are those of the list", () => {
    assert.ok(isWritable(SO.SOL_SOCKET, SO.SO_REUSEADDR) && isWritable(SO.SOL_TCP, 1) && isWritable(SO.SOL_IPV6, 26));
    for (const name of [TCP_ULP, TCP_MD5SIG, TCP_REPAIR, TCP_ZEROCOPY_RECEIVE]) assert.ok(!isWritable(SO.SOL_TCP, name));
    assert.ok(!isReadable(SO.SOL_TCP, TCP_ZEROCOPY_RECEIVE) && !isWritable(SO.SOL_IP, IPT_SO_SET_REPLACE));
    for (const name of [SO.SO_ATTACH_FILTER, SO.SO_ATTACH_BPF, SO.SO_ATTACH_REUSEPORT_CBPF, SO.SO_ZEROCOPY, SO.SO_BUSY_POLL])
      assert.ok(!isWritable(SO.SOL_SOCKET, name));
    assert.ok(!isReadable(SO.SOL_SOCKET, 65_536 + SO.SO_TYPE) && !isReadable(-1, SO.SO_TYPE) && !isWritable(SO.SOL_TCP, -65_535));
  });
  it("need a capability, or are the sentry's own", () => {
    assert.ok(isPrivileged(SO.SOL_SOCKET, SO.SO_MARK) && !isWritable(SO.SOL_SOCKET, SO.SO_MARK));
    assert.ok(ownOptions.has(SO.SO_RCVTIMEO) && ownOptions.has(SO.SO_LINGER));
  });
});

describe("control messages on their way to the host", () => {
  const bytes = new Uint8Array([1, 2, 3, 4]);

  it("are those of the internet protocols", () => {
    const length = placeControl([
      { level: SO.SOL_SOCKET, type: 1, data: bytes },
      { level: SO.SOL_IP, type: 2, data: bytes },
    ]);
    assert.deepEqual(parseControl(socketControl.slice(0, length)), [{ level: SO.SOL_IP, type: 2, data: bytes }]);
    assert.equal(placeControl([{ level: SO.SOL_IP, type: 77, data: bytes }]), EINVAL);
    assert.equal(placeControl(null), 0);
  });
});
