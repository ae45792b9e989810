/** Counts of a histogram or of frequent values, as horizontal bars with their texts. */
import { countText } from "../parts/texts.ts";

/** One bar. */
export interface Bar {
  readonly label: string;
  readonly count: number;
}

export function Bars({
  label,
  bars,
}: {
  readonly label: string;
  readonly bars: readonly Bar[];
}): preact.JSX.Element {
  const most = Math.max(1, ...bars.map(({ count }) => count));
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table class="bars">
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.label}>
              <th scope="row">{bar.label}</th>
              <td class="bar-cell">
                <svg width="100%" height="14" aria-hidden="true">
                  <rect class="bar" width={`${(100 * bar.count) / most}%`} height="14" rx="3" />
                </svg>
              </td>
              <td class="number">{countText(bar.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
