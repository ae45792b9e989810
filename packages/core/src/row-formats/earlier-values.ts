/** Fills values that the log left out (TOAST) into a logged row, from earlier rows. */
import type { LoggedRow } from "../spi.ts";
import { type DebeziumFormat, DEFAULT_TOAST_MARKER } from "./debezium/debezium-format.ts";
import { toastMarkers } from "./debezium/toast-marker.ts";
import { memberTexts, objectText } from "./member-texts.ts";

/**
 * Gives row `i` with the texts of earlier rows in place of its markers. `before`: by row, the row
 * that it goes on from. Null: the row has no marker, or no earlier row says the value alike.
 */
export function rowWithEarlierValues(
  rows: readonly (LoggedRow | undefined)[],
  before: readonly (number | null)[],
  i: number,
): LoggedRow | null {
  const logged = rows[i];
  if (logged?.row == null) return null;
  const format = debeziumFormat(logged);
  if (format === null) return null;
  const toastMarker = toastMarkers(format.toastMarker ?? DEFAULT_TOAST_MARKER);
  const texts = memberTexts(logged.row) ?? new Map<string, string>();
  const missing = new Set(
    [...texts].flatMap(([name, text]) => (toastMarker.has(text) ? name : [])),
  );
  if (missing.size === 0) return null;
  const schema = JSON.stringify(format.schema);
  const size = missing.size;
  for (let at = before[i]!; at !== null && missing.size > 0; at = before[at]!) {
    const earlier = rows[at];
    if (earlier?.row == null) break;
    const earlierFormat = debeziumFormat(earlier);
    if (earlierFormat === null || JSON.stringify(earlierFormat.schema) !== schema) break;
    const found = memberTexts(earlier.row) ?? new Map<string, string>();
    for (const name of missing) {
      const text = found.get(name);
      if (text !== undefined && toastMarker.has(text)) continue;
      missing.delete(name);
      texts.set(name, text ?? "null");
    }
  }
  if (missing.size === size) return null;
  return { ...logged, row: objectText(texts) };
}

function debeziumFormat({ format }: LoggedRow): DebeziumFormat | null {
  const read = JSON.parse(format) as { readonly format: string };
  return read.format === "debezium" ? (read as DebeziumFormat) : null;
}
