/** How often a feature had no value, by the materialized day. */
import type { ProfileReport } from "../../api/types.ts";
import type { Asked } from "../../api/use-answer.ts";
import { StepChart } from "../../charts/step-chart.tsx";
import { Loaded } from "../../parts/loaded.tsx";

const DAY = 86_400_000;

export function NullRateByDay({
  name,
  asked,
}: {
  readonly name: string;
  /** The profile of the feature. */
  readonly asked: Asked<ProfileReport>;
}): preact.JSX.Element {
  return (
    <Loaded asked={asked}>
      {({ days }) => {
        if (days.length === 0) return null;
        const steps = days.map(({ day, columns }) => ({
          at: Date.parse(day),
          value: columns[0]!.nullRate,
        }));
        return (
          <>
            <h3>Null rate by day</h3>
            <StepChart
              label={`Null rate of ${name} by day`}
              steps={steps}
              from={steps[0]!.at}
              to={steps.at(-1)!.at + DAY}
            />
          </>
        );
      }}
    </Loaded>
  );
}
