/** One feature over time: a line where it is a number, and its states where it is none. */
import type { TimelineJson } from "../../api/types.ts";
import { StateStrip } from "../../charts/state-strip.tsx";
import { StepChart } from "../../charts/step-chart.tsx";
import { Badge } from "../../parts/badge.tsx";
import { Card } from "../../parts/card.tsx";
import type { JsonValue } from "../../parts/json-value.ts";
import { valueText } from "../../parts/texts.ts";
import { explainHref } from "../../routing/feature-links.ts";

type FeatureTimeline = TimelineJson["features"][number];

const NUMBERS: readonly string[] = ["int32", "int64", "float64", "decimal"];
const REASONS = {
  clock: "It moves with the clock, so these are samples.",
  points: "It changes more often than points are drawn, so these are samples.",
  rows: "The entity has too many rows, so these are samples.",
} as const;

export function MovingFeature({
  feature: { name, feature, type, points, isExact, reason },
  at,
  span,
  explained,
}: {
  readonly feature: FeatureTimeline;
  /** The time of the slider, with six decimals of a second. */
  readonly at: string;
  readonly span: { readonly from: number; readonly to: number };
  /** Members of the address that explains a value. */
  readonly explained: Readonly<Record<string, string>>;
}): preact.JSX.Element {
  const point = points.findLast((one) => one.at <= at) ?? points[0];
  const isNumber = NUMBERS.includes(type);
  return (
    <Card
      title={name}
      action={
        <a
          href={explainHref(feature.replace(".", ":"), { ...explained, asOf: at, from: "history" })}
          aria-label={`Explain ${name}`}
        >
          Explain
        </a>
      }
    >
      <p>
        <strong class="exact" data-testid={`at ${name}`}>
          {valueText(point?.value)}
        </strong>{" "}
        {point === undefined || point.status === "PRESENT" ? null : <Badge>{point.status}</Badge>}
      </p>
      {isNumber ? (
        <StepChart
          label={`${name} over time, ${points.length} changes`}
          steps={points.map((one) => ({ at: Date.parse(one.at), value: numberOf(one.value) }))}
          from={span.from}
          to={span.to}
          marked={Date.parse(at)}
        />
      ) : (
        <StateStrip
          label={`${name} over time, ${points.length} changes`}
          times={points.map((one) => Date.parse(one.at))}
          from={span.from}
          to={span.to}
          marked={Date.parse(at)}
        />
      )}
      {isExact || reason === null ? null : <p class="hint">{REASONS[reason]}</p>}
    </Card>
  );
}

/** A number for the drawing. Decimals and int64 are texts, of which a double draws enough. */
function numberOf(value: JsonValue): number | null {
  if (value === null || typeof value === "object") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}
