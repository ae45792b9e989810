/** Notices a source whose event times all lie in January 1970, or far in the future. */
import { formatTime } from "../../time/parse-time.ts";
import type { SourceSpec, Value } from "../../specs.ts";
import { JANUARY_1970, OLDEST_COMMIT } from "./time-unit.ts";

/** 2200-01-01, µs. */
const FAR_OFF = 7_258_118_400_000_000;

/**
 * Makes a function that looks at the event time of each row. It warns once, while no event time of
 * the run was another.
 */
export function eventTimeWatch(
  source: SourceSpec,
  warn: (code: string, subject: string, message: string) => void,
): (values: readonly Value[], committed: number | null) => void {
  const { eventTime } = source;
  const index =
    eventTime.kind === "column"
      ? source.columns.findIndex(
          ({ name, type }) => name === eventTime.column && type === "timestamp",
        )
      : -1;
  let ended = index < 0;
  return (values, committed) => {
    if (ended) return;
    const time = values[index] as number | null;
    if (time === null || committed === null || committed < OLDEST_COMMIT) return;
    ended = true;
    const early = Math.abs(time) < JANUARY_1970;
    if (!early && time < FAR_OFF) return;
    const name = `${source.table}.${source.columns[index]!.database}`;
    warn(
      early ? "EVENT_TIMES_IN_1970" : "EVENT_TIMES_FAR_OFF",
      "",
      `the event times of ${name} begin with ${formatTime(time)}, and their commits with ` +
        `${formatTime(committed)}; if the number counts another unit, set times ` +
        `(--time-unit ${name}=UNIT with ns, us, ms, s or days), and read the log again`,
    );
  };
}
