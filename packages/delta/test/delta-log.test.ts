import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isTidemarkError } from "@tidemark/core";
import { batchOf } from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects, type ObjectStore } from "@tidemark/delta";
import { describe, test } from "vitest";
import { compareCodePoints } from "../src/parquet/statistics.ts";
import { column, idsOf, numbers, range, rowsOfNumbers, temporary } from "./lakes.ts";

function entry(lake: string, version: number, suffix = "json"): string {
  return join(lake, "numbers", "_delta_log", `${String(version).padStart(20, "0")}.${suffix}`);
}

/** Makes a table of `commits` versions, with row i in version i. */
async function lakeOf(commits: number, checkpointEvery: number): Promise<string> {
  const lake = await temporary();
  const store = deltaOfflineStore(localObjects(lake), { checkpointEvery });
  for (let i = 0; i < commits; i++)
    await store.append(numbers, rowsOfNumbers(i), {
      positions: [
        {
          partition: "p",
          expected: i === 0 ? null : i - 1,
          next: i,
          checkpoint: { highestOrder: `${i}` },
        },
      ],
    });
  return lake;
}

function open(lake: string): ReturnType<typeof deltaOfflineStore> {
  return deltaOfflineStore(localObjects(lake));
}

async function damaged(code: string, call: () => Promise<unknown>, names: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isTidemarkError<string>(error, code), String(error));
    assert.ok(
      error.message.includes(names) && /put .* back|restore|ask for/.test(error.message),
      error.message,
    );
    return true;
  });
}

describe("a damaged log", () => {
  test("an entry cut off anywhere is named, and nothing is read or written past it", async () => {
    const lake = await lakeOf(3, 100);
    const whole = await readFile(entry(lake, 1));
    for (let length = 0; length < whole.length - 1; length += 41) {
      await writeFile(entry(lake, 1), whole.subarray(0, length));
      await damaged("DELTA_LOG_DAMAGED", () => idsOf(open(lake)), "00000000000000000001.json");
      await damaged(
        "DELTA_LOG_DAMAGED",
        () => open(lake).append(numbers, rowsOfNumbers(9), { positions: [] }),
        "00000000000000000001.json",
      );
    }
    const lines = whole.toString().split("\n");
    await writeFile(entry(lake, 1), lines.slice(0, 2).join("\n"));
    await damaged("DELTA_LOG_DAMAGED", () => idsOf(open(lake)), "of its");
    await writeFile(entry(lake, 1), whole);
    assert.deepEqual(await idsOf(open(lake)), [0, 1, 2]);
    assert.equal(
      (await readdir(join(lake, "numbers"))).filter((name) => name.endsWith(".parquet")).length,
      3,
    );
  });

  test("an entry that is gone is named, unless a checkpoint covers it", async () => {
    const lake = await lakeOf(8, 5);
    await rm(entry(lake, 3));
    assert.deepEqual(await idsOf(open(lake)), range(0, 8));
    assert.deepEqual(await idsOf(open(lake), "numbers", { version: 2 }), [0, 1, 2]);
    await damaged(
      "VERSION_MISSING",
      () => idsOf(open(lake), "numbers", { version: 4 }),
      "log entry 3 is gone",
    );
    await rm(entry(lake, 6));
    await damaged("DELTA_LOG_DAMAGED", () => idsOf(open(lake)), "log entry");
  });

  test("an unreadable checkpoint is skipped if entries suffice, else named", async () => {
    const lake = await lakeOf(12, 5);
    const checkpoint = entry(lake, 10, "checkpoint.parquet");
    await truncate(checkpoint, (await stat(checkpoint)).size - 7);
    assert.deepEqual(await idsOf(open(lake)), range(0, 12));
    await rm(entry(lake, 4));
    assert.deepEqual(
      await idsOf(open(lake)),
      range(0, 12),
      "the checkpoint at 5 still covers entry 4",
    );
    await rm(entry(lake, 7));
    await damaged(
      "DELTA_LOG_DAMAGED",
      () => idsOf(open(lake)),
      "00000000000000000010.checkpoint.parquet",
    );
  });

  test("a wrong pointer to the last checkpoint costs only a listing", async () => {
    const lake = await lakeOf(12, 5);
    const pointer = join(lake, "numbers", "_delta_log", "_last_checkpoint");
    assert.equal(JSON.parse(await readFile(pointer, "utf8")).version, 10);
    for (const wrong of [
      "",
      '{"version":',
      "{}",
      '{"version":99}',
      '{"version":-4}',
      '{"version":7}',
      '{"version":"10"}',
    ]) {
      await writeFile(pointer, wrong);
      assert.deepEqual(await idsOf(open(lake)), range(0, 12), wrong);
    }
  });

  test("a Parquet file that is cut off or gone is named", async () => {
    const lake = await lakeOf(2, 100);
    const [first] = (await readdir(join(lake, "numbers"))).filter((name) =>
      name.endsWith(".parquet"),
    ) as [string];
    const file = join(lake, "numbers", first);
    const whole = await readFile(file);
    for (let length = 0; length < whole.length; length += 97) {
      await writeFile(file, whole.subarray(0, length));
      await damaged("PARQUET_DAMAGED", () => idsOf(open(lake)), first);
    }
    await rm(file);
    await damaged("OBJECT_MISSING", () => idsOf(open(lake)), first);
  });
});

describe("tables that ask for more", () => {
  const protocol = { minReaderVersion: 1, minWriterVersion: 2 };
  async function foreign(changes: {
    protocol?: object;
    configuration?: Record<string, string>;
    metadata?: object;
    type?: unknown;
    add?: object;
  }): Promise<string> {
    const lake = await lakeOf(1, 100);
    const lines = (await readFile(entry(lake, 0), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .filter((action) => !action.commitInfo);
    for (const action of lines) {
      if (action.protocol) action.protocol = { ...protocol, ...changes.protocol };
      if (action.add) Object.assign(action.add, changes.add);
      if (!action.metaData) continue;
      action.metaData.configuration = changes.configuration ?? {};
      const schema = JSON.parse(action.metaData.schemaString);
      schema.fields[2] = {
        ...schema.fields[2],
        ...(changes.type === undefined ? {} : { type: changes.type }),
        metadata: changes.metadata ?? {},
      };
      action.metaData.schemaString = JSON.stringify(schema);
    }
    await writeFile(entry(lake, 0), lines.map((action) => JSON.stringify(action)).join("\n"));
    return lake;
  }
  const append = (lake: string) => () =>
    open(lake).append(numbers, rowsOfNumbers(7), { positions: [] });
  const refused = (error: unknown): boolean => isTidemarkError(error, "DELTA_UNSUPPORTED");

  test("reading what we cannot read rightly is refused", async () => {
    for (const changes of [
      {
        protocol: {
          minReaderVersion: 3,
          minWriterVersion: 7,
          readerFeatures: ["deletionVectors"],
          writerFeatures: ["deletionVectors"],
        },
      },
      { protocol: { minReaderVersion: 4 } },
      { protocol: { minReaderVersion: 2 }, configuration: { "delta.columnMapping.mode": "name" } },
      { add: { deletionVector: { storageType: "u" } } },
      { add: { path: "s3://elsewhere/part.parquet" } },
      { add: { path: "/elsewhere/part.parquet" } },
    ])
      await assert.rejects(
        async () => idsOf(open(await foreign(changes))),
        refused,
        JSON.stringify(changes),
      );
  });

  test("writing a table with unsupported writer features is refused, reading is not", async () => {
    for (const changes of [
      { protocol: { minWriterVersion: 3 } },
      {
        protocol: {
          minReaderVersion: 1,
          minWriterVersion: 7,
          writerFeatures: ["checkConstraints"],
        },
      },
      { metadata: { "delta.invariants": "{}" } },
    ]) {
      const lake = await foreign(changes);
      assert.deepEqual(await idsOf(open(lake)), [0]);
      await assert.rejects(append(lake), refused, JSON.stringify(changes));
    }
  });

  test("a table that only appends is not rewritten", async () => {
    const lake = await foreign({ configuration: { "delta.appendOnly": "true" } });
    await append(lake)();
    await assert.rejects(
      open(lake).rewrite(numbers, [], { replaced: {}, expectedVersion: 1, positions: [] }),
      refused,
    );
    assert.deepEqual(await idsOf(open(lake)), [0, 7]);
  });

  test("known features and a column of an unknown type leave the rest readable", async () => {
    const lake = await foreign({
      protocol: {
        minReaderVersion: 3,
        minWriterVersion: 7,
        readerFeatures: ["timestampNtz"],
        writerFeatures: ["timestampNtz", "appendOnly"],
      },
      type: { type: "array", elementType: "variant", containsNull: true },
    });
    assert.deepEqual(
      (await open(lake).state("numbers"))!.columns.map(({ name }) => name),
      ["bucket", "id"],
    );
    assert.deepEqual(await idsOf(open(lake)), [0]);
    await assert.rejects(
      async () => {
        for await (const _ of open(lake).scan("numbers", { columns: ["text"] }));
      },
      (error) => isTidemarkError(error, "COLUMN_MISSING"),
    );
  });

  test("names that other readers cannot take are refused before a table is made", async () => {
    const lake = await temporary();
    for (const names of [["a b"], ["a,b"], ["x=y"], [""], ["Id", "id"]]) {
      const columns = names.map((name) => column(name, "int32"));
      await assert.rejects(
        open(lake).append({ name: "numbers", columns, partitionBy: [] }, [], { positions: [] }),
        (error) => isTidemarkError(error, "COLUMN_NAME"),
        names.join(),
      );
    }
    assert.equal(await open(lake).state("numbers"), null);
  });
});

describe("a store that answers ambiguously", () => {
  /** Creates log entries and then reports a failure or a conflict, as S3 does after a retry. */
  function ambiguous(lake: string, answer: () => boolean): ObjectStore {
    const inner = localObjects(lake);
    return {
      ...inner,
      async createIfAbsent(key, content, options) {
        await inner.createIfAbsent(key, content, options);
        return answer();
      },
    };
  }

  test("a commit that had worked is known as ours, and not made twice", async () => {
    for (const answer of [
      () => false,
      () => {
        throw new Error("connection reset");
      },
    ]) {
      const lake = await temporary();
      const store = deltaOfflineStore(ambiguous(lake, answer));
      for (let i = 0; i < 3; i++)
        assert.equal(
          await store.append(numbers, rowsOfNumbers(i), {
            positions: [{ partition: "p", expected: i === 0 ? null : i - 1, next: i }],
          }),
          "done",
        );
      assert.deepEqual(await idsOf(open(lake)), [0, 1, 2]);
    }
  });

  test("a failed commit throws the store's error and leaves the table as before", async () => {
    const lake = await lakeOf(1, 100);
    const inner = localObjects(lake);
    const store = deltaOfflineStore({
      ...inner,
      createIfAbsent: async () => {
        throw new Error("connection reset");
      },
    });
    await assert.rejects(
      store.append(numbers, rowsOfNumbers(1), { positions: [] }),
      /connection reset/,
    );
    assert.deepEqual(await idsOf(open(lake)), [0]);
  });

  test("a checkpoint that cannot be written fails no commit", async () => {
    const lake = await temporary();
    const inner = localObjects(lake);
    const { TidemarkError } = await import("@tidemark/core");
    const full: ObjectStore = {
      ...inner,
      put: (key, content, options) =>
        key.includes("checkpoint")
          ? Promise.reject(new TidemarkError("OBJECTS_FULL", "full"))
          : inner.put(key, content, options),
    };
    const store = deltaOfflineStore(full, { checkpointEvery: 2 });
    for (let i = 0; i < 5; i++)
      assert.equal(await store.append(numbers, rowsOfNumbers(i), { positions: [] }), "done");
    assert.deepEqual(await idsOf(open(lake)), range(0, 5));
  });
});

describe("passing over files", () => {
  test("ranges and partition filters skip files; a conflict leaves no file", async () => {
    const lake = await temporary();
    const read = new Set<string>();
    const inner = localObjects(lake);
    const objects: ObjectStore = {
      ...inner,
      read: (key, range, options) => {
        if (key.endsWith(".parquet")) read.add(key);
        return inner.read(key, range, options);
      },
    };
    const store = deltaOfflineStore(objects, { checkpointEvery: 4 });
    const table = { ...numbers, partitionBy: ["bucket"] };
    for (let i = 0; i < 10; i++)
      await store.append(
        table,
        [
          batchOf(numbers.columns, [
            [i % 2, BigInt(i * 10), null],
            [i % 2, BigInt(i * 10 + 9), null],
          ]),
        ],
        { positions: [] },
      );
    const fresh = deltaOfflineStore(objects);
    await fresh.state("numbers");
    read.clear();
    assert.deepEqual(
      await idsOf(fresh, "numbers", { range: { column: "id", min: 35, max: 40 } }),
      [30, 39, 40, 49],
    );
    assert.equal(read.size, 2);
    read.clear();
    assert.equal((await idsOf(fresh, "numbers", { partitions: { bucket: [1] } })).length, 10);
    assert.equal(read.size, 5);
    read.clear();
    assert.equal(
      (await idsOf(fresh, "numbers", { range: { column: "bucket", min: 1, max: 5 } })).length,
      10,
    );
    assert.equal(read.size, 5);

    const files = async (): Promise<number> =>
      (await readdir(join(lake, "numbers"), { recursive: true })).filter((name) =>
        name.includes("part-"),
      ).length;
    const before = await files();
    const other = deltaOfflineStore(localObjects(lake));
    const late = deltaOfflineStore(localObjects(lake), {
      failpoint: async (name) => {
        if (name === "parquet-written")
          await other.append(table, [], {
            positions: [{ partition: "p", expected: null, next: 3 }],
          });
      },
    });
    assert.equal(
      await late.append(table, rowsOfNumbers(1000), {
        positions: [{ partition: "p", expected: null, next: 5 }],
      }),
      "conflict",
    );
    assert.equal(await files(), before);
  });

  test("the bounds of long strings stay bounds, in the order of code points", async () => {
    const lake = await temporary();
    const texts = [
      "a".repeat(40),
      `${"b".repeat(31)}\u{10ffff}\u{10ffff}x`,
      `${"\u{10ffff}".repeat(33)}`,
      `${"é".repeat(31)}\ud7ffzz`,
      "\uffee",
      "😀".repeat(50),
      "",
    ];
    for (const text of texts) {
      const table = { name: "numbers", columns: [column("text", "string")], partitionBy: [] };
      const store = open(lake);
      await store.append(table, [batchOf(table.columns, [[text], ["m"]])], { positions: [] });
      const version = (await store.state("numbers"))!.version;
      const line = (await readFile(entry(lake, version), "utf8"))
        .split("\n")
        .find((candidate) => candidate.startsWith('{"add"'))!;
      const stats = JSON.parse(JSON.parse(line).add.stats) as {
        minValues: { text: string };
        maxValues: { text?: string };
      };
      for (const value of [text, "m"]) {
        if (stats.minValues.text !== undefined)
          assert.ok(compareCodePoints(stats.minValues.text, value) <= 0);
        if (stats.maxValues.text !== undefined)
          assert.ok(compareCodePoints(stats.maxValues.text, value) >= 0);
      }
      assert.ok(Array.from(stats.maxValues.text ?? "").length <= 32);
    }
  });
});
