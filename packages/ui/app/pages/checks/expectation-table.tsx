/** The expectations that a check of the data has looked at. */
import type { CheckResults } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText, numberText, shortTime } from "../../parts/texts.ts";

export function ExpectationTable({
  expectations,
}: {
  readonly expectations: CheckResults["expectations"];
}): preact.JSX.Element {
  // those that fail come first
  const sorted = expectations.toSorted((a, b) => Number(a.holds) - Number(b.holds));
  return (
    <DataTable
      label="Expectations"
      rows={sorted}
      empty="None was checked yet. tidemark quality checks them."
      columns={[
        {
          title: "State",
          cell: ({ holds, severity }) =>
            holds ? (
              <Badge tone="good">holds</Badge>
            ) : (
              <Badge tone={severity === "error" ? "bad" : "warn"}>{severity}</Badge>
            ),
        },
        { title: "Expectation", cell: ({ expectation }) => expectation },
        { title: "On", cell: ({ on }) => on },
        { title: "Quality", cell: ({ quality }) => quality },
        {
          title: "Measured",
          isNumber: true,
          cell: ({ measured }) => (measured === null ? "" : numberText(measured)),
        },
        { title: "Against it", isNumber: true, cell: ({ failing }) => countText(failing) },
        { title: "Checked", cell: ({ checkedAt }) => shortTime(checkedAt) },
      ]}
    />
  );
}
