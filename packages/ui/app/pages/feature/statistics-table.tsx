/** The statistics of one profile, or of two beside each other. */
import type { ColumnProfile } from "../../api/types.ts";
import { countText, numberText } from "../../parts/texts.ts";

/** A profile with its title. */
export interface ProfileSide {
  readonly title: string;
  readonly profile: ColumnProfile;
}

const text = (value: number | string | boolean | null): string =>
  typeof value === "number" ? numberText(value) : String(value ?? "none");

const STATISTICS: readonly (readonly [string, (profile: ColumnProfile) => string])[] = [
  ["Rows", ({ rows }) => countText(rows)],
  ["Nulls", ({ nulls, nullRate }) => `${countText(nulls)} (${numberText(100 * nullRate)} %)`],
  ["Distinct", ({ distinct, isExact }) => `${isExact ? "" : "about "}${countText(distinct)}`],
  ["Least", ({ min }) => text(min)],
  ["Median", ({ quantiles }) => text(quantiles?.p50 ?? null)],
  ["Greatest", ({ max }) => text(max)],
  ["Mean", ({ mean }) => text(mean)],
  ["Standard deviation", ({ stddev }) => text(stddev)],
];

export function StatisticsTable({
  sides,
}: {
  readonly sides: readonly ProfileSide[];
}): preact.JSX.Element {
  return (
    <div class="scroll" role="region" aria-label="Statistics" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Statistic</th>
            {sides.map(({ title }) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {STATISTICS.map(([title, valueOf]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              {sides.map((side) => (
                <td key={side.title} class="exact">
                  {valueOf(side.profile)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
