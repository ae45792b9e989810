/** The profile of a feature, alone or beside a reference. */
import { useState } from "preact/hooks";
import type { ColumnProfile, ProfileReport } from "../../api/types.ts";
import type { Asked } from "../../api/use-answer.ts";
import { Bars, type Bar } from "../../charts/bars.tsx";
import { StepChart } from "../../charts/step-chart.tsx";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { numberText } from "../../parts/texts.ts";
import { Comparison } from "./comparison.tsx";
import { ReferenceForm } from "./reference-form.tsx";
import { firstReference, type Reference } from "./references.ts";
import { StatisticsTable } from "./statistics-table.tsx";

const DAY = 86_400_000;

interface Shown {
  readonly view: string;
  readonly name: string;
}

export function FeatureProfile({
  view,
  name,
  asked,
}: Shown & { readonly asked: Asked<ProfileReport> }): preact.JSX.Element {
  return (
    <Card title="Profile of the materialized days">
      <Loaded asked={asked}>
        {(report) =>
          report.all.rows === 0 ? (
            <p class="hint">
              No day is materialized. Run <code>tidemark materialize</code>.
            </p>
          ) : (
            <Profile view={view} name={name} report={report} />
          )
        }
      </Loaded>
    </Card>
  );
}

function Profile({
  view,
  name,
  report: { all, days },
}: Shown & { readonly report: ProfileReport }): preact.JSX.Element {
  const dayNames = days.map(({ day }) => day);
  const [reference, setReference] = useState<Reference>(() => firstReference(dayNames));
  const column = all.columns[0]!;
  return (
    <>
      <ReferenceForm name={name} days={dayNames} reference={reference} onReference={setReference} />
      {reference.body === null ? (
        <>
          <StatisticsTable sides={[{ title: "All days", profile: column }]} />
          <Values column={column} />
        </>
      ) : (
        <Comparison view={view} name={name} reference={reference} />
      )}
      {typeof column.mean === "number" ? (
        <>
          <h3>Mean by day</h3>
          <StepChart
            label={`Mean of ${name} by day`}
            steps={days.map(({ day, columns: [profile] }) => ({
              at: Date.parse(day),
              value: typeof profile!.mean === "number" ? profile!.mean : null,
            }))}
            from={Date.parse(dayNames[0]!)}
            to={Date.parse(dayNames.at(-1)!) + DAY}
          />
        </>
      ) : null}
    </>
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
