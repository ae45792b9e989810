/** A number over time. Each value holds until the next one; a gap says that there is none. */
import { numberText } from "../parts/texts.ts";
import { useWidth } from "./use-width.ts";

/** The value from a time on. */
export interface Step {
  /** Milliseconds of Unix time. */
  readonly at: number;
  /** null: there is no number. */
  readonly value: number | null;
}

const HEIGHT = 110;
const LEFT = 64;
const RIGHT = 10;
const TOP = 10;
const BOTTOM = 24;

export function StepChart({
  label,
  steps,
  from,
  to,
  marked,
  limit,
}: {
  readonly label: string;
  /** In the order of their times. */
  readonly steps: readonly Step[];
  readonly from: number;
  readonly to: number;
  /** A time with a line through it. */
  readonly marked?: number;
  /** A value with a dashed line, which the values should stay below. */
  readonly limit?: number | undefined;
}): preact.JSX.Element {
  const [ref, width] = useWidth<HTMLDivElement>();
  const values = steps.flatMap(({ value }) => (value === null ? [] : [value]));
  if (limit !== undefined) values.push(limit);
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
  const spread = most - least || 1;
  const x = (at: number): number =>
    LEFT + ((Math.min(Math.max(at, from), to) - from) / (to - from || 1)) * (width - LEFT - RIGHT);
  const y = (value: number): number =>
    HEIGHT - BOTTOM - ((value - least) / spread) * (HEIGHT - TOP - BOTTOM);
  const first = new Date(from).toISOString().slice(0, 16).replace("T", " ");
  const last = new Date(to).toISOString().slice(0, 16).replace("T", " ");
  return (
    <div ref={ref} class="chart">
      {width === 0 ? null : (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
          <line class="axis" x1={LEFT} x2={width - RIGHT} y1={y(0)} y2={y(0)} />
          <text class="tick" x={LEFT - 6} y={y(most) + 4} text-anchor="end">
            {numberText(most)}
          </text>
          {least === most ? null : (
            <text class="tick" x={LEFT - 6} y={y(least) + 4} text-anchor="end">
              {numberText(least)}
            </text>
          )}
          <text class="tick" x={LEFT} y={HEIGHT - 6}>
            {first}
          </text>
          {width < 420 ? null : (
            <text class="tick" x={width - RIGHT} y={HEIGHT - 6} text-anchor="end">
              {last}
            </text>
          )}
          <path class="step-line" d={pathOf(steps, { x, y, to })} />
          {limit === undefined ? null : (
            <line class="limit" x1={LEFT} x2={width - RIGHT} y1={y(limit)} y2={y(limit)} />
          )}
          {marked === undefined ? null : (
            <line class="marked" x1={x(marked)} x2={x(marked)} y1={TOP} y2={HEIGHT - BOTTOM} />
          )}
        </svg>
      )}
    </div>
  );
}

interface Scales {
  readonly x: (at: number) => number;
  readonly y: (value: number) => number;
  readonly to: number;
}

/** The line: a horizontal piece for each value, joined to the next by a vertical one. */
function pathOf(steps: readonly Step[], { x, y, to }: Scales): string {
  let path = "";
  steps.forEach(({ at, value }, i) => {
    if (value === null) return;
    const isJoined = i > 0 && steps[i - 1]!.value !== null;
    const end = steps[i + 1]?.at ?? to;
    path += `${isJoined ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    path += `L${x(end).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return path;
}
