/** The entity logs of the online store, and the entities with the most rows. */
import type { StoreStorage } from "../../api/types.ts";
import { DataTable } from "../../parts/data-table.tsx";
import type { JsonValue } from "../../parts/json-value.ts";
import { countText, rowText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

type EntityLog = NonNullable<StoreStorage["online"]>["entityLogs"][number];

export function EntityLogs({ logs }: { readonly logs: readonly EntityLog[] }): preact.JSX.Element {
  const entities = logs
    .flatMap(({ source, largest }) => largest.map((one) => ({ source, ...one })))
    .sort((a, b) => b.rows - a.rows)
    .slice(0, 20);
  return (
    <>
      <DataTable
        label="Entity logs"
        rows={logs}
        empty="The online store has no rows yet."
        columns={[
          {
            title: "Source",
            cell: ({ source }) => <a href={hrefOf(["sources", source])}>{source}</a>,
          },
          { title: "By", cell: ({ keys }) => keys.join(", ") },
          {
            title: "Entities",
            isNumber: true,
            cell: ({ entities: count, isWhole }) =>
              `${isWhole ? "" : "at least "}${countText(count)}`,
          },
          { title: "Rows", isNumber: true, cell: ({ rows }) => countText(rows) },
          { title: "Segments", isNumber: true, cell: ({ segments }) => countText(segments) },
        ]}
      />
      <h3>Entities with the most rows</h3>
      <DataTable
        label="Entities with the most rows"
        rows={entities}
        columns={[
          {
            title: "Entity",
            cell: ({ key }) => rowText(key as { readonly [column: string]: JsonValue }),
          },
          { title: "Source", cell: ({ source }) => source },
          { title: "Rows", isNumber: true, cell: ({ rows }) => countText(rows) },
          { title: "Segments", isNumber: true, cell: ({ segments }) => countText(segments) },
        ]}
      />
    </>
  );
}
