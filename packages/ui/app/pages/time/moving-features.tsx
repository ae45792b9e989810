/** A slider over the time of a request, and each feature with its value at that time. */
import { useState } from "preact/hooks";
import type { TimelineJson } from "../../api/types.ts";
import { Card } from "../../parts/card.tsx";
import { shortTime } from "../../parts/texts.ts";
import { MovingFeature } from "./moving-feature.tsx";

export function MovingFeatures({
  timeline,
  keys,
}: {
  readonly timeline: TimelineJson;
  /** The entity keys, as members of an address. */
  readonly keys: Readonly<Record<string, string>>;
}): preact.JSX.Element {
  const from = Date.parse(timeline.from);
  const to = Date.parse(timeline.to);
  const [at, setAt] = useState(timeline.to);
  const times = [
    ...new Set(timeline.features.flatMap(({ points }) => points.map((point) => point.at))),
  ].sort();
  const before = times.findLast((time) => time < at);
  const after = times.find((time) => time > at);
  return (
    <>
      <Card title={`At ${shortTime(at)}`}>
        <label class="field">
          <span>
            Time of the request: {times.length} changes from {shortTime(timeline.from)} to{" "}
            {shortTime(timeline.to)}
          </span>
          <input
            type="range"
            class="slider"
            min={from}
            max={to}
            step={1}
            value={Date.parse(at)}
            aria-valuetext={at}
            onInput={({ currentTarget }) => setAt(exactText(Number(currentTarget.value)))}
          />
        </label>
        <p class="tabs">
          <button
            type="button"
            disabled={before === undefined}
            onClick={() => setAt(before ?? timeline.from)}
          >
            Change before
          </button>
          <button
            type="button"
            disabled={after === undefined}
            onClick={() => setAt(after ?? timeline.to)}
          >
            Next change
          </button>
        </p>
      </Card>
      <div class="grid">
        {timeline.features.map((feature) => (
          <MovingFeature
            key={feature.name}
            feature={feature}
            at={at}
            span={{ from, to }}
            explained={{ ...keys, knowledge: timeline.knowledge }}
          />
        ))}
      </div>
    </>
  );
}

/** Writes a time with six decimals of a second, as the points of a timeline have them. */
function exactText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}
