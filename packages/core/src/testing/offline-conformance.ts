/** The conformance suite of offline stores. */
import assert from "node:assert/strict";
import { batchOf, valueAt, type Batch } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import { isTidemarkError } from "../errors.ts";
import type { ColumnSpec, ValueType, Value } from "../specs.ts";
import type { Checkpoint, MetadataStep, OfflineStore, PositionStep, TableSpec } from "../spi.ts";
import { offlineBackupConformance } from "./backup-conformance.ts";
import { nestedConformance } from "./nested-conformance.ts";
import { registryConformance } from "./registry-conformance.ts";
import { stagingConformance } from "./staging-conformance.ts";

/** The offline store of one test, and its handles. */
export interface OfflineStoreUnderTest {
  /** Makes another handle on the same store, as another process would have it. */
  store(): OfflineStore;
  /** Called when the test has ended and its handles are closed. */
  remove?(): Promise<void>;
}

/**
 * Declares the conformance tests of an offline store, under any test runner.
 *
 * @example
 * offlineStoreConformance({
 *   test,
 *   make: async () => {
 *     const data = memoryOfflineData();
 *     return { store: () => memoryOfflineStore(data) };
 *   },
 * });
 */
export function offlineStoreConformance(options: {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Makes an empty store for one test. */
  readonly make: () => Promise<OfflineStoreUnderTest>;
  /** True if the store keeps no definitions. */
  readonly withoutRegistry?: true | undefined;
}): void {
  function check(name: string, run: (newHandle: () => OfflineStore) => Promise<void>): void {
    options.test(name, async () => {
      const underTest = await options.make();
      const open: OfflineStore[] = [];
      try {
        await run(() => {
          const store = underTest.store();
          open.push(store);
          return store;
        });
      } finally {
        for (const store of open) await store.close();
        await underTest.remove?.();
      }
    });
  }

  check("there is no table before its first append", async (newHandle) => {
    const store = newHandle();
    assert.equal(await store.state("t"), null);
    await expectError("TABLE_MISSING", () => scanRows(store, "t", ["id"]));
    assert.equal(await append(store, [[1n, "a"]]), "done");
    const state = (await store.state("t"))!;
    assert.deepEqual(
      { ...state },
      {
        version: 0,
        columns: simpleTable.columns,
        partitionBy: [],
        rows: 1,
        positions: [],
        metadata: new Map(),
      },
    );
  });

  offlineBackupConformance(check, simpleTable, (store) =>
    scanRows(store, simpleTable.name, ["id", "name"]),
  );

  check("replaced rows are in their place, and the other rows stay", async (newHandle) => {
    const store = newHandle();
    await expectError("TABLE_MISSING", () => replaceRows(store, "t", [1n], []));
    await append(store, [
      [1n, "a"],
      [2n, "b"],
      [3n, "c"],
    ]);
    await append(store, [[4n, "d"]]);
    const before = (await store.state("t"))!;
    assert.equal(await replaceRows(store, "t", [7n], []), "done");
    assert.equal((await store.state("t"))!.version, before.version, "nothing was affected");
    assert.equal(await replaceRows(store, "t", [2n], [[2n, "B"]]), "done");
    assert.equal(await replaceRows(newHandle(), "t", [4n], []), "done");
    assert.deepEqual(await scanRows(newHandle(), "t", ["id", "name"]), [
      [1n, "a"],
      [2n, "B"],
      [3n, "c"],
    ]);
    const state = (await store.state("t"))!;
    assert.equal(state.rows, 3);
    assert.equal(await replaceRows(store, "t", [1n, 2n, 3n], []), "done");
    assert.deepEqual(await scanRows(store, "t", ["id"]), []);
    await append(store, [[5n, "e"]]);
    assert.deepEqual(await scanRows(newHandle(), "t", ["id"]), [[5n]]);
  });

  check("replaced rows stay in their partition, and positions stay", async (newHandle) => {
    const store = newHandle();
    const rows = [
      [1, "a", 1n],
      [1, "b", 2n],
      [2, "a", 3n],
    ] as const;
    await store.append(partitionedTable, [batchOf(partitionedTable.columns, rows)], {
      positions: [{ partition: "p", expected: null, next: 7 }],
      metadata: [{ key: "k", expected: null, next: "1" }],
    });
    assert.equal(await replaceRows(store, "parts", [2n], []), "done");
    assert.deepEqual(sortedRows(await scanRows(store, "parts", ["bucket", "text", "id"])), [
      [1, "a", 1n],
      [2, "a", 3n],
    ]);
    const { positions, metadata } = (await store.state("parts"))!;
    assert.deepEqual(positions, [{ partition: "p", offset: 7 }]);
    assert.deepEqual([...metadata], [["k", "1"]]);
  });

  check("a rewrite that read rows before they were replaced is a conflict", async (newHandle) => {
    const store = newHandle();
    await append(store, [[1n, "a"]]);
    const { version } = (await store.state("t"))!;
    await replaceRows(store, "t", [1n], []);
    const written = await store.rewrite(simpleTable, [batchOf(simpleTable.columns, [[1n, "a"]])], {
      replaced: {},
      expectedVersion: version,
      positions: [],
    });
    assert.equal(written, "conflict");
    assert.deepEqual(await scanRows(store, "t", ["id"]), []);
  });

  check("forgetReplaced leaves the newest version and what comes after it", async (newHandle) => {
    const [store, other] = [newHandle(), newHandle()];
    if (store.forgetReplaced === undefined) return;
    await append(store, [
      [1n, "a"],
      [2n, "b"],
    ]);
    await append(other, [[3n, "c"]]);
    await replaceRows(store, "t", [2n], []);
    for (const files of [false, true, true]) {
      await store.forgetReplaced("t", { files });
      assert.deepEqual(sortedRows(await scanRows(other, "t", ["id"])), [[1n], [3n]]);
      assert.deepEqual(sortedRows(await scanRows(newHandle(), "t", ["id"])), [[1n], [3n]]);
    }
    await append(other, [[4n, "d"]]);
    assert.equal((await newHandle().state("t"))!.rows, 3);
  });

  stagingConformance(check, simpleTable, (store) =>
    scanRows(store, simpleTable.name, ["id", "name"]),
  );

  nestedConformance(check);

  check("two handles read each other's rows", async (newHandle) => {
    const [a, b] = [newHandle(), newHandle()];
    await append(a, [[1n, "a"]]);
    assert.deepEqual(await scanRows(b, "t", ["id", "name"]), [[1n, "a"]]);
    await append(b, [[2n, "b"]]);
    assert.deepEqual(sortedRows(await scanRows(a, "t", ["id", "name"])), [
      [1n, "a"],
      [2n, "b"],
    ]);
    assert.equal((await a.state("t"))!.rows, 2);
  });

  check("every type comes back bit for bit, with extreme and missing values", async (newHandle) => {
    const columns = extremeValues.map(({ column }) => column);
    const length = Math.max(...extremeValues.map(({ values }) => values.length));
    const rows = Array.from({ length: length + 1 }, (_, i) =>
      extremeValues.map(({ values }) => values[i] ?? null),
    );
    const table: TableSpec = { name: "all kinds/t", columns, partitionBy: [] };
    await newHandle().append(table, [batchOf(columns, rows)], { positions: [] });
    const store = newHandle();
    assert.deepEqual((await store.state(table.name))!.columns, columns);
    const back = await scanRows(
      store,
      table.name,
      columns.map(({ name }) => name),
    );
    for (let i = 0; i < rows.length; i++)
      for (let c = 0; c < columns.length; c++)
        assert.ok(
          sameValue(back[i]![c]!, rows[i]![c]!),
          `${columns[c]!.name} of row ${i}: ${valueText(back[i]![c]!)}, ` +
            `not ${valueText(rows[i]![c]!)}`,
        );
  });

  check("a column without values, and an append without rows, are stored", async (newHandle) => {
    const store = newHandle();
    await append(store, []);
    assert.equal((await store.state("t"))!.rows, 0);
    assert.deepEqual(await scanRows(store, "t", ["id"]), []);
    await append(store, [
      [1n, null],
      [2n, null],
    ]);
    assert.deepEqual(await scanRows(store, "t", ["name", "id"]), [
      [null, 1n],
      [null, 2n],
    ]);
  });

  check(
    "rows of one append keep their order, duplicates included, over all its batches",
    async (newHandle) => {
      const store = newHandle();
      const rows = Array.from({ length: 1000 }, (_, i): Value[] => [
        BigInt((i * 7919) % 101),
        `${i % 13}`,
      ]);
      await store.append(
        simpleTable,
        [
          batchOf(simpleTable.columns, rows.slice(0, 300)),
          batchOf(simpleTable.columns, rows.slice(300, 301)),
          batchOf(simpleTable.columns, rows.slice(301)),
        ],
        { positions: [] },
      );
      assert.deepEqual(await scanRows(store, "t", ["id", "name"]), rows);
    },
  );

  check(
    "a scan gives the requested columns in their order, and refuses an unknown one",
    async (newHandle) => {
      const store = newHandle();
      await append(store, [[1n, "a"]]);
      for await (const batch of store.scan("t", { columns: ["name"] }))
        assert.deepEqual(
          batch.columns.map(({ name }) => name),
          ["name"],
        );
      assert.deepEqual(await scanRows(store, "t", ["name", "id"]), [["a", 1n]]);
      await expectError("COLUMN_MISSING", () => scanRows(store, "t", ["nam"]));
      await expectError("COLUMN_MISSING", () =>
        store.append(
          simpleTable,
          [batchOf([...simpleTable.columns, column("extra", "string")], [[1n, "a", "x"]])],
          { positions: [] },
        ),
      );
    },
  );

  check(
    "columns of a batch are matched by name, and a nullable one may be left out",
    async (newHandle) => {
      const store = newHandle();
      const [id, name] = simpleTable.columns as [ColumnSpec, ColumnSpec];
      await store.append(simpleTable, [batchOf([name, id], [["a", 1n]]), batchOf([id], [[2n]])], {
        positions: [],
      });
      assert.deepEqual(await scanRows(store, "t", ["id", "name"]), [
        [1n, "a"],
        [2n, null],
      ]);
    },
  );

  // ---- positions ----

  check("positions and rows are committed together", async (newHandle) => {
    const store = newHandle();
    assert.equal(
      await append(
        store,
        [[1n, "a"]],
        [step("p:0", null, 5, fingerprinted("☂ 17000:abc")), step("p:1", null, 0)],
      ),
      "done",
    );
    assert.deepEqual(byPartition((await store.state("t"))!.positions), [
      { partition: "p:0", offset: 5, checkpoint: fingerprinted("☂ 17000:abc") },
      { partition: "p:1", offset: 0 },
    ]);
    const before = await store.state("t");
    for (const wrong of [null, 4, 6])
      assert.equal(
        await append(store, [[2n, "b"]], [step("p:1", 0, 1), step("p:0", wrong, 9)]),
        "conflict",
      );
    assert.equal(await append(store, [[2n, "b"]], [step("p:2", 0, 1)]), "conflict");
    assert.deepEqual(await newHandle().state("t"), before);
    assert.equal(
      await append(store, [[2n, "b"]], [step("p:0", 5, 9, fingerprinted("m")), step("p:1", 0, 1)]),
      "done",
    );
    assert.deepEqual(byPartition((await newHandle().state("t"))!.positions), [
      { partition: "p:0", offset: 9, checkpoint: fingerprinted("m") },
      { partition: "p:1", offset: 1 },
    ]);
    assert.equal((await store.state("t"))!.rows, 2);
  });

  check(
    "a step without a checkpoint leaves no checkpoint of the offset before",
    async (newHandle) => {
      const store = newHandle();
      await append(store, [], [step("p", null, 1, fingerprinted("old"))]);
      await append(store, [], [step("p", 1, 2)]);
      assert.deepEqual((await newHandle().state("t"))!.positions, [{ partition: "p", offset: 2 }]);
    },
  );

  check("positions move without rows too, and offsets beyond 2^31 are exact", async (newHandle) => {
    const store = newHandle();
    const far = 2 ** 52 + 1;
    await append(store, [], [step("p", null, far)]);
    assert.equal(await append(store, [], [step("p", far, far + 2)]), "done");
    assert.deepEqual((await newHandle().state("t"))!.positions, [
      { partition: "p", offset: far + 2 },
    ]);
    assert.equal((await store.state("t"))!.rows, 0);
  });

  check("positions of many commits are those of the last", async (newHandle) => {
    const store = newHandle();
    for (let i = 0; i < 65; i++)
      await append(store, i % 10 === 0 ? [[BigInt(i), null]] : [], [
        step("p", i === 0 ? null : i - 1, i, fingerprinted("x".repeat(i % 20))),
      ]);
    assert.deepEqual((await newHandle().state("t"))!.positions, [
      { partition: "p", offset: 64, checkpoint: fingerprinted("xxxx") },
    ]);
    assert.equal((await newHandle().state("t"))!.rows, 7);
  });

  check("a position belongs to one generation of its partition", async (newHandle) => {
    const store = newHandle();
    const move = (generation: number, expected: number | null, next: number): Promise<string> =>
      append(store, [], [{ ...step("p:0", expected, next, fingerprinted("m")), generation }]);
    assert.equal(await move(0, null, 7), "done");
    assert.equal(await move(1, 7, 8), "conflict");
    assert.equal(await move(1, null, 3), "done");
    assert.equal(await move(12, null, 4), "done");
    assert.equal(await move(1, 3, 5), "done");
    const stored = [...(await newHandle().state("t"))!.positions];
    assert.deepEqual(
      stored.sort((a, b) => (a.generation ?? 0) - (b.generation ?? 0)),
      [
        { partition: "p:0", offset: 7, checkpoint: fingerprinted("m") },
        { partition: "p:0", generation: 1, offset: 5, checkpoint: fingerprinted("m") },
        { partition: "p:0", generation: 12, offset: 4, checkpoint: fingerprinted("m") },
      ],
    );
  });

  // ---- metadata ----

  check("a text of the metadata is set only where it is as expected", async (newHandle) => {
    const store = newHandle();
    const set = (
      rows: readonly (readonly Value[])[],
      metadata: readonly MetadataStep[],
      positions: readonly PositionStep[] = [],
    ): Promise<string> =>
      store.append(simpleTable, [batchOf(simpleTable.columns, rows)], { positions, metadata });
    assert.equal(await set([], [{ key: "k", expected: "1", next: "2" }]), "conflict");
    assert.equal(await newHandle().state("t"), null);
    const texts = ["{}", `{"a":"☂ é 😀"}`, "x".repeat(1_000), "1"];
    let expected: string | null = null;
    for (const [i, next] of texts.entries()) {
      const steps: MetadataStep[] = [
        { key: "k", expected, next },
        { key: `n/${i}`, expected: null, next: String(i) },
      ];
      assert.equal(await set([[BigInt(i), "a"]], steps), "done");
      assert.equal((await newHandle().state("t"))!.metadata.get("k"), next);
      expected = next;
    }
    const before = await newHandle().state("t");
    assert.equal(await set([[9n, "b"]], [{ key: "k", expected: "2", next: "3" }]), "conflict");
    assert.equal(await set([[9n, "b"]], [{ key: "k", expected: null, next: "3" }]), "conflict");
    assert.equal(
      await set([[9n, "b"]], [{ key: "k", expected: "1", next: "2" }], [step("p", 4, 5)]),
      "conflict",
    );
    assert.deepEqual(await newHandle().state("t"), before);
    assert.deepEqual(
      [...before!.metadata].sort(([a], [b]) => (a < b ? -1 : 1)),
      [["k", "1"], ...texts.map((_, i) => [`n/${i}`, String(i)])],
    );
    assert.equal(before!.rows, texts.length);
    assert.deepEqual(before!.positions, []);
    assert.deepEqual(
      (await newHandle().state("t", { version: 0 }))!.metadata,
      new Map([
        ["k", "{}"],
        ["n/0", "0"],
      ]),
    );
  });

  check("of writers that set one text at once, one wins each time", async (newHandle) => {
    const add = async (store: OfflineStore): Promise<void> => {
      for (let done = 0; done < 8;) {
        const expected = (await store.state("t"))?.metadata.get("count") ?? null;
        const metadata = [{ key: "count", expected, next: String(Number(expected ?? 0) + 1) }];
        if ((await store.append(simpleTable, [], { positions: [], metadata })) === "done") done++;
      }
    };
    await Promise.all([add(newHandle()), add(newHandle()), add(newHandle())]);
    assert.deepEqual((await newHandle().state("t"))!.metadata, new Map([["count", "24"]]));
  });

  // ---- columns ----

  check(
    "a new column is added as nullable, and older rows have no value in it",
    async (newHandle) => {
      const store = newHandle();
      await append(store, [[1n, "a"]]);
      const wider: TableSpec = {
        ...simpleTable,
        columns: [
          ...simpleTable.columns,
          { ...column("amount", "decimal"), precision: 20, scale: 4, nullable: false },
        ],
      };
      await store.append(wider, [batchOf(wider.columns, [[2n, "b", 10n ** 19n]])], {
        positions: [],
      });
      assert.deepEqual((await newHandle().state("t"))!.columns, [
        ...simpleTable.columns,
        { ...wider.columns[2]!, nullable: true },
      ]);
      assert.deepEqual(sortedRows(await scanRows(store, "t", ["id", "amount"])), [
        [1n, null],
        [2n, 10n ** 19n],
      ]);
      await append(store, [[3n, "c"]]);
      assert.deepEqual(sortedRows(await scanRows(store, "t", ["id", "amount"])), [
        [1n, null],
        [2n, 10n ** 19n],
        [3n, null],
      ]);
      await expectError("COLUMN_MISSING", () => scanRows(store, "t", ["amount"], { version: 0 }));
    },
  );

  check("a column keeps its type, and rows of another type are refused", async (newHandle) => {
    const store = newHandle();
    await append(store, [[1n, "a"]]);
    for (const other of [
      column("name", "int64"),
      column("name", "json"),
      { ...column("name", "decimal"), precision: 5, scale: 0 },
    ]) {
      const table: TableSpec = { ...simpleTable, columns: [simpleTable.columns[0]!, other] };
      await expectError("COLUMN_TYPE_CONFLICT", () =>
        store.append(table, [batchOf(table.columns, [[2n, null]])], {
          positions: [step("p", null, 1)],
        }),
      );
    }
    assert.deepEqual(
      {
        rows: (await newHandle().state("t"))!.rows,
        positions: (await newHandle().state("t"))!.positions,
      },
      { rows: 1, positions: [] },
    );
  });

  check("a missing value in a column that is not nullable is refused", async (newHandle) => {
    const store = newHandle();
    const strict: TableSpec = {
      ...simpleTable,
      columns: [{ ...simpleTable.columns[0]!, nullable: false }, simpleTable.columns[1]!],
    };
    await expectError("NULL_NOT_ALLOWED", () =>
      store.append(
        strict,
        [
          batchOf(strict.columns, [
            [1n, "a"],
            [null, "b"],
          ]),
        ],
        { positions: [step("p", null, 1)] },
      ),
    );
    assert.equal(await newHandle().state("t"), null);
    await store.append(strict, [batchOf(strict.columns, [[1n, "a"]])], { positions: [] });
    assert.equal((await newHandle().state("t"))!.columns[0]!.nullable, false);
    await append(store, [[null, "c"]]);
    assert.equal((await newHandle().state("t"))!.columns[0]!.nullable, true);
    assert.deepEqual(sortedRows(await scanRows(store, "t", ["name", "id"])), [
      ["a", 1n],
      ["c", null],
    ]);
  });

  // ---- partitions ----

  check("rows are found by partition value: null, odd strings and numbers", async (newHandle) => {
    const texts = [
      null,
      "plain",
      "a=b/c",
      "../up",
      "..",
      ".",
      "é 😀 ☂",
      "%20",
      "a b+c",
      "NULL",
      "null",
      "__HIVE_DEFAULT_PARTITION__",
      "x".repeat(300),
      `${"x".repeat(299)}y`,
      "a:b?#&\"'",
      "\u0001\n\\",
    ];
    const rows = texts.flatMap((text, i): Value[][] => [
      [i, text, BigInt(i)],
      [null, text, BigInt(-i)],
    ]);
    await newHandle().append(partitionedTable, [batchOf(partitionedTable.columns, rows)], {
      positions: [],
    });
    const store = newHandle();
    assert.deepEqual((await store.state("parts"))!.partitionBy, ["bucket", "text"]);
    const all = await scanRows(store, "parts", ["bucket", "text", "id"]);
    assert.deepEqual(sortedRows(all), sortedRows(rows));
    for (const [i, text] of texts.entries()) {
      assert.deepEqual(
        sortedRows(await scanRows(store, "parts", ["id"], { partitions: { text: [text] } })),
        sortedRows([[BigInt(i)], [BigInt(-i)]]),
        `text ${valueText(text)}`,
      );
      assert.deepEqual(
        await scanRows(store, "parts", ["id"], {
          partitions: { text: [text, "no such"], bucket: [i] },
        }),
        [[BigInt(i)]],
      );
    }
    assert.equal(
      (await scanRows(store, "parts", ["id"], { partitions: { bucket: [null] } })).length,
      texts.length,
    );
    assert.deepEqual(await scanRows(store, "parts", ["id"], { partitions: { bucket: [] } }), []);
    await expectError("PARTITION_CONFLICT", () =>
      scanRows(store, "parts", ["id"], { partitions: { id: [1] } }),
    );
  });

  check(
    "an empty string is no partition value, and a table keeps its partition columns",
    async (newHandle) => {
      const store = newHandle();
      await expectError("PARTITION_VALUE_EMPTY", () =>
        store.append(partitionedTable, [batchOf(partitionedTable.columns, [[1, "", 1n]])], {
          positions: [],
        }),
      );
      assert.equal(await store.state("parts"), null);
      await store.append(partitionedTable, [batchOf(partitionedTable.columns, [[1, "a", 1n]])], {
        positions: [],
      });
      await expectError("PARTITION_CONFLICT", () =>
        store.append(
          { ...partitionedTable, partitionBy: ["bucket"] },
          [batchOf(partitionedTable.columns, [[1, "a", 1n]])],
          { positions: [] },
        ),
      );
      await expectError("PARTITION_CONFLICT", () =>
        store.append({ ...partitionedTable, name: "other", partitionBy: ["id"] }, [], {
          positions: [],
        }),
      );
      assert.equal((await store.state("parts"))!.rows, 1);
    },
  );

  // ---- rewrites ----

  check(
    "a rewrite replaces the named partitions in one commit, and no others",
    async (newHandle) => {
      const store = newHandle();
      await appendToBucket(store, [
        [1, 10n],
        [2, 20n],
        [3, 30n],
      ]);
      assert.equal(
        await rewrite(
          store,
          [
            [1, 11n],
            [1, 12n],
            [4, 40n],
          ],
          [1, 2, 9],
          0,
          [step("p", null, 3)],
        ),
        "done",
      );
      const state = (await newHandle().state("buckets"))!;
      assert.deepEqual(
        [state.version, state.rows, state.positions],
        [1, 4, [{ partition: "p", offset: 3 }]],
      );
      assert.deepEqual(sortedRows(await scanRows(newHandle(), "buckets", ["bucket", "id"])), [
        [1, 11n],
        [1, 12n],
        [3, 30n],
        [4, 40n],
      ]);
      assert.deepEqual(sortedRows(await scanRows(store, "buckets", ["id"], { version: 0 })), [
        [10n],
        [20n],
        [30n],
      ]);
    },
  );

  check(
    "a rewrite conflicts only with changes of its partitions, its positions or its metadata",
    async (newHandle) => {
      const store = newHandle();
      assert.equal(await rewrite(store, [[1, 10n]], [1], null), "done");
      assert.equal(await rewrite(store, [[1, 99n]], [1], null), "conflict");
      await appendToBucket(store, [[2, 20n]]);
      assert.equal(
        await rewrite(store, [[1, 11n]], [1], 0),
        "done",
        "bucket 2 is none of its business",
      );
      assert.equal(
        await rewrite(store, [[1, 99n]], [1], 0),
        "conflict",
        "bucket 1 was rewritten since",
      );
      await appendToBucket(store, [[1, 12n]]);
      assert.equal(
        await rewrite(store, [[1, 99n]], [1], 2),
        "conflict",
        "bucket 1 was appended to since",
      );
      assert.equal(await rewrite(store, [[1, 13n]], [1], 3), "done");
      await appendToBucket(store, [], [step("p", null, 1)]);
      assert.equal(
        await rewrite(store, [[1, 99n]], [1], 4, [step("p", 1, 2)]),
        "conflict",
        "its position was moved since",
      );
      assert.equal(
        await rewrite(store, [[1, 99n]], [1], 5, [step("p", 0, 2)]),
        "conflict",
        "its position is elsewhere",
      );
      assert.equal(await rewrite(store, [[1, 14n]], [1], 5, [step("p", 1, 2)]), "done");
      assert.equal(
        await rewrite(store, [[1, 99n]], [1], 700),
        "conflict",
        "there is no such version",
      );
      const set = (expectedVersion: number, key: string, expected: string | null, next: string) =>
        store.rewrite(bucketTable, [batchOf(bucketTable.columns, [[1, BigInt(next)]])], {
          replaced: { bucket: [1] },
          expectedVersion,
          positions: [],
          metadata: [{ key, expected, next }],
        });
      assert.equal(await set(6, "k", null, "15"), "done");
      await store.append(bucketTable, [], {
        positions: [],
        metadata: [{ key: "k", expected: "15", next: "16" }],
      });
      assert.equal(await set(7, "k", "16", "99"), "conflict", "its text was set since");
      assert.equal(await set(8, "k", "15", "99"), "conflict", "its text is another");
      assert.equal(await set(7, "other", null, "17"), "done", "another text is another's business");
      assert.deepEqual(sortedRows(await scanRows(newHandle(), "buckets", ["bucket", "id"])), [
        [1, 17n],
        [2, 20n],
      ]);
    },
  );

  check(
    "a rewrite of the whole table leaves its rows only, and filters by partition columns only",
    async (newHandle) => {
      const store = newHandle();
      await append(store, [[1n, "a"]]);
      assert.equal(
        await store.rewrite(simpleTable, [batchOf(simpleTable.columns, [[2n, "b"]])], {
          replaced: {},
          expectedVersion: 0,
          positions: [],
        }),
        "done",
      );
      assert.deepEqual(await scanRows(store, "t", ["id"]), [[2n]]);
      await expectError("PARTITION_CONFLICT", () =>
        store.rewrite(simpleTable, [], {
          replaced: { id: [1] },
          expectedVersion: 1,
          positions: [],
        }),
      );
    },
  );

  check(
    "a rewrite takes rows of any partitions in one commit, and an error in them changes nothing",
    async (newHandle) => {
      const store = newHandle();
      await appendToBucket(store, [
        [1, 10n],
        [2, 20n],
      ]);
      async function* rows(broken: boolean): AsyncIterable<Batch> {
        yield batchOf(bucketTable.columns, [
          [1, 11n],
          [3, 30n],
        ]);
        yield batchOf(bucketTable.columns, [
          [3, 31n],
          [1, 12n],
        ]);
        if (broken) throw new Error("no more of them");
      }
      const options = {
        replaced: { bucket: [1, 3] },
        expectedVersion: 0,
        positions: [step("p", null, 7)],
      };
      await assert.rejects(store.rewrite(bucketTable, rows(true), options), /no more of them/);
      assert.deepEqual(
        [
          (await newHandle().state("buckets"))!.version,
          sortedRows(await scanRows(newHandle(), "buckets", ["id"])),
        ],
        [0, [[10n], [20n]]],
      );
      assert.equal(await store.rewrite(bucketTable, rows(false), options), "done");
      assert.deepEqual(
        [
          (await newHandle().state("buckets"))!.version,
          sortedRows(await scanRows(newHandle(), "buckets", ["id"])),
        ],
        [1, [[11n], [12n], [20n], [30n], [31n]]],
      );
      assert.equal(await store.rewrite(bucketTable, rows(false), options), "conflict");
    },
  );

  // ---- versions ----

  check("every version stays readable as it was", async (newHandle) => {
    const store = newHandle();
    for (let i = 0; i < 12; i++)
      await (i % 4 === 3
        ? rewrite(store, [[0, BigInt(100 + i)]], [0], i - 1)
        : appendToBucket(store, [[i % 2, BigInt(i)]]));
    const reader = newHandle();
    assert.equal((await reader.state("buckets"))!.version, 11);
    let expected: (readonly [number, bigint])[] = [];
    for (let i = 0; i < 12; i++) {
      expected =
        i % 4 === 3
          ? [...expected.filter(([b]) => b !== 0), [0, BigInt(100 + i)]]
          : [...expected, [i % 2, BigInt(i)]];
      assert.deepEqual(
        sortedRows(await scanRows(reader, "buckets", ["bucket", "id"], { version: i })),
        sortedRows(expected),
        `version ${i}`,
      );
      assert.equal((await reader.state("buckets", { version: i }))!.rows, expected.length);
    }
    await expectError("VERSION_MISSING", () => reader.state("buckets", { version: 12 }));
    await expectError("VERSION_MISSING", () =>
      scanRows(reader, "buckets", ["id"], { version: 12 }),
    );
  });

  check("a scan reads the version that it began with", async (newHandle) => {
    const store = newHandle();
    for (let i = 0; i < 3; i++) await append(store, [[BigInt(i), null]]);
    const seen: Value[] = [];
    for await (const batch of store.scan("t", { columns: ["id"] })) {
      seen.push(valueAt(batch.vectors[0]!, 0));
      await append(store, [[99n, null]]);
    }
    assert.deepEqual(seen, [0n, 1n, 2n]);
  });

  check("a range of keys loses no row of the range", async (newHandle) => {
    const store = newHandle();
    const columns = [
      column("text", "string"),
      column("long", "int64"),
      column("short", "int32"),
      column("bytes", "bytes"),
    ];
    const table: TableSpec = { name: "keys", columns, partitionBy: [] };
    const max = 2n ** 63n - 1n;
    const keys: readonly (readonly Value[])[] = [
      ["", -max - 1n, -(2 ** 31), Uint8Array.of()],
      ["10", 10n, 10, Uint8Array.of(1)],
      ["9", 9n, 9, Uint8Array.of(0, 255)],
      // U+E000 comes before U+1F600, though its UTF-16 units come after
      ["\u{e000}", max, 2 ** 31 - 1, Uint8Array.of(255)],
      ["\u{1f600}", 2n ** 53n + 1n, 0, Uint8Array.of(7)],
      [null, null, null, null],
    ];
    // a file for each key
    for (const row of keys) await store.append(table, [batchOf(columns, [row])], { positions: [] });
    for (const [c, { name, type }] of columns.entries()) {
      const values = keys.map((row) => row[c]!).filter((value) => value !== null);
      const ranges = values.flatMap((min) => values.map((max) => ({ min, max })));
      // each range alone, and every other key
      const asked = [
        ...ranges.map((range) => [range]),
        values
          .filter((_, i) => i % 2 === 0)
          .sort((a, b) => compareValues(type, a, b))
          .map((key) => ({ min: key, max: key })),
      ];
      for (const some of asked) {
        const isInside = ([value]: readonly Value[]): boolean =>
          value != null &&
          some.some(
            ({ min, max }) =>
              compareValues(type, value, min) >= 0 && compareValues(type, value, max) <= 0,
          );
        const keyRanges = {
          column: name,
          ranges: some.filter(({ min, max }) => compareValues(type, min, max) <= 0),
        };
        const rows = await scanRows(store, "keys", [name], { keyRanges });
        assert.deepEqual(
          sortedRows(rows.filter(isInside)),
          sortedRows(values.map((value) => [value]).filter(isInside)),
          `${name} of ${some.map(({ min, max }) => `${String(min)} to ${String(max)}`).join(", ")}`,
        );
      }
    }
    await expectError("COLUMN_MISSING", () =>
      scanRows(store, "keys", ["text"], {
        keyRanges: { column: "nothing", ranges: [{ min: "", max: "" }] },
      }),
    );
  });

  check("a range filter loses no row of the range", async (newHandle) => {
    const store = newHandle();
    const columns = [
      column("time", "timestamp"),
      column("x", "float64"),
      column("big", "int64"),
      column("n", "int32"),
    ];
    const table: TableSpec = { name: "ranges", columns, partitionBy: [] };
    const rows: Value[][] = [];
    for (let i = -10; i <= 10; i++) {
      const of: Value[][] = [
        [i * 1e12, i / 3, BigInt(i) * 2n ** 58n, i],
        [i % 2 === 0 ? null : i * 1e12 + 1, null, null, null],
      ];
      rows.push(...of);
      await store.append(table, [batchOf(columns, of)], { positions: [] });
    }
    for (const [c, scale] of [1e12, 1 / 3, 2 ** 58, 1].entries()) {
      for (const [low, high] of [
        [-3, 3],
        [0, 0],
        [-10, -9],
        [10, 11],
        [-100, 100],
        [20, 30],
      ] as const) {
        const range = { column: columns[c]!.name, min: low * scale, max: high * scale };
        const inside = (row: readonly Value[]): boolean =>
          row[0] !== null && Number(row[0]) >= range.min && Number(row[0]) <= range.max;
        const read = (await scanRows(store, "ranges", [range.column], { range })).filter(inside);
        assert.deepEqual(
          sortedRows(read),
          sortedRows(rows.map((row) => [row[c]!]).filter(inside)),
          JSON.stringify(range),
        );
      }
    }
    await expectError("COLUMN_MISSING", () =>
      scanRows(store, "ranges", ["x"], { range: { column: "nothing", min: 0, max: 1 } }),
    );
  });

  // ---- many writers ----

  check("concurrent appends of many handles are stored once each", async (newHandle) => {
    const handles = Array.from({ length: 6 }, newHandle);
    await Promise.all(
      handles.map(async (store, h) => {
        for (let i = 0; i < 8; i++)
          assert.equal(await append(store, [[BigInt(h * 100 + i), `${h}`]]), "done");
      }),
    );
    const state = (await newHandle().state("t"))!;
    assert.deepEqual([state.rows, state.version], [48, 47]);
    const expected = handles.flatMap((_, h) =>
      Array.from({ length: 8 }, (_unused, i) => [BigInt(h * 100 + i)]),
    );
    assert.deepEqual(sortedRows(await scanRows(newHandle(), "t", ["id"])), sortedRows(expected));
  });

  check("writers that share positions lose and double no row", async (newHandle) => {
    const total = 30;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const store = newHandle();
        for (;;) {
          const at =
            (await store.state("t"))?.positions.find(({ partition }) => partition === "p")
              ?.offset ?? null;
          const next = at === null ? 0 : at + 1;
          if (next >= total) return;
          await append(store, [[BigInt(next), null]], [step("p", at, next)]);
        }
      }),
    );
    const store = newHandle();
    assert.deepEqual((await store.state("t"))!.positions, [{ partition: "p", offset: total - 1 }]);
    assert.deepEqual(
      sortedRows(await scanRows(store, "t", ["id"])),
      Array.from({ length: total }, (_, i) => [BigInt(i)]),
    );
  });

  check(
    "a counter that many handles rewrite loses no step beside appends to another partition",
    async (newHandle) => {
      await appendToBucket(newHandle(), [[1, 0n]]);
      const steps = 6;
      const counting = Array.from({ length: 3 }, async () => {
        const store = newHandle();
        for (let done = 0; done < steps;) {
          const { version } = (await store.state("buckets"))!;
          const [[value]] = (await scanRows(store, "buckets", ["id"], {
            version,
            partitions: { bucket: [1] },
          })) as [[bigint]];
          if ((await rewrite(store, [[1, value + 1n]], [1], version)) === "done") done++;
        }
      });
      const appending = (async () => {
        const store = newHandle();
        for (let i = 0; i < steps; i++) await appendToBucket(store, [[2, BigInt(i)]]);
      })();
      await Promise.all([...counting, appending]);
      assert.deepEqual(
        await scanRows(newHandle(), "buckets", ["id"], { partitions: { bucket: [1] } }),
        [[BigInt(3 * steps)]],
      );
      assert.equal(
        (await scanRows(newHandle(), "buckets", ["id"], { partitions: { bucket: [2] } })).length,
        steps,
      );
    },
  );

  check("a table of another name is another table, and a name may be a path", async (newHandle) => {
    const store = newHandle();
    for (const name of ["a", "a/b", "a/bc", "ä/☂"])
      await store.append({ ...simpleTable, name }, [batchOf(simpleTable.columns, [[1n, name]])], {
        positions: [],
      });
    for (const name of ["a", "a/b", "a/bc", "ä/☂"])
      assert.deepEqual(await scanRows(newHandle(), name, ["name"]), [[name]]);
  });

  if (options.withoutRegistry !== true) registryConformance(check);

  check("a call whose signal is aborted throws and writes nothing", async (newHandle) => {
    const store = newHandle();
    const signal = AbortSignal.abort();
    await assert.rejects(
      () =>
        store.append(simpleTable, [batchOf(simpleTable.columns, [[1n, "a"]])], {
          positions: [],
          signal,
        }),
      { name: "AbortError" },
    );
    assert.equal(await store.state("t"), null);
    await append(store, [[1n, "a"]]);
    await assert.rejects(
      async () => {
        for await (const _ of store.scan("t", { columns: ["id"], signal }))
          assert.fail("a batch came");
      },
      { name: "AbortError" },
    );
  });
}

// ---- helpers of these tests ----

function column(name: string, type: ValueType): ColumnSpec {
  return { name, database: name, type, nullable: true };
}

const simpleTable: TableSpec = {
  name: "t",
  columns: [column("id", "int64"), { ...column("name", "string"), database: "Full Name" }],
  partitionBy: [],
};
const bucketTable: TableSpec = {
  name: "buckets",
  columns: [column("bucket", "int32"), column("id", "int64")],
  partitionBy: ["bucket"],
};
const partitionedTable: TableSpec = {
  name: "parts",
  columns: [column("bucket", "int32"), column("text", "string"), column("id", "int64")],
  partitionBy: ["bucket", "text"],
};

const maxDecimal = 10n ** 38n - 1n;
const extremeValues: readonly { readonly column: ColumnSpec; readonly values: readonly Value[] }[] =
  [
    {
      column: column("text", "string"),
      values: [
        "",
        "a",
        "é😀",
        "\u{10ffff}",
        "\ufeffbom",
        "\0",
        "line\nbreak",
        "x".repeat(20_000),
        "\u{10ffff}".repeat(40),
        "null",
      ],
    },
    { column: column("json", "json"), values: ["{}", '{"a":12345678901234567890}', '"é"', "null"] },
    {
      column: column("int64", "int64"),
      values: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -(2n ** 53n) - 1n],
    },
    { column: { ...column("counted", "int64"), mode: "number" }, values: [1n] },
    { column: column("int32", "int32"), values: [0, -1, 2 ** 31 - 1, -(2 ** 31)] },
    {
      column: column("float64", "float64"),
      values: [
        0,
        -0,
        0.1,
        1e16 + 2,
        5e-324,
        -Number.MAX_VALUE,
        Number.MAX_VALUE,
        1 / 3,
        2 ** 53 + 2,
      ],
    },
    {
      column: { ...column("wide", "decimal"), precision: 38, scale: 9 },
      values: [0n, maxDecimal, -maxDecimal, 1n, -1n, 10n ** 18n, -(2n ** 63n), 2n ** 64n],
    },
    {
      column: { ...column("middle", "decimal"), precision: 18, scale: 0 },
      values: [0n, 10n ** 18n - 1n, -(10n ** 18n) + 1n, 2n ** 53n + 1n],
    },
    {
      column: { ...column("narrow", "decimal"), precision: 9, scale: 9 },
      values: [0n, 999_999_999n, -999_999_999n],
    },
    {
      column: { ...column("twenty", "decimal"), precision: 20, scale: 20 },
      values: [10n ** 20n - 1n, -(10n ** 20n) + 1n, -1n, 255n, -256n],
    },
    {
      column: { ...column("time", "timestamp"), zone: "Europe/Berlin", mode: "micros" },
      values: [
        0,
        -1,
        2 ** 53 - 1,
        -(2 ** 53) + 1,
        1_700_000_000_123_456,
        -86_400_000_001,
        4_294_967_296,
        -4_294_967_297,
      ],
    },
    { column: column("date", "date"), values: [0, -1, 19_700, -719_162, 2_932_896, -(2 ** 31)] },
    {
      column: column("bytes", "bytes"),
      values: [new Uint8Array(0), new Uint8Array([0, 255, 128]), new Uint8Array(5000).fill(7)],
    },
    { column: column("boolean", "boolean"), values: [true, false, true, true, false] },
    { column: column("größe_☂", "string"), values: ["a column's name may be any letters"] },
  ];

/** A checkpoint that holds this text. */
function fingerprinted(fingerprint: string): Checkpoint {
  return { message: { offset: 1, fingerprint } };
}

function step(
  partition: string,
  expected: number | null,
  next: number,
  checkpoint?: Checkpoint,
): PositionStep {
  return { partition, expected, next, ...(checkpoint === undefined ? {} : { checkpoint }) };
}

function append(
  store: OfflineStore,
  rows: readonly (readonly Value[])[],
  positions: readonly PositionStep[] = [],
): Promise<"done" | "conflict"> {
  return store.append(simpleTable, [batchOf(simpleTable.columns, rows)], { positions });
}

function appendToBucket(
  store: OfflineStore,
  rows: readonly (readonly Value[])[],
  positions: readonly PositionStep[] = [],
): Promise<"done" | "conflict"> {
  return store.append(bucketTable, [batchOf(bucketTable.columns, rows)], { positions });
}

function rewrite(
  store: OfflineStore,
  rows: readonly (readonly Value[])[],
  replaced: readonly number[],
  expectedVersion: number | null,
  positions: readonly PositionStep[] = [],
): Promise<"done" | "conflict"> {
  return store.rewrite(bucketTable, [batchOf(bucketTable.columns, rows)], {
    replaced: { bucket: replaced },
    expectedVersion,
    positions,
  });
}

/** Replaces the rows with these ids. The new rows come in place of the first. */
async function replaceRows(
  store: OfflineStore,
  table: string,
  ids: readonly bigint[],
  next: readonly (readonly Value[])[],
): Promise<"done" | "conflict"> {
  const idsOf = (batch: Batch): readonly Value[] => {
    const id = batch.vectors[batch.columns.findIndex(({ name }) => name === "id")]!;
    return Array.from({ length: batch.length }, (_, i) => valueAt(id, i));
  };
  return store.replaceRows(table, {
    columns: ["id"],
    isAffected: (batch) => idsOf(batch).some((id) => ids.includes(id as bigint)),
    replace(batch) {
      let placed = false;
      const rows = idsOf(batch).flatMap((id, i) => {
        if (!ids.includes(id as bigint)) return [batch.vectors.map((vector) => valueAt(vector, i))];
        if (placed) return [];
        placed = true;
        return next;
      });
      return batchOf(batch.columns, rows);
    },
  });
}

async function scanRows(
  store: OfflineStore,
  table: string,
  columns: readonly string[],
  options: Omit<Parameters<OfflineStore["scan"]>[1], "columns"> = {},
): Promise<Value[][]> {
  const rows: Value[][] = [];
  for await (const batch of store.scan(table, { ...options, columns }))
    rows.push(...rowsOfBatch(batch));
  return rows;
}

function rowsOfBatch(batch: Batch): Value[][] {
  return Array.from({ length: batch.length }, (_, i) =>
    batch.vectors.map((vector) => valueAt(vector, i)),
  );
}

function sameValue(a: Value, b: Value): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array
    ? Buffer.compare(a, b) === 0
    : Object.is(a, b);
}

function valueText(value: Value): string {
  return typeof value === "bigint"
    ? `${value}n`
    : Object.is(value, -0)
      ? "-0"
      : JSON.stringify(value).slice(0, 60);
}

/** Sorts rows, so that two lists of the same rows are equal. */
function sortedRows(rows: readonly (readonly Value[])[]): Value[][] {
  const key = (row: readonly Value[]): string =>
    row.map((value) => valueText(value).padStart(30)).join();
  return rows.map((row) => [...row]).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function byPartition<T extends { readonly partition: string }>(positions: readonly T[]): T[] {
  return [...positions].sort((a, b) => (a.partition < b.partition ? -1 : 1));
}

async function expectError(code: string, call: () => Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isTidemarkError<string>(error, code), `${code} expected, not ${String(error)}`);
    return true;
  });
}
