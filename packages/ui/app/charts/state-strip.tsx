/** When a value that is no number changes: a band for each state. */
import { useWidth } from "./use-width.ts";

const HEIGHT = 26;

export function StateStrip({
  label,
  times,
  from,
  to,
  marked,
}: {
  readonly label: string;
  /** When each state begins, in milliseconds of Unix time, ascending. */
  readonly times: readonly number[];
  readonly from: number;
  readonly to: number;
  /** A time with a line through it. */
  readonly marked: number;
}): preact.JSX.Element {
  const [ref, width] = useWidth<HTMLDivElement>();
  const x = (at: number): number =>
    ((Math.min(Math.max(at, from), to) - from) / (to - from || 1)) * width;
  return (
    <div ref={ref} class="chart strip">
      {width === 0 ? null : (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
          {times.map((time, i) => (
            <rect
              key={time}
              class={`state state-${i % 2}`}
              x={x(time)}
              width={Math.max(0, x(times[i + 1] ?? to) - x(time))}
              height={HEIGHT}
            />
          ))}
          <line class="marked" x1={x(marked)} x2={x(marked)} y1={0} y2={HEIGHT} />
        </svg>
      )}
    </div>
  );
}
