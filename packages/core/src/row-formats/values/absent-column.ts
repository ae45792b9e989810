/** Says that a row lacks a declared column, and which other column of the row may be meant. */
import { didYouMean } from "../../did-you-mean.ts";

/** A declared column that a row lacks. */
export interface AbsentColumn {
  /** What is known of it, with the column that may be meant. */
  readonly text: string;
  /**
   * Whether the column has another name: it was in other messages, or the row has one that is
   * spelled alike. Otherwise the column may be new in the table, and null in earlier rows.
   */
  readonly renamed: boolean;
  /** Whether the row has a column that differs in case, quotes, spaces or separators alone. */
  readonly otherSpelling: boolean;
}

/**
 * Describes a declared column that a row lacks.
 *
 * - `seen` says whether another message had the column.
 * - `others` are the columns of the row that no definition names.
 */
export function absentColumn(
  column: string,
  others: readonly string[],
  { seen, schema }: { readonly seen: boolean; readonly schema: boolean },
): AbsentColumn {
  const what = seen
    ? `other messages have a column "${column}", and this one has none`
    : schema
      ? `the schema of the messages has no column "${column}"`
      : `no message so far has a column "${column}"`;
  const alike = spelledAlike(column, others);
  return {
    text:
      what +
      (alike === undefined
        ? didYouMean(column, others)
        : `; did you mean ${JSON.stringify(alike)}?`),
    renamed: seen || alike !== undefined,
    otherSpelling: alike !== undefined && plainName(alike) === plainName(column),
  };
}

/** Finds a name that differs in case, quotes, spaces or separators, or that contains the other. */
function spelledAlike(column: string, others: readonly string[]): string | undefined {
  const plain = plainName(column);
  return (
    others.find((other) => plainName(other) === plain) ??
    others.find((other) => isPartOf(plainName(other), plain) || isPartOf(plain, plainName(other)))
  );
}

/** Whether the longer name begins or ends with the shorter one, as `amount_eur` with `amount`. */
const isPartOf = (short: string, long: string): boolean =>
  short.length >= 3 && (long.startsWith(short) || long.endsWith(short));

const plainName = (name: string): string => name.toLowerCase().replace(/["'`\s_.-]/g, "");
