/** How many messages violated the expectations that sources declare. */
import type { SourceStatus } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

const ON_VIOLATION = {
  flag: "is counted",
  quarantine: "quarantines the row",
  stop: "stops the run",
} as const;

export function ViolationTable({
  sources,
}: {
  readonly sources: readonly SourceStatus[];
}): preact.JSX.Element {
  const rows = sources.flatMap(({ source, online }) =>
    (online?.violations ?? []).map((one) => ({ source, ...one })),
  );
  return (
    <DataTable
      label="Violations"
      rows={rows}
      empty="No source declares an expectation."
      columns={[
        {
          title: "Source",
          cell: ({ source }) => <a href={hrefOf(["sources", source])}>{source}</a>,
        },
        { title: "Expectation", cell: ({ expectation }) => expectation },
        { title: "A violation", cell: ({ onViolation }) => ON_VIOLATION[onViolation] },
        {
          title: "Messages",
          isNumber: true,
          cell: ({ messages }) =>
            messages === 0 ? "0" : <Badge tone="warn">{countText(messages)}</Badge>,
        },
      ]}
    />
  );
}
