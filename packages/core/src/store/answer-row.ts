import { toUser } from "../define/user-values.ts";
import type { Selected } from "../model.ts";
import type { Answers } from "../spi.ts";
import type { Answer } from "./store-types.ts";

/** Row `i` of the answers, as the user sees it. */
export function answerRow(selection: readonly Selected[], answers: readonly Answers[], i: number, metadata: boolean): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let f = 0; f < selection.length; f++) {
    const { as, feature } = selection[f]!;
    const { values, statuses, times } = answers[f]!;
    const value = toUser(values[i]!, feature.result);
    const time = times[i]!;
    row[as] = metadata ? ({ value, status: statuses[i]!, eventTime: Number.isNaN(time) ? null : new Date(Math.floor(time / 1000)) } satisfies Answer<unknown>) : value;
  }
  return row;
}
