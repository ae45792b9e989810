import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import {
  batchOf,
  type Batch,
  type ColumnSpec,
  type ValueType,
  type TableSpec,
  type TypeSpec,
  type Value,
} from "@tidemark/core/spi";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  rowGroupWorker,
  startWorkerThread,
  type EncodeResult,
  type RowGroupWorker,
} from "../src/row-group-worker.ts";
import { deltaOfflineStore, localObjects } from "../src/index.ts";
import { encodeGroup } from "../src/parquet/row-group.ts";
import { parquetBytes, type ParquetWriteOptions } from "../src/parquet/writer.ts";
import { run } from "./children.ts";
import { column, temporary, valuesOf } from "./lakes.ts";

/** Starts a worker of the given code, which receives the tasks. */
const worker = (code: string) => (): Worker =>
  new Worker(`const { parentPort } = require("node:worker_threads"); ${code}`, { eval: true });

test("to encode a row group loads no definitions and no stores", async () => {
  const { code, stdout } = await run("loaded-modules.ts", ["parquet/row-group.ts"]);
  const files = stdout.trim().split("\n");
  expect(code).toBe(0);
  expect(files).toContain("types/value-types.ts");
  expect(files.filter((file) => /^(?:define|store|offline|online|aggregate)\//.test(file))).toEqual(
    [],
  );
});

/** Ways in which the worker does not start or does not answer. */
const failing: Readonly<Record<string, () => Worker>> = {
  "cannot start": () => {
    throw new Error("no threads here");
  },
  "has no file": () => new Worker(new URL("./nowhere.js", import.meta.url)),
  "ends before the first task": worker("process.exit(0)"),
  "dies at the first task": worker("parentPort.on('message', () => process.exit(1))"),
  "throws at the first task": worker(
    "parentPort.on('message', () => { throw new Error('out of memory'); })",
  ),
  "fails at each task": worker(
    "parentPort.on('message', ({ id }) => parentPort.postMessage({ id, answer: null }))",
  ),
};

const KINDS: readonly ValueType[] = [
  "string",
  "json",
  "boolean",
  "int32",
  "int64",
  "float64",
  "decimal",
  "timestamp",
  "date",
  "bytes",
];
const scalars: readonly ColumnSpec[] = KINDS.map((kind) =>
  column(kind, kind, kind === "decimal" ? { precision: 38, scale: 2 } : {}),
);
const [string, int64, bytes] = [scalars[0]!, scalars[4]!, scalars[9]!];
const columns: readonly ColumnSpec[] = [
  ...scalars,
  column("list", "list", { element: string }),
  column("bytes in lists", "list", { element: bytes }),
  column("map", "map", { keys: { ...int64, nullable: false }, values: string }),
  column("struct", "struct", { fields: [string, { ...int64, name: "n" }] }),
];
const isSent = ({ name }: ColumnSpec): boolean => !name.startsWith("bytes");

/**
 * Generates rows of every value type. `bytes` are encoded in the caller's thread only; a file
 * without them goes wholly to the worker.
 */
function someRows(seed: number, length: number, of = columns): Batch {
  let state = seed;
  const next = (below: number): number =>
    (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) % below;
  const value = (spec: TypeSpec): Value => {
    if (spec.nullable && next(5) === 0) return null;
    const items = <T>(of: (i: number) => T): T[] =>
      Array.from({ length: next(4) }, (_, i) => of(i));
    switch (spec.type) {
      case "list":
        return items(() => value(spec.element!));
      case "map":
        return items((i) => [BigInt(i), value(spec.values!)]);
      case "struct":
        return spec.fields!.map(value);
      case "string":
      case "json":
        return `é${next(9)}😀`.slice(0, next(5));
      case "boolean":
        return next(2) === 1;
      case "int64":
        return BigInt(next(2 ** 31)) ** 2n;
      case "decimal":
        return BigInt(next(2 ** 31)) ** 4n - 5n;
      case "float64":
        return next(7) / 3 - 1;
      case "bytes":
        return new Uint8Array([next(256), 0, next(256)]);
      default:
        return next(2 ** 31) - 2 ** 30;
    }
  };
  return batchOf(
    of,
    Array.from({ length }, () => of.map(value)),
  );
}

async function bytesOf(batch: Batch, encode?: ParquetWriteOptions["encode"]): Promise<Buffer> {
  const cut = Math.floor(batch.length / 3);
  // only some rows of a larger batch: the message must hold these rows alone
  const pieces = [{ batch, rows: null, from: cut, to: batch.length }];
  const parts: Uint8Array[] = [];
  for await (const part of parquetBytes(
    { columns: batch.columns, timestamps: "long", where: "test", encode },
    pieces,
    { rows: 0, bytes: 0, ranges: [] },
  ))
    parts.push(part);
  return Buffer.concat(parts);
}

describe("a row group", () => {
  test("has the same bytes from the thread as from here, whatever its rows", async () => {
    let answered = 0;
    const thread = rowGroupWorker(() =>
      startWorkerThread().on("message", ({ answer }: EncodeResult) => {
        if (answer !== null) answered++;
      }),
    );
    onTestFinished(() => thread.end());
    const sent = columns.filter(isSent);
    for (let seed = 1; seed <= 40; seed++) {
      for (const of of [columns, sent]) {
        const batch = someRows(seed, seed * 3, of);
        assert.ok(
          (await bytesOf(batch, thread.encode)).equals(await bytesOf(batch)),
          `seed ${seed}`,
        );
      }
    }
    assert.equal(answered, 40, "the thread encodes what can be sent");
  });

  for (const [what, start] of Object.entries(failing)) {
    test(`is encoded here where the thread ${what}`, async () => {
      const thread = rowGroupWorker(start);
      onTestFinished(() => thread.end());
      const batches = [1, 2, 3, 4].map((seed) => someRows(seed, 90, columns.slice(0, 9)));
      const made = await Promise.all(batches.map((batch) => bytesOf(batch, thread.encode)));
      for (const [i, batch] of batches.entries()) assert.ok(made[i]!.equals(await bytesOf(batch)));
    });
  }

  for (const [kind, value, code] of [
    ["timestamp", 0.5, "TIME_OUT_OF_RANGE"],
    ["decimal", 10n ** 38n, "DECIMAL_OUT_OF_RANGE"],
  ] as const) {
    test(`out of range is ${code}, with the same message from the worker`, async () => {
      const thread = rowGroupWorker();
      onTestFinished(() => thread.end());
      const batch = batchOf([column("a", kind)], [[null], [value], [value]]);
      const here = await bytesOf(batch).catch((error: unknown) => error);
      expect(here).toMatchObject({ code });
      await expect(bytesOf(batch, thread.encode)).rejects.toThrow(here as Error);
    });
  }

  test("fails when the worker is ended before it is done; the worker is gone", async () => {
    let exits = 0;
    const thread = rowGroupWorker(() =>
      worker("parentPort.on('message', () => undefined)")().on("exit", () => {
        exits++;
      }),
    );
    const waiting = bytesOf(someRows(1, 30, columns.slice(0, 3)), thread.encode);
    const failed = assert.rejects(waiting, /has ended/);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    await thread.end();
    await failed;
    assert.equal(exits, 1);
    await assert.rejects(bytesOf(someRows(1, 30, columns.slice(0, 3)), thread.encode), /has ended/);
  });
});

const table: TableSpec = {
  name: "numbers",
  columns: [column("day", "string"), column("id", "int64"), column("text", "string")],
  partitionBy: ["day"],
};

/** Yields batches with delays, as a long computation does: a row group or more. */
async function* lateRows(end?: () => void): AsyncGenerator<Batch> {
  await new Promise((resolve) => {
    setTimeout(resolve, 150);
  });
  for (let part = 0; part < 4; part++) {
    const [from, length] = [part * 70_000, part === 3 ? 10 : 70_000];
    const rows = {
      codes: Int32Array.from({ length }, (_, i) => i % 5),
      ids: BigInt64Array.from({ length }, (_, i) => BigInt(from + i)),
    };
    yield {
      length,
      columns: table.columns,
      vectors: [
        {
          kind: "string",
          codes: new Int32Array(length).fill(0),
          dictionary: [part === 2 ? "b" : "a"],
          valid: null,
        },
        { kind: "int64", values: rows.ids, valid: null },
        { kind: "string", codes: rows.codes, dictionary: ["v", "w", "x", "y", "z"], valid: null },
      ],
    };
  }
  end?.();
}

/** Records what the worker was asked, and whether it has ended. */
function watched(inner: RowGroupWorker): {
  readonly thread: RowGroupWorker;
  asked: number;
  ended: boolean;
} {
  const seen = {
    asked: 0,
    ended: false,
    thread: {
      encode: (group: Parameters<RowGroupWorker["encode"]>[0]) => {
        seen.asked++;
        return inner.encode(group);
      },
      end: async () => {
        await inner.end();
        seen.ended = true;
      },
    },
  };
  return seen;
}

describe("a stream of rows", () => {
  const none = (): RowGroupWorker => ({ encode: encodeGroup, end: async () => undefined });
  const threads: Readonly<Record<string, () => RowGroupWorker>> = {
    "in its own thread": () => rowGroupWorker(),
    "in this one": none,
    ...Object.fromEntries(
      Object.entries(failing).map(([what, start]) => [
        `where the thread ${what}`,
        () => rowGroupWorker(start),
      ]),
    ),
  };
  for (const [where, start] of Object.entries(threads)) {
    test(`encoded ${where} is read back equal, and the worker ends`, async () => {
      const seen = watched(start());
      const store = deltaOfflineStore(localObjects(await temporary()), {
        rowGroupWorker: () => seen.thread,
      });
      assert.equal(
        await store.rewrite(table, lateRows(), {
          replaced: { day: ["a", "b"] },
          expectedVersion: null,
          positions: [],
        }),
        "done",
      );
      assert.ok(seen.ended);
      assert.equal(seen.asked, 4, "a batch of more than half a group is a group");
      const rows = await valuesOf(store.scan("numbers", { columns: ["day", "id", "text"] }));
      assert.deepEqual(
        rows.filter(([day]) => day === "a").map(([, id]) => id),
        [...ids(0, 140_000), ...ids(210_000, 210_010)],
      );
      assert.deepEqual(
        rows.filter(([day]) => day === "b").map(([, id]) => id),
        ids(140_000, 210_000),
      );
      assert.ok(rows.every(([, id, text]) => text === "vwxyz"[Number(id) % 5]));
    });
  }

  test("that is aborted, or breaks off, leaves no thread and no rows", async () => {
    for (const fault of ["abort", "error"] as const) {
      const seen = watched(rowGroupWorker());
      const directory = await temporary();
      const objects = localObjects(directory);
      const store = deltaOfflineStore(objects, { rowGroupWorker: () => seen.thread });
      const control = new AbortController();
      const stop = (): void => {
        if (fault === "error") throw new Error("no more of them");
        control.abort();
        control.signal.throwIfAborted();
      };
      await assert.rejects(
        store.rewrite(table, lateRows(stop), {
          replaced: { day: ["a"] },
          expectedVersion: null,
          positions: [],
          signal: control.signal,
        }),
        fault === "abort" ? { name: "AbortError" } : /no more/,
      );
      assert.ok(seen.ended);
      assert.ok(seen.asked > 0);
      assert.equal(await store.state("numbers"), null);
      for await (const { key } of objects.list("")) assert.fail(`${key} was left`);
    }
  });
});

function ids(from: number, to: number): bigint[] {
  return Array.from({ length: to - from }, (_, i) => BigInt(from + i));
}
