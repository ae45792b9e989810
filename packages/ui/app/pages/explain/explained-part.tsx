/** One aggregate or fact: its window, the rows that count, and the rows just outside. */
import type { ExplainedPart as Part, ExplainedRow } from "../../api/types.ts";
import { WindowDrawing } from "../../charts/window-drawing.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable, type TableColumn } from "../../parts/data-table.tsx";
import { rowText, shortTime, valueText } from "../../parts/texts.ts";
import { RowVersions } from "./row-versions.tsx";

export function ExplainedPart({
  part,
  asOf,
}: {
  readonly part: Part;
  readonly asOf: string;
}): preact.JSX.Element {
  const since = [...part.inside, ...part.outside].filter((row) => changedSince(row, asOf));
  return (
    <Card title={part.of}>
      <p>
        Rows of {part.source} with {rowText(part.keys)}
        {part.filter === null ? "" : `, where ${part.filter}`}. It is{" "}
        <strong class="exact">{valueText(part.value)}</strong>.
      </p>
      <WindowDrawing part={part} />
      <h3>
        Inside: {part.insideCount} {part.insideCount === 1 ? "row counts" : "rows count"}
      </h3>
      <Rows label="Rows inside" rows={part.inside} total={part.insideCount} />
      <h3>
        Outside: {part.outsideCount} {part.outsideCount === 1 ? "row" : "rows"}
      </h3>
      <Rows label="Rows outside" rows={part.outside} total={part.outsideCount} />
      {since.length === 0 ? null : (
        <>
          <h3>What changed since {shortTime(asOf)}</h3>
          <Rows label="Rows that changed since" rows={since} total={since.length} />
        </>
      )}
    </Card>
  );
}

const BRINGS: TableColumn<ExplainedRow> = {
  title: "Brings",
  cell: ({ brings }) => <span class="exact">{rowText(brings)}</span>,
};
const WITHOUT: TableColumn<ExplainedRow> = {
  title: "Without it",
  cell: ({ without }) => <span class="exact">{valueText(without)}</span>,
};

/** Whether a version of the row was committed at the time of the answer or later. */
function changedSince({ versions }: ExplainedRow, asOf: string): boolean {
  return versions.some(({ knownFrom }) => knownFrom !== null && knownFrom >= asOf);
}

function Rows({
  label,
  rows,
  total,
}: {
  readonly label: string;
  readonly rows: readonly ExplainedRow[];
  readonly total: number;
}): preact.JSX.Element {
  const isOutside = rows.some(({ reason }) => reason !== null);
  return (
    <>
      {rows.length < total ? (
        <p class="hint">
          The newest {rows.length} of {total}.
        </p>
      ) : null}
      <DataTable
        label={label}
        rows={rows}
        columns={[
          {
            title: "Event time",
            cell: ({ time }) => <code>{time === null ? "none" : shortTime(time)}</code>,
          },
          { title: "Key", cell: ({ key }) => rowText(key) },
          ...(isOutside
            ? [
                {
                  title: "Why not",
                  cell: ({ reason, because }: ExplainedRow) =>
                    reason === null ? (
                      <Badge tone="good">counts</Badge>
                    ) : (
                      <>
                        <Badge>{reason}</Badge> <small>{because}</small>
                      </>
                    ),
                },
              ]
            : []),
          ...(rows.some(({ brings }) => Object.keys(brings).length > 0) ? [BRINGS] : []),
          ...(rows.some(({ without }) => without !== undefined) ? [WITHOUT] : []),
          { title: "Versions", cell: (row) => <RowVersions row={row} /> },
        ]}
      />
    </>
  );
}
