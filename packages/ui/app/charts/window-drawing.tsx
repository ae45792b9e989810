/** The window of a part of an explanation, with the rows inside and just outside of it. */
import type { ExplainedPart, ExplainedRow } from "../api/types.ts";
import { shortTime } from "../parts/texts.ts";
import { useWidth } from "./use-width.ts";

const ROW_HEIGHT = 13;
const LEVELS = 9;
const TOP = 26;
const SIDE = 14;

export function WindowDrawing({ part }: { readonly part: ExplainedPart }): preact.JSX.Element {
  const [ref, width] = useWidth<HTMLDivElement>();
  const rows = [...part.inside, ...part.outside]
    .filter((row): row is ExplainedRow & { time: string } => row.time !== null)
    .map((row) => ({ row, at: Date.parse(row.time) }))
    .sort((a, b) => a.at - b.at);
  const { start, end, from, to } = spanOf(
    part,
    rows.map(({ at }) => at),
  );
  const levels = Math.min(LEVELS, Math.max(1, rows.length));
  const height = TOP + levels * ROW_HEIGHT + 30;
  const x = (at: number): number =>
    SIDE + ((Math.min(Math.max(at, from), to) - from) / (to - from || 1)) * (width - 2 * SIDE);
  const bottom = TOP + levels * ROW_HEIGHT + 6;
  const startText = part.start === null ? "no beginning" : shortTime(part.start);
  return (
    <div ref={ref} class="chart">
      {width === 0 ? null : (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={
            `The window from ${startText} to ${shortTime(part.end)}: ` +
            `${part.insideCount} rows inside, ${part.outsideCount} rows outside`
          }
        >
          <rect class="window" x={x(start)} width={x(end) - x(start)} y={16} height={bottom - 16} />
          <line class="axis" x1={SIDE} x2={width - SIDE} y1={bottom} y2={bottom} />
          {part.edges?.map((edge) => (
            <line
              key={edge}
              class="edge"
              x1={x(Date.parse(edge))}
              x2={x(Date.parse(edge))}
              y1={16}
              y2={bottom}
            />
          ))}
          {rows.map(({ row, at }, i) => (
            <circle
              key={i}
              class={row.reason === null ? "row-inside" : `row-outside row-${row.reason}`}
              cx={x(at)}
              cy={TOP + (i % levels) * ROW_HEIGHT}
              r={4.5}
            >
              <title>
                {shortTime(row.time)} {row.because ?? "counts"}
              </title>
            </circle>
          ))}
          <text class="tick" x={x(start)} y={12}>
            {width < 420 ? startText.slice(0, 10) : startText}
          </text>
          <text class="tick" x={x(end)} y={12} text-anchor="end">
            {width < 420 ? "t" : `t = ${shortTime(part.end)}`}
          </text>
          <text class="tick" x={SIDE} y={height - 6}>
            {"● inside  ○ outside"}
            {width < 420 ? "" : "; at the edge: further away"}
          </text>
        </svg>
      )}
    </div>
  );
}

/** The window, and the times that are drawn: a third more of its length before, a sixth after. */
function spanOf(
  part: ExplainedPart,
  times: readonly number[],
): { start: number; end: number; from: number; to: number } {
  const end = Date.parse(part.end);
  const first = times[0] ?? end - 86_400_000;
  const start = part.start === null ? Math.min(first, end - 1) : Date.parse(part.start);
  const length = Math.max(1, end - start);
  return { start, end, from: start - length / 3, to: end + length / 6 };
}
