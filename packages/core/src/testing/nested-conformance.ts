/** The conformance tests of columns of lists, maps and structs in an offline store. */
import assert from "node:assert/strict";
import { batchOf, valueAt } from "../columns/batch.ts";
import { isTidemarkError } from "../errors.ts";
import type { ColumnSpec, TypeSpec, Value } from "../specs.ts";
import type { OfflineStore, TableSpec } from "../spi.ts";

const nullable = (type: Omit<TypeSpec, "nullable">): TypeSpec => ({ ...type, nullable: true });
const required = (type: Omit<TypeSpec, "nullable">): TypeSpec => ({ ...type, nullable: false });
const columnOf = (name: string, type: TypeSpec): ColumnSpec => ({ ...type, name, database: name });

const decimal = nullable({ type: "decimal", precision: 38, scale: 9 });
const time = required({ type: "timestamp", zone: "UTC" });

const columns: readonly ColumnSpec[] = [
  columnOf("id", required({ type: "int64" })),
  columnOf("texts", nullable({ type: "list", element: nullable({ type: "string" }) })),
  columnOf("lists", required({ type: "list", element: nullable({ type: "list", element: time }) })),
  columnOf("map", required({ type: "map", keys: required({ type: "int64" }), values: decimal })),
  columnOf(
    "struct",
    nullable({
      type: "struct",
      fields: [
        { name: "x", ...required({ type: "float64" }) },
        { name: "days", ...nullable({ type: "list", element: required({ type: "date" }) }) },
        { name: "raw", ...nullable({ type: "bytes" }) },
      ],
    }),
  ),
];
const table: TableSpec = { name: "nested/t", columns, partitionBy: [] };

const rows: readonly (readonly Value[])[] = [
  [
    1n,
    ["a", null, "", "\u{10ffff}"],
    [[0, -1, 2 ** 53 - 1], null, []],
    [
      [-(2n ** 63n), 10n ** 38n - 1n],
      [0n, null],
      [2n ** 63n - 1n, -1n],
    ],
    [-0, [-1, 0], new Uint8Array([0, 255])],
  ],
  [2n, [], [], [], [5e-324, null, null]],
  [3n, null, [[]], [[7n, 0n]], null],
  [4n, [null], [null], [], [1.5, [], new Uint8Array()]],
];

/** Declares the tests. */
export function nestedConformance(
  check: (name: string, run: (newHandle: () => OfflineStore) => Promise<void>) => void,
): void {
  check("lists, maps and structs come back with their types and values", async (newHandle) => {
    await append(newHandle(), columns, rows);
    const store = newHandle();
    assert.deepEqual((await store.state(table.name))!.columns, columns);
    assert.deepStrictEqual(await scan(store, columns), rows);
    await append(store, columns, rows.slice(0, 2));
    assert.deepStrictEqual(await scan(newHandle(), columns), [...rows, ...rows.slice(0, 2)]);
  });

  check("rows from before a column of lists have no value in it", async (newHandle) => {
    const [id, texts] = [columns[0]!, columns[1]!];
    await append(newHandle(), [id], [[1n]]);
    await append(newHandle(), [id, texts], [[2n, ["b"]]]);
    await append(newHandle(), [id], [[3n]]);
    assert.deepStrictEqual(await scan(newHandle(), [texts, id]), [
      [null, 1n],
      [["b"], 2n],
      [null, 3n],
    ]);
  });

  check("a column of lists keeps the types of its parts", async (newHandle) => {
    const store = newHandle();
    const texts = columns[1]!;
    await append(store, [texts], [[["a"]]]);
    for (const other of [
      required({ type: "string" }),
      nullable({ type: "int64" }),
      nullable({ type: "list", element: nullable({ type: "string" }) }),
    ])
      await assert.rejects(
        append(store, [{ ...texts, element: other }], []),
        (error) => isTidemarkError(error, "COLUMN_TYPE_CONFLICT"),
        other.type,
      );
    assert.deepStrictEqual(await scan(newHandle(), [texts]), [[["a"]]]);
  });

  check("rows with lists are rewritten and replaced", async (newHandle) => {
    const store = newHandle();
    await append(store, columns, rows);
    const { version } = (await store.state(table.name))!;
    const reversed = [...rows].reverse();
    const written = await store.rewrite(table, [batchOf(columns, reversed)], {
      replaced: {},
      expectedVersion: version,
      positions: [],
    });
    assert.equal(written, "done");
    assert.deepStrictEqual(await scan(newHandle(), columns), reversed);
    await newHandle().replaceRows(table.name, {
      columns: ["id"],
      isAffected: () => true,
      replace: () => batchOf(columns, rows.slice(1, 3)),
    });
    assert.deepStrictEqual(await scan(newHandle(), columns), rows.slice(1, 3));
  });
}

async function append(
  store: OfflineStore,
  of: readonly ColumnSpec[],
  some: readonly (readonly Value[])[],
): Promise<void> {
  const written = await store.append({ ...table, columns: of }, [batchOf(of, some)], {
    positions: [],
  });
  assert.equal(written, "done");
}

async function scan(store: OfflineStore, of: readonly ColumnSpec[]): Promise<Value[][]> {
  const found: Value[][] = [];
  const requested = of.map(({ name }) => name);
  for await (const { length, vectors } of store.scan(table.name, { columns: requested }))
    for (let i = 0; i < length; i++) found.push(vectors.map((vector) => valueAt(vector, i)));
  return found;
}
