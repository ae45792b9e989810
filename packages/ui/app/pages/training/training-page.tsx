/** Training sets and materialized days: progress, columns, null rates, and who asked for them. */
import type { Route } from "../../routing/router.ts";
import { MaterializedViews } from "./materialized-views.tsx";
import { NullRates } from "./null-rates.tsx";
import { Past } from "./past.tsx";
import { TrainingSets } from "./training-sets.tsx";

export function TrainingPage({ route: { query } }: { readonly route: Route }): preact.JSX.Element {
  const [view, trainingSet] = [query.get("view"), query.get("set")];
  return (
    <>
      <h1>Training sets and days</h1>
      <TrainingSets />
      {trainingSet === null ? null : <NullRates of={{ trainingSet }} />}
      <MaterializedViews />
      {view === null ? null : <NullRates of={{ view }} />}
      <Past />
    </>
  );
}
