/** The rows of a source as they stand, with the days of their event times. */
import type { HistoryContext } from "../offline/history-context.ts";
import { versionEvents, type HistoryState } from "../offline/version-events.ts";
import { metadataOf } from "../metadata.ts";
import type { SourceSpec } from "../specs.ts";
import type { Days } from "./days.ts";
import type { DayRows } from "./day-rows.ts";
import { measuredColumn } from "./measured-column.ts";

/** The columns of a source, as profiles measure them. */
export function sourceColumns(source: SourceSpec): DayRows["columns"] {
  const ofSource = metadataOf(source)?.sensitivity;
  return source.columns.map((column) =>
    measuredColumn(column, (metadataOf(column)?.sensitivity ?? ofSource) === "pii"),
  );
}

/**
 * Reads the rows that the history has as of a state. A row counts if it was neither replaced nor
 * deleted. Rows in quarantine and rows without an event time belong to no day.
 */
export function sourceRows(context: HistoryContext, state: HistoryState, days: Days): DayRows {
  return {
    columns: sourceColumns(context.source),
    async *batches({ columns, days: range, signal }) {
      const events = versionEvents(context, state, {
        columns: columns.map(({ column }) => column),
        keyColumns: [],
        entityOf: () => 0,
        knowledge: "as-corrected",
        times: { min: days.startOf(range.from), max: days.startOf(range.to + 1) },
        signal,
      });
      for await (const { length, entity, time, to, columns: batch } of events) {
        const dayOf = new Float64Array(length);
        for (let i = 0; i < length; i++)
          dayOf[i] = entity[i]! < 0 || to[i] !== Infinity ? NaN : days.of(time[i]!);
        yield { length, vectors: batch.vectors, days: dayOf };
      }
    },
  };
}
