/** The answers of a service in the serving log, as rows of the days on which they were given. */
import { valueAt, vectorOf } from "../columns/batch.ts";
import { isTidemarkError } from "../errors.ts";
import { sensitivityOf } from "../plan/sensitivity.ts";
import { parseMembers, valueOfJson } from "../serving-log/json-values.ts";
import { LOG_TABLE } from "../serving-log/log-table.ts";
import type { ColumnSpec, ServiceSpec, Value } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { joinedRanges } from "./day-ranges.ts";
import type { DayRows } from "./day-rows.ts";
import { dayOfText, daysIn } from "./days.ts";
import { measuredColumn } from "./measured-column.ts";
import { noRows, subjectFingerprint, type ProfileSubject } from "./profile-subject.ts";

/** The name of the table with the profiles of what a service answered. */
export function servedProfiles({ name }: Pick<ServiceSpec, "name">): string {
  return `serving-log/${name.replace(/[^A-Za-z0-9_.-]/g, "_")}/profiles`;
}

/** What a service answered, by the UTC day of the answers. Other definitions' values count too. */
export function serviceSubject(offline: OfflineStore, service: ServiceSpec): ProfileSubject {
  const columns = service.features.map((one) =>
    measuredColumn(
      { ...one.feature.result, name: one.as, nullable: true },
      sensitivityOf(one).sensitivity === "pii",
    ),
  );
  return {
    kind: "service",
    name: service.name,
    table: servedProfiles(service),
    columns,
    startOf: daysIn("UTC").startOf,
    keys: [],
    fingerprint: subjectFingerprint(columns, "", null),
    async open(signal) {
      const state = await offline.state(LOG_TABLE.name, { signal });
      if (state === null) return noRows(columns);
      const { version } = state;
      // rows of the log are never changed, and an erasure removes the profiles
      const counts = await rowsByDate(offline, service, version, signal);
      return {
        rows: answeredRows(offline, service, { columns, version, dates: Object.keys(counts) }),
        checked: counts,
        async staleSince(checked) {
          const before = (checked ?? {}) as Readonly<Record<string, number>>;
          const dates = new Set([...Object.keys(before), ...Object.keys(counts)]);
          const changed = [...dates].filter((date) => before[date] !== counts[date]);
          return joinedRanges(
            changed.map((date) => ({ from: dayOfText(date)!, to: dayOfText(date)! })),
          );
        },
      };
    },
  };
}

/** The number of answers of the service on each date of the log. */
async function rowsByDate(
  offline: OfflineStore,
  service: ServiceSpec,
  version: number,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  const scan = { columns: ["date", "service"], version, signal };
  for await (const { length, vectors } of offline.scan(LOG_TABLE.name, scan))
    for (let i = 0; i < length; i++) {
      if (valueAt(vectors[1]!, i) !== service.name) continue;
      const date = valueAt(vectors[0]!, i) as string;
      counts[date] = (counts[date] ?? 0) + 1;
    }
  return counts;
}

function answeredRows(
  offline: OfflineStore,
  service: ServiceSpec,
  {
    columns,
    version,
    dates,
  }: {
    readonly columns: DayRows["columns"];
    readonly version: number;
    readonly dates: readonly string[];
  },
): DayRows {
  return {
    columns,
    async *batches({ columns: asked, days, signal }) {
      const wanted = dates.filter((date) => {
        const day = dayOfText(date)!;
        return day >= days.from && day <= days.to;
      });
      if (wanted.length === 0) return;
      const scan = {
        columns: ["date", "service", "values"],
        version,
        partitions: { date: wanted },
        signal,
      };
      for await (const { length, vectors } of offline.scan(LOG_TABLE.name, scan)) {
        const rows: {
          readonly day: number;
          readonly members: Readonly<Record<string, unknown>>;
        }[] = [];
        for (let i = 0; i < length; i++) {
          const [date, name, values] = vectors.map((vector) => valueAt(vector, i) as string | null);
          if (name !== service.name) continue;
          rows.push({ day: dayOfText(date)!, members: parseMembers(values!) });
        }
        yield {
          length: rows.length,
          days: Float64Array.from(rows, ({ day }) => day),
          vectors: asked.map(({ column }) =>
            vectorOf(column, rows, ({ members }) => readable(column, members[column.name])),
          ),
        };
      }
    },
  };
}

/** The value; null if it is none of the type that the feature has today. */
function readable(column: ColumnSpec, given: unknown): Value {
  try {
    return valueOfJson(column, given);
  } catch (error) {
    if (isTidemarkError(error, "KEY_INVALID")) return null;
    throw error;
  }
}
