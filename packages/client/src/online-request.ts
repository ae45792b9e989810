/** Encodes a request for features in the server's form. */
import { formatTime, keyReader, timeOf } from "@tidemark/core";
import type { ColumnSpec, SelectedFeature } from "@tidemark/core/spi";
import { wireValue } from "./wire.ts";

export interface OnlineQuestion {
  readonly entities: readonly unknown[];
  readonly metadata?: boolean | undefined;
  readonly asOf?: unknown;
}

/**
 * Returns the body's JSON without features. Wrong keys and times are refused before a request is
 * sent.
 *
 * @throws KEY_INVALID when an entity's keys are wrong.
 * @throws TIME_INVALID when `asOf` is no time.
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
 * Returns the selected features one by one. The answer then follows the definitions here, whatever
 * features the server's have gained.
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
