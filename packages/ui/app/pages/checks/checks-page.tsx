/** Expectations and drift: what was checked last, and what rows violated as they came. */
import type { CheckResults, StatusJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { DriftTable } from "./drift-table.tsx";
import { ExpectationTable } from "./expectation-table.tsx";
import { ViolationTable } from "./violation-table.tsx";

export function ChecksPage(): preact.JSX.Element {
  const checks = useAnswer<CheckResults>("v1/checks", { every: 10_000 });
  const status = useAnswer<StatusJson>("v1/status", { every: 5000 });
  return (
    <>
      <h1>Checks</h1>
      <Card title="Expectations of rows, as they come">
        <Loaded asked={status}>{({ sources }) => <ViolationTable sources={sources} />}</Loaded>
      </Card>
      <Loaded asked={checks}>
        {({ expectations, drift }) => (
          <>
            <Card title="Expectations, as they were checked last">
              <ExpectationTable expectations={expectations} />
            </Card>
            <Card title="Drift, as it was measured last">
              <DriftTable drift={drift} />
            </Card>
          </>
        )}
      </Loaded>
    </>
  );
}
