/** The audit table: who applied, pushed, erased, backfilled and materialized. */
import type { AuditEntry } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import { DataTable } from "../../parts/data-table.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { agoText, countText, secondsText } from "../../parts/texts.ts";
import { goTo, hrefOf } from "../../routing/router.ts";

const ACTIONS = [
  "apply",
  "backfill",
  "erase",
  "materialize",
  "push",
  "resnapshot",
  "retry",
  "training-set",
] as const satisfies readonly AuditEntry["action"][];
const TONES = { done: "good", refused: "warn", failed: "bad", interrupted: "warn" } as const;

export function Audit({ action }: { readonly action: string }): preact.JSX.Element {
  const query = action === "" ? "" : `&action=${encodeURIComponent(action)}`;
  const asked = useAnswer<{ readonly audits: readonly AuditEntry[] }>(`v1/audits?limit=50${query}`);
  return (
    <Card
      title="Who did what"
      action={
        <SelectField
          label="Action"
          value={action}
          onValue={(value) => goTo(hrefOf(["changes"], { action: value }), { replace: true })}
          options={[["", "all"], ...ACTIONS.map((one) => [one, one] as const)]}
        />
      }
    >
      <Loaded asked={asked}>{({ audits }) => <AuditTable audits={audits} />}</Loaded>
    </Card>
  );
}

function AuditTable({ audits }: { readonly audits: readonly AuditEntry[] }): preact.JSX.Element {
  return (
    <DataTable
      label="Audit"
      rows={audits}
      empty="The audit table has no such action. The option audit of the store writes it."
      columns={[
        { title: "When", cell: ({ at }) => <time dateTime={at}>{agoText(at)}</time> },
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
