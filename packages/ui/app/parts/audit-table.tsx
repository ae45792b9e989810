/** Rows of the audit table: who did what, and how it ended. */
import type { AuditEntry } from "../api/types.ts";
import { Ago } from "./ago.tsx";
import { Badge } from "./badge.tsx";
import { DataTable } from "./data-table.tsx";
import { countText, secondsText } from "./texts.ts";

const TONES = { done: "good", refused: "warn", failed: "bad", interrupted: "warn" } as const;

export function AuditTable({
  label,
  audits,
}: {
  readonly label: string;
  readonly audits: readonly AuditEntry[];
}): preact.JSX.Element {
  return (
    <DataTable
      label={label}
      rows={audits}
      empty="The audit table has no such action. The option audit of the store writes it."
      columns={[
        { title: "When", cell: ({ at }) => <Ago time={at} /> },
        { title: "Action", cell: ({ action }) => action },
        {
          title: "Outcome",
          cell: ({ outcome, code }) => (
            <>
              <Badge tone={TONES[outcome]}>{outcome}</Badge> {code ?? ""}
            </>
          ),
        },
        { title: "By", cell: ({ by }) => by },
        { title: "From", cell: ({ from }) => from ?? "" },
        {
          title: "On",
          cell: ({ sources, views, entity }) =>
            [...sources, ...views, ...(entity === null ? [] : [entity])].join(", "),
        },
        { title: "Counts", cell: ({ counts, version }) => countsText(counts, version) },
        { title: "Took", isNumber: true, cell: ({ seconds }) => secondsText(seconds) },
      ]}
    />
  );
}

function countsText(counts: AuditEntry["counts"], version: number | null): string {
  const texts = Object.entries(counts).map(([name, count]) => `${countText(count)} ${name}`);
  return [...(version === null ? [] : [`version ${version}`]), ...texts].join(", ");
}
