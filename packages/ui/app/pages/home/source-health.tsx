/** One line for each source: ready, late, fresh, quarantined. */
import type { SourceReadiness, SourceStatus } from "../../api/types.ts";
import { Ago } from "../../parts/ago.tsx";
import { Badge } from "../../parts/badge.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { countText, secondsText } from "../../parts/texts.ts";
import { hrefOf } from "../../routing/router.ts";

export function SourceHealth({
  sources,
  readiness,
}: {
  readonly sources: readonly SourceStatus[];
  readonly readiness: readonly SourceReadiness[];
}): preact.JSX.Element {
  const ready = new Map(readiness.map((one) => [one.source, one]));
  return (
    <DataTable
      label="State of the sources"
      rows={sources}
      empty="The definitions have no source."
      columns={[
        {
          title: "Source",
          cell: ({ source }) => <a href={hrefOf(["sources", source])}>{source}</a>,
        },
        { title: "State", cell: (one) => <State readiness={ready.get(one.source)} status={one} /> },
        { title: "Lag", cell: ({ lag, lagUnknown }) => lagText(lag, lagUnknown) },
        {
          title: "Last event",
          cell: ({ lastEvent }) => (lastEvent === null ? "none" : <Ago time={lastEvent} />),
        },
        {
          title: "Last commit",
          cell: ({ lastCommit }) => (lastCommit === null ? "none" : <Ago time={lastCommit} />),
        },
        {
          title: "Rows taken",
          isNumber: true,
          cell: ({ rowsTaken }) => (rowsTaken === null ? "?" : countText(rowsTaken)),
        },
        {
          title: "Quarantined",
          isNumber: true,
          cell: ({ source, online }) => {
            const rows = online?.quarantinedRows ?? 0;
            return rows === 0 ? "0" : <a href={hrefOf(["sources", source])}>{countText(rows)}</a>;
          },
        },
      ]}
    />
  );
}

function State({
  readiness,
  status: { problem, resnapshotting, backpressure },
}: {
  readonly readiness: SourceReadiness | undefined;
  readonly status: SourceStatus;
}): preact.JSX.Element {
  if (problem !== null) return <Badge tone="bad">{problem.code}</Badge>;
  if (readiness?.reason != null)
    return (
      <>
        <Badge tone="bad">{readiness.reason}</Badge> <small>{readiness.message}</small>
      </>
    );
  if (resnapshotting) return <Badge tone="warn">resnapshot</Badge>;
  if (backpressure.length > 0) return <Badge tone="warn">a store is behind</Badge>;
  return <Badge tone="good">ready</Badge>;
}

function lagText(lag: SourceStatus["lag"], unknown: string | null): preact.JSX.Element | string {
  if (lag === null) return <small>{unknown ?? "not known"}</small>;
  const late = lag.seconds === null || lag.seconds === 0 ? "" : `, ${secondsText(lag.seconds)}`;
  return `${countText(lag.messages)} messages${late}`;
}
