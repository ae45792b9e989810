/** A question about features, as the server takes it. */
import { formatTime, keyReader, timeOf } from "@tidemark/core";
import type { ColumnSpec, SelectedFeature } from "@tidemark/core/spi";
import { wireValue } from "./wire.ts";

export interface OnlineQuestion {
  readonly entities: readonly unknown[];
  readonly metadata?: boolean | undefined;
  readonly asOf?: unknown;
}

/**
 * The body's JSON, without features. Wrong keys are `KEY_INVALID` and wrong times `TIME_INVALID`,
 * before anything is sent.
 */
export function questionBody(
  keys: readonly ColumnSpec[],
  { entities, metadata, asOf }: OnlineQuestion,
): Readonly<Record<string, unknown>> {
  const read = keyReader(keys, { extra: false });
  const plain = keys.every(
    ({ type }) => type === "string" || type === "boolean" || type === "int32",
  );
  return {
    entities: entities.map((row, i) => {
      const values = read(row, i);
      return plain
        ? values
        : Object.fromEntries(keys.map((key) => [key.name, wireValue(values[key.name]!, key)]));
    }),
    ...(asOf === undefined ? {} : { asOf: formatTime(timeOf(asOf, "asOf")) }),
    ...(metadata === true ? { metadata } : {}),
  };
}

/**
 * What a selection is to the server: its features one by one, so that the answer is the one that
 * the definitions here say, whatever the server's have gained.
 */
export function referencesOf(selection: readonly SelectedFeature[]): readonly string[] {
  return selection.map(
    ({ view, feature, as }) =>
      `${view.name}:${feature.name}${as === feature.name ? "" : ` as ${as}`}`,
  );
}

export function columnsOf(selection: readonly SelectedFeature[]): readonly ColumnSpec[] {
  return selection.map(({ feature, as }) => ({ ...feature.result, name: as }));
}
