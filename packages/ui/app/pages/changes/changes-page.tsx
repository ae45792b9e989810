/** What an apply would change and whom it touches, who applied what, and who did what. */
import type { AppliedVersion, RegistryPlan } from "../../api/types.ts";
import { useAnswer } from "../../api/use-answer.ts";
import { Card } from "../../parts/card.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import type { Route } from "../../routing/router.ts";
import { Applies } from "./applies.tsx";
import { Audit } from "./audit.tsx";
import { Plan } from "./plan.tsx";

export function ChangesPage({ route }: { readonly route: Route }): preact.JSX.Element {
  const plan = useAnswer<RegistryPlan>("v1/plan");
  const applies = useAnswer<readonly AppliedVersion[]>("v1/applies");
  return (
    <>
      <h1>Changes</h1>
      <Card title="Not applied yet">
        <Loaded asked={plan}>{(data) => <Plan plan={data} />}</Loaded>
      </Card>
      <Card title="Applies">
        <Loaded asked={applies}>{(data) => <Applies applies={data} />}</Loaded>
      </Card>
      <Audit action={route.query.get("action") ?? ""} />
    </>
  );
}
