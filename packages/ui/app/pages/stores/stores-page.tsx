/** What the stores hold: tables, entities with many rows, and what to do about them. */
import type { StoreStorage } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { bytesText, countText, shortTime } from "../../parts/texts.ts";
import { EntityLogs } from "./entity-logs.tsx";

export function StoresPage(): preact.JSX.Element {
  const storage = useAnswer<StoreStorage>("v1/tables", { every: 30_000 });
  return (
    <>
      <h1>Stores</h1>
      <Loaded asked={storage}>
        {({ history, online, advice }) => (
          <>
            <Card title="Advice">
              {advice.length === 0 ? (
                <p class="hint">Nothing needs to be done.</p>
              ) : (
                <ul>
                  {advice.map((sentence) => (
                    <li key={sentence}>{sentence}</li>
                  ))}
                </ul>
              )}
            </Card>
            <Card title="Online store">
              {online === null ? (
                <p class="hint">This store has no online store.</p>
              ) : (
                <>
                  <p>
                    {online.store}:{" "}
                    {online.cells === null ? "" : `${countText(online.cells)} cells, `}
                    {online.bytes === null ? "its size is not known" : bytesText(online.bytes)}.
                  </p>
                  <EntityLogs logs={online.entityLogs} />
                </>
              )}
            </Card>
            <Card title="History">
              {history === null ? (
                <p class="hint">This store has no history.</p>
              ) : (
                <History history={history} />
              )}
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}

function History({
  history: { store, tables },
}: {
  readonly history: NonNullable<StoreStorage["history"]>;
}): preact.JSX.Element {
  if (tables === null) return <p>{store} does not describe its tables.</p>;
  const total = tables.reduce((sum, { bytes }) => sum + bytes, 0);
  return (
    <>
      <p>
        {store}: {countText(tables.length)} tables, {bytesText(total)}.
      </p>
      <DataTable
        label="Tables of the history"
        rows={tables}
        empty="The history has no table yet."
        columns={[
          { title: "Table", cell: ({ table }) => table },
          { title: "Holds", cell: ({ holds }) => holds },
          { title: "Rows", isNumber: true, cell: ({ rows }) => countText(rows) },
          { title: "Files", isNumber: true, cell: ({ files }) => countText(files) },
          { title: "Size", isNumber: true, cell: ({ bytes }) => bytesText(bytes) },
          { title: "Version", isNumber: true, cell: ({ version }) => version },
          { title: "Oldest", cell: ({ oldest }) => oldest?.slice(0, 10) ?? "" },
          { title: "Newest", cell: ({ newest }) => newest?.slice(0, 10) ?? "" },
          {
            title: "Changed",
            cell: ({ changed }) => (changed === null ? "" : shortTime(changed.slice(0, 16))),
          },
        ]}
      />
    </>
  );
}
