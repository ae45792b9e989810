/** How far a feature was from its references, by the time when it was measured. */
import { useState } from "preact/hooks";
import type { DriftHistoryJson, MeasuredDrift } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { StepChart } from "../../charts/step-chart.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { MEASURES, type Measure } from "../../parts/drift-measures.ts";
import { SelectField } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { numberText, shortTime } from "../../parts/texts.ts";
import { useClock } from "../../shell/store-time.ts";

/** The results that are asked for, and those that the table lists. */
const [MOST_DRAWN, MOST_LISTED] = [1000, 20];

export function DriftOverTime({
  view,
  name,
}: {
  readonly view: string;
  readonly name: string;
}): preact.JSX.Element {
  const query = new URLSearchParams({ view, column: name, limit: String(MOST_DRAWN) });
  const asked = useAnswer<DriftHistoryJson>(`v1/drift?${query.toString()}`);
  return (
    <>
      <h3>Drift by the time of its measurement</h3>
      <Loaded asked={asked}>
        {({ results }) =>
          results.length === 0 ? (
            <p class="hint">
              No drift of it was measured yet. Run{" "}
              <code>tidemark drift {view} --reference FROM..TO</code>, which compares its days with
              those.
            </p>
          ) : (
            <Measured name={name} results={results} />
          )
        }
      </Loaded>
    </>
  );
}

function Measured({
  name,
  results,
}: {
  readonly name: string;
  /** Newest first. */
  readonly results: readonly MeasuredDrift[];
}): preact.JSX.Element {
  const there = MEASURES.filter(([measure]) =>
    results.some(({ measures }) => measures[measure] !== undefined),
  );
  const [measure, setMeasure] = useState<Measure>(there[0]?.[0] ?? "psi");
  const title = there.find(([one]) => one === measure)?.[1] ?? measure;
  const limit = results.find(({ thresholds }) => thresholds[measure] !== undefined)?.thresholds[
    measure
  ];
  const steps = results
    .map(({ measuredAt, measures }) => ({
      at: Date.parse(measuredAt),
      value: measures[measure] ?? null,
    }))
    .toReversed();
  const from = steps[0]!.at;
  return (
    <>
      <div class="form">
        <SelectField
          label="Measure"
          value={measure}
          onValue={(value) => setMeasure(value as Measure)}
          options={there}
        />
      </div>
      <StepChart
        label={
          `${title} of ${name} by the time of its measurement` +
          (limit === undefined ? "" : `, with the threshold ${numberText(limit)}`)
        }
        steps={steps}
        from={from}
        to={Math.max(useClock()(), steps.at(-1)!.at + 1)}
        limit={limit}
      />
      <p class="hint">
        {limit === undefined
          ? `${title} has no threshold.`
          : `The dashed line is the threshold of ${title}, ${numberText(limit)}.`}
      </p>
      <DataTable
        label={`Drift of ${name}`}
        rows={results.slice(0, MOST_LISTED)}
        columns={[
          { title: "Measured", cell: ({ measuredAt }) => shortTime(measuredAt) },
          { title: "Days", cell: daysOf },
          { title: "Reference", cell: ({ reference }) => reference },
          ...there.map(([one, text]) => ({
            title: text,
            isNumber: true,
            cell: ({ measures, exceeded }: MeasuredDrift) =>
              measures[one] === undefined ? (
                ""
              ) : (
                <>
                  {numberText(measures[one])}
                  {exceeded.includes(one) ? <strong> drifted</strong> : null}
                </>
              ),
          })),
        ]}
      />
    </>
  );
}

/** The days that were compared. */
function daysOf({ from, to }: MeasuredDrift): string {
  if (from === null && to === null) return "all";
  if (from === to) return from!;
  return `${from ?? "the first"} to ${to ?? "the last"}`;
}
