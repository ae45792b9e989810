/** How far the stores are behind each partition of the log. */
import type { SourceStatus } from "../../api/types.ts";
import { DataTable } from "../../parts/data-table.tsx";
import { countText, secondsText } from "../../parts/texts.ts";

export function PartitionLags({
  sources,
}: {
  readonly sources: readonly SourceStatus[];
}): preact.JSX.Element {
  const rows = sources.flatMap(({ source, lag }) =>
    (lag?.partitions ?? []).map((partition) => ({ source, ...partition })),
  );
  return (
    <DataTable
      label="Lag of partitions"
      rows={rows}
      empty="No run has measured a lag yet. tidemark run measures it."
      columns={[
        { title: "Partition", cell: ({ partition }) => partition },
        { title: "Messages", isNumber: true, cell: ({ messages }) => countText(messages) },
        {
          title: "Late",
          isNumber: true,
          cell: ({ seconds }) => (seconds === null ? "?" : secondsText(seconds)),
        },
      ]}
    />
  );
}
