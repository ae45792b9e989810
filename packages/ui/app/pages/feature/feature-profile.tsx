/** The profile of a feature: statistics, values, and the mean of each day. */
import type { ProfileReport } from "../../api/types.ts";
import type { Asked } from "../../api/use-answer.ts";
import { Bars, type Bar } from "../../charts/bars.tsx";
import { StepChart } from "../../charts/step-chart.tsx";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText, numberText } from "../../parts/texts.ts";

type ColumnProfile = ProfileReport["all"]["columns"][number];
const DAY = 86_400_000;

export function FeatureProfile({
  name,
  asked,
}: {
  readonly name: string;
  readonly asked: Asked<ProfileReport>;
}): preact.JSX.Element {
  return (
    <Card title="Profile of the materialized days">
      <Loaded asked={asked}>
        {({ all, days }) => {
          const [column] = all.columns;
          if (column === undefined || all.rows === 0)
            return (
              <p class="hint">
                No day is materialized. Run <code>tidemark materialize</code>.
              </p>
            );
          const byDay = days.map((day) => ({ day: Date.parse(day.day), profile: day.columns[0]! }));
          const [first, last] = [byDay[0]!.day, byDay.at(-1)!.day + DAY];
          return (
            <>
              <Numbers column={column} />
              <Values column={column} />
              {typeof column.mean === "number" ? (
                <>
                  <h3>Mean by day</h3>
                  <StepChart
                    label={`Mean of ${name} by day`}
                    steps={byDay.map(({ day, profile }) => ({
                      at: day,
                      value: typeof profile.mean === "number" ? profile.mean : null,
                    }))}
                    from={first}
                    to={last}
                  />
                </>
              ) : null}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function Numbers({ column }: { readonly column: ColumnProfile }): preact.JSX.Element {
  const { rows, nulls, nullRate, distinct, isExact, min, max, mean, stddev, quantiles } = column;
  const text = (value: number | string | boolean | null): string =>
    typeof value === "number" ? numberText(value) : String(value ?? "none");
  const list: readonly (readonly [string, string])[] = [
    ["Rows", countText(rows)],
    ["Nulls", `${countText(nulls)} (${numberText(100 * nullRate)} %)`],
    ["Distinct", `${isExact ? "" : "about "}${countText(distinct)}`],
    ["Least", text(min)],
    ["Median", quantiles === null ? "none" : text(quantiles.p50)],
    ["Greatest", text(max)],
    ["Mean", text(mean)],
    ["Standard deviation", text(stddev)],
  ];
  return (
    <div class="scroll" role="region" aria-label="Statistics" tabIndex={0}>
      <table>
        <tbody>
          {list.map(([title, value]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="exact">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Values({ column }: { readonly column: ColumnProfile }): preact.JSX.Element | null {
  const { histogram, frequent, isHidden } = column;
  if (isHidden) return <p class="hint">The values are personal, so they are not shown.</p>;
  const text = (value: number | string | boolean): string =>
    typeof value === "number" ? numberText(value) : String(value);
  const bars: readonly Bar[] | null =
    histogram !== null
      ? histogram.counts.map((count, i) => ({
          label: `${text(histogram.edges[i]!)} to ${text(histogram.edges[i + 1]!)}`,
          count,
        }))
      : (frequent?.map(({ value, rows }) => ({ label: text(value), count: rows })) ?? null);
  return bars === null ? null : (
    <>
      <h3>{histogram === null ? "Most frequent values" : "Histogram"}</h3>
      <Bars label="Values" bars={bars} />
    </>
  );
}
