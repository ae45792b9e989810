/** A kernel in this process gives the bits of every other engine (law 3: one answer). */
import { PassThrough } from "node:stream";
import { computeEngineConformance } from "@tidemark/core/testing";
import type { ColumnSpec, DeriveNode, EngineHost, EngineTask } from "@tidemark/core/spi";
import { batchOf, valueAt } from "@tidemark/core/spi";
import { computeEngineProperties } from "@tidemark/testkit/engine/engine-properties";
import { describe, expect, test } from "vitest";
import {
  kernelEngine,
  type KernelEngineOptions,
  type RunningKernel,
} from "../src/kernel-engine.ts";
import { jobJson, jobOf, rowColumns, type KernelJob } from "../src/kernel-job.ts";
import { runKernel } from "../src/run-kernel.ts";
import { BufferReader, BufferWriter, readColumn, writeColumn } from "../src/wire/columns.ts";
import {
  FRAME,
  frameOf,
  HEADER_BYTES,
  jsonFrame,
  jsonOf,
  MAX_FRAME_BYTES,
  readFrames,
  WIRE_FORMAT,
} from "../src/wire/frames.ts";

/** Starts a kernel in this process. `change` may change the bytes that it writes. */
function localKernel(change: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): RunningKernel {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  let hasEnded = false;
  const ended = runKernel({
    input: stdin,
    write: (bytes) => void stdout.write(change(bytes)),
    program: new Uint8Array(0),
  }).then((done) => {
    hasEnded = true;
    stdout.end();
    return `it ended ${done ? "well" : "with an error"}`;
  });
  return { stdin, stdout, ended, hasEnded: () => hasEnded, kill: () => undefined };
}

const engine = (options: KernelEngineOptions): ReturnType<typeof kernelEngine> =>
  kernelEngine("kernel in this process", () => localKernel(), options);

for (const [name, rowsPerRun, rowsPerFrame] of [
  ["runs of 1 row", 1, 3],
  ["runs of 7 rows", 7, 65_536],
  ["runs of all rows", 2 ** 40, 100],
] as const)
  describe(name, () => {
    computeEngineConformance({ test, make: async () => engine({ rowsPerRun, rowsPerFrame }) });
    computeEngineProperties({ test, make: async () => engine({ rowsPerRun, rowsPerFrame }) });
  });

describe("a file, and 100 bytes of memory", () => {
  const limited = engine({});
  computeEngineProperties({
    test,
    make: async () => ({
      ...limited,
      compute: (task, host) => limited.compute(task, { ...host, memoryLimit: 100 }),
    }),
  });
});

const column = (name: string, type: ColumnSpec["type"], nullable = false): ColumnSpec => ({
  name,
  database: name,
  type,
  nullable,
});
const id = column("id", "int64");
const key = column("user", "string");

/** Counts the rows of the last second. */
const plan: DeriveNode = {
  node: "derive",
  input: {
    node: "window",
    input: { node: "scan", source: "s", columns: [id], createdAt: null, primaryKey: ["id"] },
    entity: { name: "e", keys: [] },
    foundIn: [1_000_000],
    aggregates: [{ name: "n", aggregate: "count", arguments: [], where: null, window: 1_000_000 }],
  },
  columns: [{ name: "n", value: { op: "column", name: "n", type: "int64", nullable: false } }],
};
const job: KernelJob = { plan, keys: [key], input: "events", dimensions: [], rowsPerRun: 7 };

/** A frame of rows: an event and an entity row of each of these users. */
function rowsFrame(users: readonly (string | null)[]): Uint8Array {
  const columns = rowColumns(job);
  const rows = users.flatMap((user) => [
    [false, 0, 1, null, null, user, 1n],
    [true, 0, 2, null, null, user, null],
  ]);
  const nullable = columns.map((one) => ({ ...one, nullable: true }));
  const { vectors } = batchOf(nullable, rows);
  const writer = new BufferWriter();
  writer.pair(rows.length, 0);
  vectors.forEach((vector, c) => {
    writeColumn(writer, columns[c]!, vector);
  });
  return frameOf(FRAME.rows, writer.parts);
}

const hello = jsonFrame(FRAME.hello, { format: WIRE_FORMAT, job: jobJson(job) });
const end = jsonFrame(FRAME.end, {});

/** Gives bytes to a kernel in chunks. Returns the kinds of its frames, and its last one. */
async function frames(bytes: Uint8Array, size = 1000): Promise<[number[], unknown]> {
  const output: Uint8Array[] = [];
  await runKernel({
    input: (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
    write: (written) => void output.push(written),
    program: new Uint8Array(0),
  });
  const kinds: number[] = [];
  let last: unknown = null;
  const stream = (async function* () {
    yield* output;
  })();
  for await (const frame of readFrames(stream)) {
    kinds.push(frame.kind);
    if (frame.kind === FRAME.end || frame.kind === FRAME.error) last = jsonOf(frame);
  }
  return [kinds, last];
}

test("a kernel counts its rows; chunks of any size are one stream", async () => {
  const bytes = Buffer.concat([hello, rowsFrame(["a", "b"]), rowsFrame(["b", "c"]), end]);
  for (const size of [1, 7, 8, 64, 1e6])
    expect(await frames(bytes, size)).toEqual([
      [FRAME.hello, FRAME.answers, FRAME.end],
      { rows: 4, events: 4, runs: 1, longestRun: 8, overflows: 0, truncated: 0 },
    ]);
});

test("a stream that is cut anywhere is an error, and never a smaller answer", async () => {
  const bytes = Buffer.concat([hello, rowsFrame(["a", "b"]), rowsFrame(["b", "c"]), end]);
  for (let length = 0; length < bytes.length; length++) {
    const [kinds, last] = await frames(bytes.subarray(0, length));
    expect(kinds.at(-1)).toBe(FRAME.error);
    expect(last).toMatchObject({ code: "KERNEL_FRAME_INVALID" });
  }
});

test("a frame that claims too much is refused before it is read", async () => {
  const header = new Uint8Array(Uint32Array.of(FRAME.rows, MAX_FRAME_BYTES + 8).buffer);
  const [, last] = await frames(Buffer.concat([hello, header]));
  expect(last).toMatchObject({ code: "KERNEL_FRAME_INVALID" });
  expect((last as { message: string }).message).toContain(`${MAX_FRAME_BYTES + 8} bytes`);
});

test("damaged lengths, counts and codes are named", async () => {
  const frame = rowsFrame(["a", "b"]);
  let refused = 0;
  for (let at = HEADER_BYTES; at < frame.length; at += 4) {
    const damaged = frame.slice();
    new DataView(damaged.buffer).setInt32(at, -2, true);
    const [kinds, last] = await frames(Buffer.concat([hello, damaged, end]));
    if (kinds.at(-1) !== FRAME.error) continue;
    refused++;
    expect((last as { code: string }).code).toMatch(/^KERNEL_(FRAME_INVALID|INPUT_UNSORTED)$/);
  }
  expect(refused).toBeGreaterThan(20);
});

test("an entity that comes twice, a row without a key, another format", async () => {
  for (const users of [
    ["b", "a"],
    ["a", "b", "a"],
  ])
    expect((await frames(Buffer.concat([hello, rowsFrame(users), end])))[1]).toMatchObject({
      code: "KERNEL_INPUT_UNSORTED",
    });
  expect((await frames(Buffer.concat([hello, rowsFrame([null]), end])))[1]).toMatchObject({
    code: "KERNEL_FRAME_INVALID",
  });
  const other = jsonFrame(FRAME.hello, { format: "tidemark-kernel/2", job: jobJson(job) });
  expect((await frames(Buffer.concat([other, end])))[1]).toMatchObject({ code: "KERNEL_MISMATCH" });
});

test("texts are sorted as UTF-8, as Spark sorts them", async () => {
  const users = ["", "~", "é", "\uffff", "😀"];
  const [kinds] = await frames(Buffer.concat([hello, rowsFrame(users), end]));
  expect(kinds.at(-1)).toBe(FRAME.end);
});

test("a job keeps integers, bytes and texts apart", () => {
  const value = [1n, "1", 1, new Uint8Array([1, 2]), null, -(2n ** 63n)];
  const type = { type: "list", nullable: true } as const;
  const columns = [{ name: "n", value: { op: "literal", value, ...type } }] as const;
  const given: KernelJob = { ...job, plan: { ...plan, columns } };
  expect(jobOf(JSON.parse(JSON.stringify(jobJson(given))))).toEqual(given);
  const part = { op: "literal", value: Infinity, type: "float64", nullable: true } as const;
  const infinite = { ...plan, columns: [{ name: "n", value: part }] };
  expect(() => jobJson({ ...job, plan: infinite })).toThrow(/cannot hold Infinity/);
});

test("columns of every type come back as they went", () => {
  const types: readonly [ColumnSpec, unknown][] = [
    [column("a", "string", true), ["", "é😀", null, "a", "a"]],
    [column("b", "json", true), ['{"a":1}', null, "1", "null", "[]"]],
    [column("c", "boolean", true), [true, false, null, true, false]],
    [column("d", "int32", true), [-(2 ** 31), 2 ** 31 - 1, null, 0, 1]],
    [column("e", "int64", true), [-(2n ** 63n), 2n ** 63n - 1n, null, 0n, 1n]],
    [column("f", "float64", true), [5e-324, -0, null, 1e308, -1.5]],
    [
      { ...column("g", "decimal", true), precision: 38, scale: 2 },
      [-(10n ** 38n) + 1n, 10n ** 38n - 1n, null, -1n, 0n],
    ],
    [column("h", "timestamp", true), [-(2 ** 53) + 1, 2 ** 53 - 1, null, -1, -(2 ** 32)]],
    [column("i", "date", true), [-719_162, 2_932_896, null, 0, 1]],
    [
      column("j", "bytes", true),
      [new Uint8Array(0), new Uint8Array([0, 255]), null, new Uint8Array(9), new Uint8Array(1)],
    ],
    [
      { ...column("k", "list", true), element: { type: "int64", nullable: true } },
      [[], [1n, null], null, [2n], [3n]],
    ],
    [
      {
        ...column("l", "map", true),
        keys: { type: "string", nullable: false },
        values: { type: "float64", nullable: true },
      },
      [
        [],
        [
          ["a", 1],
          ["b", null],
        ],
        null,
        [["c", 2]],
        [["", 3]],
      ],
    ],
    [
      {
        ...column("m", "struct", true),
        fields: [
          { name: "x", type: "timestamp", nullable: true },
          { name: "y", type: "list", nullable: true, element: { type: "string", nullable: true } },
        ],
      },
      [[1, ["a"]], [null, null], null, [2, []], [3, [null, "b"]]],
    ],
  ];
  for (const [spec, values] of types) {
    const batch = batchOf(
      [spec],
      (values as readonly never[]).map((value) => [value]),
    );
    const writer = new BufferWriter();
    writeColumn(writer, spec, batch.vectors[0]!);
    const { body } = { body: frameOf(FRAME.rows, writer.parts).slice(HEADER_BYTES) };
    const reader = new BufferReader(body as Uint8Array<ArrayBuffer>);
    const vector = readColumn(reader, spec, 5);
    reader.end();
    const again = new BufferWriter();
    writeColumn(again, spec, vector);
    expect(Buffer.concat(again.parts), spec.type).toEqual(Buffer.concat(writer.parts));
    expect(batchValues(vector), spec.type).toEqual(values);
  }
});

function batchValues(vector: Parameters<typeof valueAt>[0]): unknown[] {
  return Array.from({ length: 5 }, (_, i) => valueAt(vector, i));
}

const task: EngineTask = {
  plan,
  tables: [],
  knowledge: "as-known",
  rows: { length: 2, keyCount: 1, entity: Int32Array.of(0, 0), time: Float64Array.of(2, 3) },
};
const host: EngineHost = {
  async *events() {
    yield {
      length: 1,
      entity: Int32Array.of(0),
      time: Float64Array.of(1),
      from: Float64Array.of(-Infinity),
      to: Float64Array.of(Infinity),
      columns: batchOf([id], [[1n]]),
    };
  },
  keys: () => batchOf([id], [[0n]]),
};

test("a kernel whose output ends early has died", async () => {
  for (const kind of [FRAME.hello, FRAME.answers, FRAME.end]) {
    let isOver = false;
    const lost = kernelEngine(
      "lost",
      () =>
        localKernel((bytes) => {
          isOver ||= bytes[0] === kind;
          return isOver ? new Uint8Array(0) : bytes;
        }),
      {},
    );
    await expect(lost.compute(task, host)).rejects.toMatchObject({
      code: "KERNEL_DIED",
      retryable: true,
    });
  }
});

test("options are checked", () => {
  expect(() => engine({ rowsPerRun: 0 })).toThrow(/rowsPerRun is 0/);
  expect(() => engine({ rowsPerFrame: 1.5 })).toThrow(/rowsPerFrame is 1.5/);
});
