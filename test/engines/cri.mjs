/**
 * What the kubelet asks of containerd, as a command: `cri.mjs SOCKET CALL ARG...` (Kubernetes' CRI, runtime.v1: gRPC over a unix
 * socket, of which this speaks as much as one call with one answer takes; numbers of fields as in api.proto).
 */
import http2 from "node:http2";
import net from "node:net";

const TIMEOUT_MS = 60_000;

const varint = (value) => {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
};

/** [field, value] pairs: text, number, or pairs again for a message. Absent and empty values are left out. */
const encode = (pairs) =>
  Buffer.concat(
    pairs.map(([field, value]) => {
      if (value === undefined || value === "" || value === 0) return Buffer.alloc(0);
      if (typeof value === "number") return Buffer.concat([varint(field << 3), varint(value)]);
      const bytes = typeof value === "string" ? Buffer.from(value) : encode(value);
      return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
    }),
  );

/** Field → the last value: a BigInt, or bytes. */
const decode = (bytes) => {
  const fields = new Map();
  let at = 0;
  const number = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(number());
    if ((tag & 7) === 0) fields.set(tag >> 3, number());
    else {
      if ((tag & 7) !== 2) throw new Error(`a field of wire type ${tag & 7}`);
      const length = Number(number());
      fields.set(tag >> 3, bytes.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
};

const inside = (fields, ...path) => path.reduce((message, field) => decode(message.get(field) ?? Buffer.alloc(0)), fields);
const text = (fields, field) => (fields.get(field) ?? Buffer.alloc(0)).toString();
const int = (fields, field) => Number(BigInt.asIntN(64, fields.get(field) ?? 0n));

const [socket, name, ...args] = process.argv.slice(2);

const call = (method, pairs) =>
  new Promise((resolve, reject) => {
    const session = http2.connect("http://localhost", { createConnection: () => net.connect(socket) });
    session.once("error", reject);
    const stream = session.request({
      ":method": "POST",
      ":path": `/runtime.v1.RuntimeService/${method}`,
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.setTimeout(TIMEOUT_MS, () => reject(new Error(`${method}: no answer`)));
    const chunks = [];
    let status = {};
    stream.once("response", (headers) => Object.assign(status, headers));
    stream.once("trailers", (headers) => {
      status = { ...status, ...headers };
    });
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.once("error", reject);
    stream.once("end", () => {
      session.close();
      if (status["grpc-status"] !== "0") reject(new Error(decodeURIComponent(status["grpc-message"] ?? `${method} failed`)));
      else resolve(decode(Buffer.concat(chunks).subarray(5)));
    });
    const message = encode(pairs);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([frame, message]));
  });

// NamespaceMode
const MODES = { pod: 0, container: 1, node: 2, target: 3 };

/** namespace_options: pids are the container's own unless the pod's are shared. */
const namespaces = (pid) => [
  [1, MODES.pod],
  [2, MODES[pid]],
];

const podConfig = (pod, pid, cgroup) => [
  [
    1,
    [
      [1, pod],
      [2, `uid-${pod}`],
      [3, "default"],
    ],
  ],
  [2, pod],
  [3, `${process.cwd()}/logs`],
  [
    8,
    [
      [1, cgroup],
      [2, [[1, namespaces(pid)]]],
    ],
  ],
];

const STATES = ["created", "running", "exited", "unknown"];

const calls = {
  /** NAME HANDLER PID CGROUP */
  pod: async (pod, handler, pid, cgroup) => {
    const answer = await call("RunPodSandbox", [
      [1, podConfig(pod, pid, cgroup)],
      [2, handler],
    ]);
    return text(answer, 1);
  },
  ip: async (id) => text(inside(await call("PodSandboxStatus", [[1, id]]), 1, 5), 1),
  /** POD POD-NAME PID CGROUP NAME IMAGE MEMORY COMMAND... */
  create: async (id, pod, pid, cgroup, container, image, memory, ...command) => {
    const config = [
      [1, [[1, container]]],
      [2, [[1, image]]],
      ...command.map((word) => [3, word]),
      [
        6,
        [
          [1, "WHO"],
          [2, "kubelet"],
        ],
      ],
      [10, ""],
      [11, `${container}.log`],
      [
        15,
        [
          [1, [[4, Number(memory)]]],
          [2, [[3, namespaces(pid)]]],
        ],
      ],
    ];
    const answer = await call("CreateContainer", [
      [1, id],
      [2, config],
      [3, podConfig(pod, pid, cgroup)],
    ]);
    return text(answer, 1);
  },
  start: async (id) => void (await call("StartContainer", [[1, id]])),
  exec: async (id, ...command) => {
    const answer = await call("ExecSync", [[1, id], ...command.map((word) => [2, word]), [3, 30]]);
    return `${text(answer, 1)}${text(answer, 2)}status ${int(answer, 3)}`;
  },
  status: async (id) => {
    const status = inside(await call("ContainerStatus", [[1, id]]), 1);
    return `${STATES[int(status, 3)]} ${int(status, 7)} ${text(status, 10)}`.trim();
  },
  stats: async (id) => {
    const stats = inside(await call("ContainerStats", [[1, id]]), 1);
    return `cpu ${int(inside(stats, 2, 2), 1) > 0} memory ${int(inside(stats, 3, 2), 1) > 0}`;
  },
  stop: async (id, seconds) =>
    void (await call("StopContainer", [
      [1, id],
      [2, Number(seconds)],
    ])),
  remove: async (id) => void (await call("RemoveContainer", [[1, id]])),
  stopPod: async (id) => void (await call("StopPodSandbox", [[1, id]])),
  removePod: async (id) => void (await call("RemovePodSandbox", [[1, id]])),
  version: async () => text(await call("Version", [[1, "v1"]]), 2),
};

try {
  const answer = await calls[name](...args);
  if (answer !== undefined) console.log(answer);
} catch (error) {
  console.log(`${name}: ${error.message}`);
  process.exitCode = 1;
}
