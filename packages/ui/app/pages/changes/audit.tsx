/** The audit table: who applied, pushed, erased, backfilled and materialized. */
import type { AuditEntry, AuditsJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { AuditTable } from "../../parts/audit-table.tsx";
import { Card } from "../../parts/card.tsx";
import { SelectField } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
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

export function Audit({ action }: { readonly action: string }): preact.JSX.Element {
  const query = action === "" ? "" : `&action=${encodeURIComponent(action)}`;
  const asked = useAnswer<AuditsJson>(`v1/audits?limit=50${query}`);
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
      <Loaded asked={asked}>{({ audits }) => <AuditTable label="Audit" audits={audits} />}</Loaded>
    </Card>
  );
}
