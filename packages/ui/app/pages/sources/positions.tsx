/** The positions of the stores in a source's log. */
import type { SourceStatus } from "../../api/types.ts";
import { DataTable } from "../../parts/data-table.tsx";

export function Positions({ status }: { readonly status: SourceStatus }): preact.JSX.Element {
  const online = new Map(status.online?.positions.map((one) => [one.partition, one.offset]));
  const history = new Map(status.history?.positions.map((one) => [one.partition, one.offset]));
  const lags = new Map(status.lag?.partitions.map((one) => [one.partition, one.messages]));
  const partitions = [...new Set([...online.keys(), ...history.keys()])].sort();
  return (
    <DataTable
      label="Positions"
      rows={partitions}
      columns={[
        { title: "Partition", cell: (partition) => partition },
        { title: "Online store", isNumber: true, cell: (partition) => online.get(partition) ?? "" },
        { title: "History", isNumber: true, cell: (partition) => history.get(partition) ?? "" },
        {
          title: "Lag in messages",
          isNumber: true,
          cell: (partition) => lags.get(partition) ?? "",
        },
      ]}
    />
  );
}
