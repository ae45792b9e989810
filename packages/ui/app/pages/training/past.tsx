/** Who materialized and who computed training sets, from the audit table. */
import type { AuditsJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { AuditTable } from "../../parts/audit-table.tsx";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";

export function Past(): preact.JSX.Element {
  const days = useAnswer<AuditsJson>("v1/audits?limit=20&action=materialize");
  const sets = useAnswer<AuditsJson>("v1/audits?limit=20&action=training-set");
  return (
    <>
      <Card title="Materializations so far">
        <Loaded asked={days}>
          {({ audits }) => <AuditTable label="Materializations" audits={audits} />}
        </Loaded>
      </Card>
      <Card title="Training sets so far">
        <Loaded asked={sets}>
          {({ audits }) => <AuditTable label="Past training sets" audits={audits} />}
        </Loaded>
      </Card>
    </>
  );
}
