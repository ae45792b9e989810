/** Shares of the rows of two sides in the same bins, as two bars for each bin. */
import { numberText } from "../parts/texts.ts";

/** One bin, with its number of rows on both sides. */
export interface PairedBar {
  readonly label: string;
  readonly current: number;
  readonly reference: number;
}

export function PairedBars({
  label,
  bars,
  titles,
  rows,
}: {
  readonly label: string;
  readonly bars: readonly PairedBar[];
  /** What the sides are called. */
  readonly titles: { readonly current: string; readonly reference: string };
  /** The number of rows of each side. */
  readonly rows: { readonly current: number; readonly reference: number };
}): preact.JSX.Element {
  const share = (count: number, all: number): number => (all === 0 ? 0 : (100 * count) / all);
  const shares = bars.map((bar) => ({
    label: bar.label,
    current: share(bar.current, rows.current),
    reference: share(bar.reference, rows.reference),
  }));
  const most = Math.max(1e-9, ...shares.flatMap(({ current, reference }) => [current, reference]));
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">Values</th>
            <th scope="col">Share of rows</th>
            <th scope="col" class="number">
              <span class="swatch swatch-current" /> {titles.current}
            </th>
            <th scope="col" class="number">
              <span class="swatch swatch-reference" /> {titles.reference}
            </th>
          </tr>
        </thead>
        <tbody>
          {shares.map((bar, i) => (
            <tr key={i}>
              <th scope="row">{bar.label}</th>
              <td class="bar-cell">
                <svg width="100%" height="18" aria-hidden="true">
                  <rect class="bar" width={`${(100 * bar.current) / most}%`} height="8" rx="2" />
                  <rect
                    class="bar-reference"
                    y="10"
                    width={`${(100 * bar.reference) / most}%`}
                    height="8"
                    rx="2"
                  />
                </svg>
              </td>
              <td class="number">{numberText(bar.current)} %</td>
              <td class="number">{numberText(bar.reference)} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
