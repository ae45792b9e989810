/** What a source did not take, by reason, with the first message of each. */
import type { SourceStatus } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText, placeText } from "../../parts/texts.ts";

type NotTaken = NonNullable<SourceStatus["online"]>["notTaken"][number];

export function NotTakenList({ list }: { readonly list: readonly NotTaken[] }): preact.JSX.Element {
  return (
    <DataTable
      label="What was not taken"
      rows={list}
      empty="Every message and every value was taken."
      columns={[
        { title: "Kind", cell: ({ kind }) => <Badge tone="warn">{kind}</Badge> },
        { title: "Reason", cell: ({ reason }) => reason },
        { title: "Column", cell: ({ column }) => column ?? "" },
        { title: "Count", isNumber: true, cell: ({ count }) => countText(count) },
        {
          title: "The first",
          cell: ({ first }) => (
            <>
              {first.message} <small>{placeText(first)}</small>
            </>
          ),
        },
      ]}
    />
  );
}
