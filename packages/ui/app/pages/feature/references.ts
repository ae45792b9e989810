/** What the profile of a feature may be compared with. */
import type { ProfileReference } from "../../api/types.ts";

/** The most days of the newest window and of the one before. */
const MOST_DAYS = 7;

/** What is compared with what. */
export interface Reference {
  /** The choice of the menu: `none`, `before`, `days`, `file`, or the id of a training set. */
  readonly choice: string;
  /** Members of the body of `POST /v1/drift`. null: there is nothing to compare with. */
  readonly body: {
    readonly from?: string;
    readonly reference: {
      readonly from?: string;
      readonly to?: string;
      readonly trainingSet?: string;
      readonly profile?: ProfileReference;
    };
  } | null;
}

/** No reference. */
export const NO_REFERENCE: Reference = { choice: "none", body: null };

/** The days before, if there are any. */
export function firstReference(days: readonly string[]): Reference {
  return daysBefore(days) ?? NO_REFERENCE;
}

/** The newest days, at most a week, and as many days before them. null: there is one day. */
export function daysBefore(days: readonly string[]): Reference | null {
  const count = Math.min(MOST_DAYS, Math.floor(days.length / 2));
  if (count === 0) return null;
  const [from, begin] = [days.at(-count)!, days.at(-2 * count)!];
  return { choice: "before", body: { from, reference: { from: begin, to: from } } };
}

/**
 * The profile of one feature from the text of a file that `tidemark profile --out` wrote. null: it
 * is no such file, or has no such feature.
 */
export function profileIn(text: string, name: string): ProfileReference | null {
  try {
    const profile = JSON.parse(text) as ProfileReference;
    const columns = profile.columns.filter(({ column }) => column.name === name);
    if (columns.length === 0) return null;
    return { format: profile.format, name: profile.name, columns };
  } catch {
    return null;
  }
}
