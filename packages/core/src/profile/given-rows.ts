/** Rows that a caller gives, such as a training set or a Parquet file. */
import { numbersOf } from "../offline/events-builder.ts";
import { TidemarkError } from "../errors.ts";
import { metadataOf } from "../metadata.ts";
import type { DayRange, DayRows } from "./day-rows.ts";
import type { Days } from "./days.ts";
import { measuredColumn } from "./measured-column.ts";
import type { ProfiledRows } from "./profile-types.ts";

/** The column with the times of rows that are given. */
const TIME = "event_timestamp";

/** The day of rows without a time. */
export const NO_DAY: number = Number.MIN_SAFE_INTEGER;

/**
 * Reads given rows by the day of their `event_timestamp`.
 *
 * @throws PROFILE_INVALID when days are asked of rows without `event_timestamp`.
 */
export function givenRows(given: ProfiledRows, days: Days, { from, to }: DayRange): DayRows {
  const { name = "rows" } = given;
  const isWhole = from === -Infinity && to === Infinity;
  const time = given.columns.findIndex((one) => one.name === TIME && one.type === "timestamp");
  if (!isWhole && time < 0)
    throw new TidemarkError(
      "PROFILE_INVALID",
      `${name}: from and to need a column ${TIME} with times, and there is none; leave them out`,
    );
  const columns = given.columns.map((column) =>
    measuredColumn(column, metadataOf(column)?.sensitivity === "pii"),
  );
  const dayOf = (at: number): number => (Number.isNaN(at) ? NO_DAY : days.of(at));
  return {
    columns,
    async *batches({ columns: asked, signal }) {
      const places = asked.map((one) => columns.indexOf(one));
      for await (const { length, vectors } of given.batches({ signal })) {
        const times =
          time < 0 ? new Float64Array(length).fill(NaN) : numbersOf(vectors[time]!, length, NaN);
        yield {
          length,
          vectors: places.map((place) => vectors[place]!),
          days: Float64Array.from({ length }, (_, i) => dayOf(times[i]!)),
        };
      }
    },
  };
}
