import { vectorOf, type Batch } from "../columns/batch.ts";
import { toUser } from "../define/user-values.ts";
import type { ColumnSpec, SelectedFeature } from "../specs.ts";
import type { ResultColumns } from "../spi.ts";
import { withMissingMembers } from "../types/nested/missing-members.ts";
import type { Answer } from "./request-types.ts";

/** Converts row `i` of the result columns to user values. */
export function answerRow(
  selection: readonly SelectedFeature[],
  answers: readonly ResultColumns[],
  i: number,
  metadata: boolean,
): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let f = 0; f < selection.length; f++) {
    const { as, feature } = selection[f]!;
    const { values, statuses, times } = answers[f]!;
    const value = toUser(values[i]!, feature.result);
    const time = times[i]!;
    row[as] = metadata
      ? ({
          value,
          status: statuses[i]!,
          eventTime: Number.isNaN(time) ? null : new Date(Math.floor(time / 1000)),
        } satisfies Answer<unknown>)
      : value;
  }
  return row;
}

/** The columns that answers to a selection have: nothing is converted. */
export function answerColumns(selection: readonly SelectedFeature[]): readonly ColumnSpec[] {
  return selection.map(({ as, feature }) => ({
    ...withMissingMembers(feature.result),
    name: as,
    nullable: true,
  }));
}

export function answerBatch(
  selection: readonly SelectedFeature[],
  answers: readonly ResultColumns[],
  length: number,
): Batch {
  const columns = answerColumns(selection);
  const vectors = answers.map(({ values }, f) => vectorOf(columns[f]!, values, (value) => value));
  return { length, columns, vectors };
}
