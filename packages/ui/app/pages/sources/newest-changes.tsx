/** The newest changes of a source: each as its message said it, and as it was decoded. */
import type { LoggedChange } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { placeText, rowText, shortTime } from "../../parts/texts.ts";
import { OriginalBytes } from "./message-bytes.tsx";

export function NewestChanges({ source }: { readonly source: string }): preact.JSX.Element {
  const asked = useAnswer<{ readonly changes: readonly LoggedChange[] }>(
    `v1/changes/${encodeURIComponent(source)}?limit=20`,
    { every: 10_000 },
  );
  return (
    <Card title="Newest changes">
      <Loaded asked={asked}>
        {({ changes }) => (
          <DataTable
            label="Newest changes"
            rows={changes}
            columns={[
              {
                title: "Committed",
                cell: ({ committed }) => (
                  <code>{committed === null ? "unknown" : shortTime(committed)}</code>
                ),
              },
              { title: "Change", cell: (change) => <Kind change={change} /> },
              { title: "As decoded", cell: (change) => <Decoded change={change} /> },
              {
                title: "As the message said it",
                cell: ({ message, original }) =>
                  message === null ? (
                    <OriginalBytes original={original} />
                  ) : (
                    <details>
                      <summary>Row</summary>
                      <code class="exact">{message}</code>
                    </details>
                  ),
              },
              { title: "Place", cell: placeText },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Kind({ change }: { readonly change: LoggedChange }): preact.JSX.Element {
  const { kind, op, isSnapshot, undecodable } = change;
  return (
    <>
      <Badge tone={undecodable === null ? "plain" : "bad"}>
        {undecodable === null ? kind : "undecodable"}
      </Badge>{" "}
      <small>
        {op === null ? "" : `op ${op}`}
        {isSnapshot ? ", snapshot" : ""}
      </small>
    </>
  );
}

function Decoded({
  change: { row, undecodable, invalid },
}: {
  readonly change: LoggedChange;
}): preact.JSX.Element {
  return (
    <>
      {row === null ? null : <code class="exact">{rowText(row)}</code>}
      {undecodable === null ? null : <p>{undecodable}</p>}
      {invalid.map(({ column, reason }) => (
        <small key={column}>
          {" "}
          {column}: {reason}
        </small>
      ))}
    </>
  );
}
