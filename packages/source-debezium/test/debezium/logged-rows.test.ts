/**
 * Tests that a logged row, read under a definition, gives what the decoder gives of its message
 * under the same definition. The slow twin decodes the whole message again.
 */
import { changeReader } from "@tidemark/core/internal";
import type { Change, ColumnSpec, SourceSpec } from "@tidemark/core/spi";
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { decode, fixture, messages, withoutWarnings } from "../support/fixtures.ts";
import { all } from "../support/sources.ts";

const topics = readdirSync(fixture(".")).filter((name) => name.endsWith(".jsonl"));

/** The members of a change that depend on the definition, without the texts of messages. */
const reading = (change: Change): object => ({
  kind: change.kind,
  values: change.values,
  oldKey: change.oldKey,
  unavailable: change.unavailable,
  invalid: change.invalidColumns
    .filter(({ reason }) => reason !== "COLUMN_ABSENT")
    .map(({ column, reason }) => `${column}:${reason}`),
  undecodable: change.undecodable?.reason ?? null,
  nonFinite: change.nonFinite,
});

const changed = (change: (source: SourceSpec) => SourceSpec): readonly SourceSpec[] =>
  all.map(change);
const columns = (source: SourceSpec, map: (column: ColumnSpec) => ColumnSpec): SourceSpec => ({
  ...source,
  columns: source.columns.map((column) =>
    source.primaryKey.includes(column.name) ? column : map(column),
  ),
});

const definitions: readonly (readonly [string, readonly SourceSpec[]])[] = [
  ["as they were", all],
  [
    "with fewer columns",
    changed((source) => ({
      ...source,
      columns: source.columns.filter(
        ({ name }, c) =>
          c % 2 === 0 ||
          source.primaryKey.includes(name) ||
          (source.eventTime.kind === "column" && source.eventTime.column === name),
      ),
    })),
  ],
  [
    "with every number as text",
    changed((source) =>
      columns(source, (column) =>
        column.type === "timestamp" ? column : { ...column, type: "string" },
      ),
    ),
  ],
  [
    "with another scale",
    changed((source) =>
      columns(source, (column) =>
        column.type === "float64" || column.type === "decimal"
          ? { ...column, type: "decimal", precision: 20, scale: 3 }
          : column,
      ),
    ),
  ],
  [
    "with columns that may not be null",
    changed((source) => columns(source, (column) => ({ ...column, nullable: false }))),
  ],
];

const CONTENT = ["upsert", "delete", "none"];

test.each(definitions)("logged rows of every recording under definitions %s", (_, sources) => {
  let compared = 0;
  for (const topic of topics) {
    const log = messages(topic);
    const decoded = decode(log, all, withoutWarnings);
    const wanted = decode(log, sources, withoutWarnings);
    for (const [i, change] of decoded.entries()) {
      if (change === null || !CONTENT.includes(change.kind)) continue;
      const source = sources.find(({ name }) => name === change.source)!;
      const read = changeReader(source)(change);
      expect({ topic, i, ...reading(read) }).toEqual({ topic, i, ...reading(wanted[i]!) });
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(100);
});
