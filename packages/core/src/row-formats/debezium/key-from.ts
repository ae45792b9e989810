/** Decodes rows whose primary key holds parts of their origin (`keyFrom` of a source). */
import type { SourceSpec, Value } from "../../specs.ts";
import type { RowDecoder } from "./row-decoder.ts";

/** A part of an origin. */
export type OriginPart = NonNullable<SourceSpec["keyFrom"]>[number]["part"];

/**
 * Makes the decoder of a source. `decoderOf` makes the decoder of the columns that the messages
 * hold. `part` gives a part of the current message's origin; null: the message does not say it.
 */
export function withKeyFrom(
  source: SourceSpec,
  part: (part: OriginPart) => string | null,
  decoderOf: (source: SourceSpec) => RowDecoder,
): RowDecoder {
  const { keyFrom } = source;
  if (keyFrom === undefined) return decoderOf(source);
  const parts = new Map(keyFrom.map((one) => [one.column, one.part]));
  const inner = decoderOf({
    ...source,
    columns: source.columns.filter(({ name }) => !parts.has(name)),
    primaryKey: source.primaryKey.filter((name) => !parts.has(name)),
  });
  /** The index of each column of the messages among the source's columns. */
  const outer = source.columns.flatMap(({ name }, c) => (parts.has(name) ? [] : [c]));
  const ofOrigin = source.columns.flatMap(({ name }, c) => {
    const one = parts.get(name);
    return one === undefined ? [] : [[c, one] as const];
  });
  const primaryKey = source.primaryKey.map((name) =>
    source.columns.findIndex((column) => column.name === name),
  );

  const decoder: RowDecoder = {
    source,
    row(members, from, withoutScale) {
      const row = inner.row(members, from, withoutScale);
      const values: Value[] = source.columns.map(() => null);
      outer.forEach((c, i) => {
        values[c] = row.values[i]!;
      });
      for (const [c, one] of ofOrigin) values[c] = part(one);
      return { ...row, values, unavailable: row.unavailable.map((i) => outer[i]!) };
    },
    hasKey: (values) => primaryKey.every((c) => values[c] !== null),
    keyFault(row) {
      const absent = keyFrom.find((one) => part(one.part) === null);
      return absent === undefined
        ? inner.keyFault(row)
        : `: the message does not say its ${absent.part}, which keyFrom puts into the key`;
    },
    key(members, schema) {
      const own = inner.key(members, schema);
      if (own === null) return null;
      let next = 0;
      const key = source.primaryKey.map((name): Value => {
        const one = parts.get(name);
        return one === undefined ? own[next++]! : part(one);
      });
      return key.includes(null) ? null : key;
    },
    keyOf: (values) => primaryKey.map((c) => values[c]!),
    format: inner.format,
    keyRow(key) {
      const values: Value[] = source.columns.map(() => null);
      primaryKey.forEach((c, k) => {
        values[c] = key[k]!;
      });
      return values;
    },
  };
  return decoder;
}
