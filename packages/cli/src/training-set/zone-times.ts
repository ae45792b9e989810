/** Moves times without a zone, which were read as UTC, to a zone (law 10). */
import { TidemarkError } from "@tidemark/core";
import { formatTime, parseTime, type Vector } from "@tidemark/core/spi";

type TimeArray = Extract<Vector, { kind: "float64" }>;

export function timesInZone({ values, valid, kind }: TimeArray, zone: string): TimeArray {
  if (zone === "UTC") return { kind, values, valid };
  return {
    kind,
    valid,
    values: values.map((time, i) => {
      if (valid !== null && valid[i] === 0) return time;
      const moved = parseTime(formatTime(time).slice(0, -1), zone);
      if (moved === null)
        throw new TidemarkError(
          "TIME_INVALID",
          `entity rows: ${formatTime(time)} by the clocks of ${zone} is beyond the times that ` +
            "there are (law 10)",
        );
      return moved;
    }),
  };
}
