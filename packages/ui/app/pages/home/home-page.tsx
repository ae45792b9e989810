/** Whether the store is well: readiness, lag, quarantine, and what waits for a person. */
import type { CheckResults, RegistryPlan, StatusJson } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { hrefOf } from "../../routing/router.ts";
import { useReadiness } from "../../shell/readiness-context.ts";
import { Checks } from "./checks.tsx";
import { PartitionLags } from "./partition-lags.tsx";
import { SourceHealth } from "./source-health.tsx";
import { UnappliedChanges } from "./unapplied-changes.tsx";

const EVERY = 3000;

export function HomePage(): preact.JSX.Element {
  const status = useAnswer<StatusJson>("v1/status", { every: EVERY });
  const readiness = useReadiness();
  const plan = useAnswer<RegistryPlan>("v1/plan");
  const checks = useAnswer<CheckResults>("v1/checks", { every: 30_000 });
  return (
    <>
      <h1>Home</h1>
      <Card title="Sources" action={<a href={hrefOf(["sources"])}>All about sources</a>}>
        <Loaded asked={status}>
          {({ sources }) => <SourceHealth sources={sources} readiness={readiness} />}
        </Loaded>
      </Card>
      <div class="grid">
        <Card title="Lag of partitions">
          <Loaded asked={status}>{({ sources }) => <PartitionLags sources={sources} />}</Loaded>
        </Card>
        <Card title="Definitions" action={<a href={hrefOf(["changes"])}>Changes</a>}>
          <Loaded asked={plan}>{(data) => <UnappliedChanges plan={data} />}</Loaded>
        </Card>
        <Card title="Checks of data" action={<a href={hrefOf(["checks"])}>All checks</a>}>
          <Loaded asked={checks}>{(data) => <Checks checks={data} />}</Loaded>
        </Card>
        <Card title="Why is a number so?">
          <p>
            Ask <a href={hrefOf(["explain"])}>Explain</a> for an entity and a time, or go back with
            the <a href={hrefOf(["time"])}>time machine</a>. The{" "}
            <a href={hrefOf(["definitions"])}>catalogue</a> says who owns a feature.
          </p>
        </Card>
      </div>
    </>
  );
}
