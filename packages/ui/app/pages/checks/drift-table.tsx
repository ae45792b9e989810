/** The columns whose drift was measured. */
import type { CheckResults } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { MEASURES } from "../../parts/drift-measures.ts";
import { numberText, shortTime } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

type Drift = CheckResults["drift"][number];

export function DriftTable({ drift }: { readonly drift: readonly Drift[] }): preact.JSX.Element {
  const sorted = drift.toSorted((a, b) => Number(b.isDrifted) - Number(a.isDrifted));
  return (
    <DataTable
      label="Drift of columns"
      rows={sorted}
      empty="None was measured yet. tidemark drift measures it."
      columns={[
        {
          title: "State",
          cell: ({ isDrifted }) =>
            isDrifted ? <Badge tone="warn">drifted</Badge> : <Badge tone="good">same</Badge>,
        },
        { title: "Of", cell: ({ of }) => of },
        { title: "Column", cell: (one) => <Column drift={one} /> },
        ...MEASURES.map(([measure, title]) => ({
          title,
          isNumber: true,
          cell: ({ measures }: Drift) =>
            measures[measure] === undefined ? "" : numberText(measures[measure]),
        })),
        { title: "Measured", cell: ({ measuredAt }) => shortTime(measuredAt) },
      ]}
    />
  );
}

/** The column; of a view it is a feature, which has a page. */
function Column({ drift: { of, column } }: { readonly drift: Drift }): preact.JSX.Element {
  const view = /^view (.*)$/.exec(of)?.[1];
  return view === undefined ? (
    <>{column}</>
  ) : (
    <a href={hrefOf(["feature", view, column])}>{column}</a>
  );
}
