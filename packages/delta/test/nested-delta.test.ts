import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  batchOf,
  type ColumnSpec,
  type TableSpec,
  type TypeSpec,
  type Value,
} from "@tidemark/core/spi";
import { deltaOfflineStore, localObjects } from "@tidemark/delta";
import { seedsFromEnvironment } from "@tidemark/testkit/generate/seeds";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { column, temporary, valuesOf } from "./lakes.ts";
import { nestedColumn, typedValues } from "./nested-values.ts";

const { first, runs } = seedsFromEnvironment({ runs: 120 });

const text: TypeSpec = { type: "string", nullable: true };
const time: TypeSpec = { type: "timestamp", nullable: false };
const list = (element: TypeSpec): TypeSpec => ({ type: "list", nullable: true, element });

const columns: readonly ColumnSpec[] = [
  column("id", "int64", { nullable: false }),
  nestedColumn("times", list(time)),
  nestedColumn("shares", {
    type: "map",
    nullable: false,
    keys: { type: "string", nullable: false },
    values: { type: "decimal", nullable: true, precision: 9, scale: 2 },
  }),
  nestedColumn("place", {
    type: "struct",
    nullable: true,
    fields: [
      { name: "city", ...text },
      { name: "visits", ...list(list({ ...time, mode: "micros" })) },
    ],
  }),
];
const table: TableSpec = { name: "nested", columns, partitionBy: [] };
const names = columns.map(({ name }) => name);

function row(i: number): Value[] {
  return [
    BigInt(i),
    i % 3 === 0 ? null : Array.from({ length: i % 4 }, (_, e) => i * 10 + e),
    i % 2 === 0
      ? []
      : [
          ["a", BigInt(i)],
          ["b", null],
        ],
    i % 5 === 0 ? null : [i % 5 === 1 ? null : `city ${i}`, [[], [i]]],
  ];
}

const rows = (from: number, to: number): Value[][] =>
  Array.from({ length: to - from }, (_, i) => row(from + i));

async function lakeOf(commits: number): Promise<string> {
  const lake = await temporary();
  const store = deltaOfflineStore(localObjects(lake), { checkpointEvery: 4 });
  for (let i = 0; i < commits; i++)
    await store.append(table, [batchOf(columns, rows(i * 5, i * 5 + 5))], { positions: [] });
  return lake;
}

const firstEntry = (lake: string): string =>
  join(lake, "nested", "_delta_log", `${"0".repeat(20)}.json`);

/** The actions of the first entry of the log. */
async function firstActions(lake: string): Promise<Record<string, Record<string, string>>[]> {
  const lines = (await readFile(firstEntry(lake), "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

describe("a Delta table of lists, maps and structs", () => {
  test("has their types in its schema, and no statistics of them", async () => {
    const lake = await lakeOf(1);
    const actions = await firstActions(lake);
    const { metaData } = actions.find((action) => "metaData" in action)!;
    const { fields } = JSON.parse(metaData!["schemaString"]!);
    assert.deepEqual(
      fields.map((field: { name: string; type: unknown }) => [field.name, field.type]),
      [
        ["id", "long"],
        ["times", { type: "array", elementType: "long", containsNull: false }],
        [
          "shares",
          { type: "map", keyType: "string", valueType: "decimal(9,2)", valueContainsNull: true },
        ],
        [
          "place",
          {
            type: "struct",
            fields: [
              { name: "city", type: "string", nullable: true, metadata: {} },
              {
                name: "visits",
                type: {
                  type: "array",
                  elementType: { type: "array", elementType: "long", containsNull: false },
                  containsNull: true,
                },
                nullable: true,
                metadata: {},
              },
            ],
          },
        ],
      ],
    );
    const { add } = actions.find((action) => "add" in action)!;
    assert.deepEqual(JSON.parse(add!["stats"]!), {
      numRecords: 5,
      minValues: { id: 0 },
      maxValues: { id: 4 },
      nullCount: { id: 0 },
    });
    const fresh = deltaOfflineStore(localObjects(lake));
    assert.deepEqual((await fresh.state("nested"))!.columns, columns);
  });

  test("has the same rows behind a checkpoint, optimize and vacuum", async () => {
    const lake = await lakeOf(10);
    const store = deltaOfflineStore(localObjects(lake));
    const read = async (): Promise<Value[][]> =>
      await valuesOf(deltaOfflineStore(localObjects(lake)).scan("nested", { columns: names }));
    assert.deepEqual(await read(), rows(0, 50));
    assert.deepEqual(await store.optimize("nested"), { filesRemoved: 10, filesAdded: 1 });
    await store.vacuum("nested", { retention: "0s" });
    assert.deepEqual(await read(), rows(0, 50));
    await store.replaceRows("nested", {
      columns: ["id"],
      isAffected: () => true,
      replace: (batch) => batchOf(batch.columns, rows(50, 53)),
    });
    assert.deepEqual(await read(), rows(50, 53));
  });

  test("returns every value of every type, in files of several partitions", async () => {
    const directory = await temporary();
    const store = deltaOfflineStore(localObjects(directory));
    let n = 0;
    await fc.assert(
      fc.asyncProperty(typedValues(2), fc.nat({ max: 12 }), fc.gen(), async (type, length, g) => {
        const own = [column("part", "int32"), nestedColumn("c", type.spec)];
        const some = Array.from({ length }, (_, i) => [i % 3, g(() => type.values)]);
        const of = { name: `t${n++}`, columns: own, partitionBy: ["part"] };
        await store.append(of, [batchOf(own, some)], { positions: [] });
        assert.deepEqual((await store.state(of.name))!.columns, own);
        for (const part of [0, 1, 2])
          assert.deepStrictEqual(
            await valuesOf(
              store.scan(of.name, { columns: ["part", "c"], partitions: { part: [part] } }),
            ),
            some.filter(([value]) => value === part),
          );
      }),
      { seed: first, numRuns: runs },
    );
  });

  test("gets a list later, which earlier rows lack; a column keeps its parts", async () => {
    const lake = await lakeOf(1);
    const store = deltaOfflineStore(localObjects(lake));
    const tags = nestedColumn("tags", list(text));
    const more = [columns[0]!, tags];
    const write = (of: readonly ColumnSpec[], value: Value): Promise<unknown> =>
      store.append({ ...table, columns: of }, [batchOf(of, [[9n, value]])], { positions: [] });
    await write(more, ["a", null]);
    assert.deepEqual(await valuesOf(store.scan("nested", { columns: ["tags", "id"] })), [
      ...rows(0, 5).map(([id]) => [null, id!]),
      [["a", null], 9n],
    ]);
    for (const [name, type, shown] of [
      [
        "tags",
        list({ ...text, type: "int64" }),
        /holds .*"elementType":"string".* list\(int64 or null\)/,
      ],
      ["times", list({ ...time, type: "int64" }), /is list\(timestamp\) there .* list\(int64\)/],
      ["times", text, /bring string \(string\)/],
      ["tags", { ...list(text), element: { ...text, nullable: false } }, /"containsNull":false/],
    ] as const)
      await expect(write([columns[0]!, nestedColumn(name, type)], null)).rejects.toMatchObject({
        code: "COLUMN_TYPE_CONFLICT",
        message: expect.stringMatching(shown),
      });
  });

  test("refuses field names that other readers cannot take, and lists as partitions", async () => {
    const store = deltaOfflineStore(localObjects(await temporary()));
    const struct = (...fields: readonly string[]): TypeSpec => ({
      type: "struct",
      nullable: true,
      fields: fields.map((name) => ({ name, ...text })),
    });
    for (const [type, says] of [
      [list(struct("a b")), '"a b" cannot name a column'],
      [struct("a", "A"), 'columns "a" and "A" differ in case only'],
    ] as const)
      await expect(
        store.append({ ...table, columns: [nestedColumn("c", type)] }, [], { positions: [] }),
      ).rejects.toMatchObject({ code: "COLUMN_NAME", message: expect.stringContaining(says) });
    await expect(
      store.append({ ...table, partitionBy: ["times"] }, [], { positions: [] }),
    ).rejects.toMatchObject({ code: "PARTITION_CONFLICT" });
  });

  test("is read by Delta's types where another tool changed our metadata", async () => {
    for (const parts of [undefined, "{", "7", "null", '{"element":{"type":"constructor"}}']) {
      const lake = await lakeOf(1);
      const actions = await firstActions(lake);
      const { metaData } = actions.find((action) => "metaData" in action)!;
      const schema = JSON.parse(metaData!["schemaString"]!);
      for (const field of schema.fields) field.metadata["tidemark.parts"] = parts;
      metaData!["schemaString"] = JSON.stringify(schema);
      await writeFile(
        firstEntry(lake),
        actions.map((action) => `${JSON.stringify(action)}\n`).join(""),
      );
      const store = deltaOfflineStore(localObjects(lake));
      const times = (await store.state("nested"))!.columns[1];
      assert.deepEqual(times, nestedColumn("times", list({ type: "int64", nullable: false })));
      assert.deepEqual(
        await valuesOf(store.scan("nested", { columns: ["times"] })),
        rows(0, 5).map(([, value]) => [value && (value as number[]).map(BigInt)]),
      );
    }
  });
});
