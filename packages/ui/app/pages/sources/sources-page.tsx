/** What each source has taken, what it lacks, and the rows that are in no window. */
import type { QuarantinedJson, SourceStatus, StatusJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Ago } from "../../parts/ago.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { countText, placeText, rowText, shortTime } from "../../parts/texts.ts";
import { hrefOf, type Route } from "../../routing/router.ts";
import { Connectors } from "./connectors.tsx";
import { OriginalBytes } from "./message-bytes.tsx";
import { NewestChanges } from "./newest-changes.tsx";
import { NotTakenList } from "./not-taken-list.tsx";
import { Positions } from "./positions.tsx";

export function SourcesPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const status = useAnswer<StatusJson>("v1/status", { every: 3000 });
  const [, name] = route.path;
  return (
    <>
      <h1>{name === undefined ? "Sources" : `Source ${name}`}</h1>
      <Loaded asked={status}>
        {({ sources }) => {
          const source = sources.find((one) => one.source === name);
          if (name === undefined) return <AllSources sources={sources} />;
          return source === undefined ? (
            <p>There is no source {name}.</p>
          ) : (
            <OneSource status={source} />
          );
        }}
      </Loaded>
    </>
  );
}

function AllSources({
  sources,
}: {
  readonly sources: readonly SourceStatus[];
}): preact.JSX.Element {
  return (
    <>
      <Card title={`${sources.length} sources`}>
        <DataTable
          label="Sources"
          rows={sources}
          columns={[
            {
              title: "Source",
              cell: ({ source }) => <a href={hrefOf(["sources", source])}>{source}</a>,
            },
            {
              title: "Rows taken",
              isNumber: true,
              cell: ({ rowsTaken }) => (rowsTaken === null ? "?" : countText(rowsTaken)),
            },
            {
              title: "Changes in the history",
              isNumber: true,
              cell: ({ history }) => (history === null ? "" : countText(history.changes)),
            },
            {
              title: "Undecodable",
              isNumber: true,
              cell: ({ online }) => countText(online?.undecodable ?? 0),
            },
            {
              title: "Quarantined rows",
              isNumber: true,
              cell: ({ online }) => countText(online?.quarantinedRows ?? 0),
            },
            {
              title: "Last commit",
              cell: ({ lastCommit }) => (lastCommit === null ? "none" : <Ago time={lastCommit} />),
            },
          ]}
        />
      </Card>
      <Connectors />
    </>
  );
}

function OneSource({ status }: { readonly status: SourceStatus }): preact.JSX.Element {
  const { source, online, history, mismatches } = status;
  return (
    <>
      <p>
        <a href={hrefOf(["definitions", "source", source])}>Its definition</a>. Rows taken:{" "}
        {status.rowsTaken ?? "not known"}. Changes in the history: {history?.changes ?? "none"}.
        Last event: {status.lastEvent === null ? "none" : shortTime(status.lastEvent)}.
      </p>
      {mismatches.length === 0 ? null : (
        <Card title="The definition likely has a wrong name or type">
          <ul>
            {mismatches.map(({ column, reason, message }) => (
              <li key={`${column} ${reason}`}>
                <strong>{reason}</strong> {message}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="What was not taken">
        <NotTakenList list={online?.notTaken ?? []} />
      </Card>
      <Quarantine source={source} />
      {history === null ? null : <NewestChanges source={source} />}
      <Card title="Positions in the log">
        <Positions status={status} />
      </Card>
    </>
  );
}

function Quarantine({ source }: { readonly source: string }): preact.JSX.Element {
  const asked = useAnswer<QuarantinedJson>(`v1/quarantine/${encodeURIComponent(source)}`);
  return (
    <Card title="Quarantined rows">
      <p>They are in no window. A later change of the row may bring it back.</p>
      <Loaded asked={asked}>
        {({ rows }) => (
          <DataTable
            label="Quarantined rows"
            rows={rows}
            columns={[
              { title: "Key", cell: ({ key }) => rowText(key) },
              { title: "Column", cell: ({ column }) => column ?? "the whole content" },
              { title: "Reason", cell: ({ reason }) => reason },
              { title: "Message", cell: ({ original }) => <OriginalBytes original={original} /> },
              {
                title: "Committed",
                cell: ({ committed }) => (committed === null ? "" : shortTime(committed)),
              },
              {
                title: "Place",
                cell: ({ topic, partition, offset }) =>
                  topic === null ? "" : placeText({ topic, partition, offset }),
              },
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}
