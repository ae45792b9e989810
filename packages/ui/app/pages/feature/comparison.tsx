/** The profile of a feature beside its reference, and how far they are from each other. */
import type { DriftReport, SharedProfiles } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { PairedBars, type PairedBar } from "../../charts/paired-bars.tsx";
import { MEASURES } from "../../parts/drift-measures.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { numberText } from "../../parts/texts.ts";
import type { Reference } from "./references.ts";
import { StatisticsTable } from "./statistics-table.tsx";

const TITLES = { current: "These days", reference: "Reference" };

export function Comparison({
  view,
  name,
  reference,
}: {
  readonly view: string;
  readonly name: string;
  readonly reference: Reference;
}): preact.JSX.Element {
  // a look at data is no result that others wait for
  const asked = useAnswer<DriftReport>("v1/drift", {
    body: { view, columns: [name], profiles: true, record: false, ...reference.body },
  });
  return (
    <Loaded asked={asked}>
      {(report) => {
        const [column] = report.columns;
        if (column?.profiles === undefined)
          return <p class="hint">The reference has no {name} of this kind.</p>;
        const { profiles } = column;
        return (
          <>
            <p>
              {report.from === null ? "All materialized days" : `The days from ${report.from} on`},
              beside {report.reference}.
            </p>
            <StatisticsTable
              sides={[
                { title: TITLES.current, profile: profiles.current },
                { title: TITLES.reference, profile: profiles.reference },
              ]}
            />
            <Distances column={column} thresholds={report.thresholds} />
            <SameBins profiles={profiles} />
          </>
        );
      }}
    </Loaded>
  );
}

function Distances({
  column,
  thresholds,
}: {
  readonly column: DriftReport["columns"][number];
  readonly thresholds: DriftReport["thresholds"];
}): preact.JSX.Element {
  return (
    <>
      <h3>Distances</h3>
      <div class="scroll" role="region" aria-label="Distances" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Measure</th>
              <th scope="col" class="number">
                Distance
              </th>
              <th scope="col">Threshold</th>
            </tr>
          </thead>
          <tbody>
            {MEASURES.map(([measure, title]) => {
              const [value, threshold] = [column[measure], thresholds[measure]];
              if (value === null) return null;
              return (
                <tr key={measure}>
                  <th scope="row">{title}</th>
                  <td class="number">{numberText(value)}</td>
                  <td>
                    {threshold === undefined ? "none" : numberText(threshold)}
                    {column.exceeded.includes(measure) ? <strong> drifted</strong> : null}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** The values of both sides in the same bins. */
function SameBins({ profiles }: { readonly profiles: SharedProfiles }): preact.JSX.Element | null {
  const { current, reference, histogram, frequent } = profiles;
  if (current.isHidden) return <p class="hint">The values are personal, so they are not shown.</p>;
  const text = (value: number | string | boolean): string =>
    typeof value === "number" ? numberText(value) : String(value);
  const bars: readonly PairedBar[] | null =
    histogram !== null
      ? histogram.current.map((count, i) => ({
          label: `${text(histogram.edges[i]!)} to ${text(histogram.edges[i + 1]!)}`,
          current: count,
          reference: histogram.reference[i]!,
        }))
      : (frequent?.map(({ value, rows, referenceRows }) => ({
          label: text(value),
          current: rows,
          reference: referenceRows,
        })) ?? null);
  return bars === null ? null : (
    <>
      <h3>{histogram === null ? "Most frequent values" : "Histogram"}</h3>
      <PairedBars
        label="Values of both sides"
        bars={bars}
        titles={TITLES}
        rows={{ current: current.rows, reference: reference.rows }}
      />
    </>
  );
}
