import assert from "node:assert/strict";
import {
  batchOf,
  type Batch,
  type ColumnSpec,
  type ValueType,
  type TableSpec,
  type TypeSpec,
  type Value,
} from "@tidemark/core/spi";
import { describe, expect, test } from "vitest";
import { inThreads } from "@tidemark/core/internal";
import { deltaOfflineStore, localObjects } from "../src/index.ts";
import { encodeThreads } from "../src/parquet/encode-threads.ts";
import {
  encodeGroup,
  type EncodedGroup,
  type EncodingRefusal,
  type RowGroupRows,
} from "../src/parquet/row-group.ts";
import { parquetBytes, type ParquetWriteOptions } from "../src/parquet/writer.ts";
import { run } from "./children.ts";
import { column, temporary, valuesOf } from "./lakes.ts";

type Encode = ReturnType<typeof encodeThreads>;

/** Encodes row groups of any size in threads. */
const inThread = (): Encode => encodeThreads(undefined, 0);

test("to encode a row group loads no definitions and no stores", async () => {
  const { code, stdout } = await run("loaded-modules.ts", ["parquet/row-group.ts"]);
  const files = stdout.trim().split("\n");
  expect(code).toBe(0);
  expect(files).toContain("types/value-types.ts");
  expect(files.filter((file) => /^(?:define|store|offline|online|aggregate)\//.test(file))).toEqual(
    [],
  );
});

/** Ways in which no thread encodes. */
const failing: Readonly<Record<string, () => Encode>> = {
  "no thread answers": () => encodeThreads(async () => null, 0),
  "the threads lack the module": () =>
    encodeThreads(inThreads(new URL("./nowhere.js", import.meta.url).href), 0),
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
    const run = inThreads<RowGroupRows, EncodedGroup | EncodingRefusal>(
      new URL("../src/encode-task.ts", import.meta.url).href,
    );
    const encode = encodeThreads(async (make) => {
      const answer = await run(make);
      if (answer !== null) answered++;
      return answer;
    }, 0);
    const sent = columns.filter(isSent);
    for (let seed = 1; seed <= 40; seed++) {
      for (const of of [columns, sent]) {
        const batch = someRows(seed, seed * 3, of);
        assert.ok((await bytesOf(batch, encode)).equals(await bytesOf(batch)), `seed ${seed}`);
      }
    }
    assert.equal(answered, 40, "the thread encodes what can be sent");
  });

  for (const [what, make] of Object.entries(failing))
    test(`is encoded here where ${what}`, async () => {
      const encode = make();
      const batches = [1, 2, 3, 4].map((seed) => someRows(seed, 90, columns.slice(0, 9)));
      const made = await Promise.all(batches.map((batch) => bytesOf(batch, encode)));
      for (const [i, batch] of batches.entries()) assert.ok(made[i]!.equals(await bytesOf(batch)));
    });

  for (const [kind, value, code] of [
    ["timestamp", 0.5, "TIME_OUT_OF_RANGE"],
    ["decimal", 10n ** 38n, "DECIMAL_OUT_OF_RANGE"],
  ] as const) {
    test(`out of range is ${code}, with the same message from the thread`, async () => {
      const batch = batchOf([column("a", kind)], [[null], [value], [value]]);
      const here = await bytesOf(batch).catch((error: unknown) => error);
      expect(here).toMatchObject({ code });
      await expect(bytesOf(batch, inThread())).rejects.toThrow(here as Error);
    });
  }
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

/** Counts the row groups that are encoded. */
function watched(encode: Encode): { readonly encode: Encode; asked: number } {
  const seen = {
    asked: 0,
    encode: (group: RowGroupRows) => {
      seen.asked++;
      return encode(group);
    },
  };
  return seen;
}

describe("a stream of rows", () => {
  const threads: Readonly<Record<string, () => Encode>> = {
    "in threads": inThread,
    "in this thread": () => encodeGroup,
    ...Object.fromEntries(Object.entries(failing).map(([what, make]) => [`where ${what}`, make])),
  };
  for (const [where, make] of Object.entries(threads)) {
    test(`encoded ${where} is read back equal`, async () => {
      const seen = watched(make());
      const store = deltaOfflineStore(localObjects(await temporary()), { encode: seen.encode });
      assert.equal(
        await store.rewrite(table, lateRows(), {
          replaced: { day: ["a", "b"] },
          expectedVersion: null,
          positions: [],
        }),
        "done",
      );
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

  test("that is aborted, or breaks off, leaves no rows", async () => {
    for (const fault of ["abort", "error"] as const) {
      const seen = watched(inThread());
      const directory = await temporary();
      const objects = localObjects(directory);
      const store = deltaOfflineStore(objects, { encode: seen.encode });
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
      assert.ok(seen.asked > 0);
      assert.equal(await store.state("numbers"), null);
      for await (const { key } of objects.list("")) assert.fail(`${key} was left`);
    }
  });
});

function ids(from: number, to: number): bigint[] {
  return Array.from({ length: to - from }, (_, i) => BigInt(from + i));
}
