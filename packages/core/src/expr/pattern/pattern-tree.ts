/**
 * The tree of a regular expression of `matches`. It holds only what every engine reads alike, and
 * what runs in time linear in the text.
 */

/** Code points [from, to]. */
export interface PointRange {
  readonly from: number;
  readonly to: number;
}

/** One code point: of these ranges, or of none of them. */
export interface PointSet {
  readonly kind: "set";
  readonly isNegated: boolean;
  readonly ranges: readonly PointRange[];
}

/** A regular expression, or a part of one. */
export type Pattern =
  | PointSet
  | { readonly kind: "sequence"; readonly parts: readonly Pattern[] }
  | { readonly kind: "choice"; readonly options: readonly Pattern[] }
  | {
      readonly kind: "repeat";
      readonly of: Pattern;
      readonly least: number;
      /** null: any number. */
      readonly most: number | null;
    };

/** The code points that a pattern names if each repetition is written out. */
export const MAX_PATTERN_SIZE = 1_000;

/** The size of a pattern, at least as large as each of its repetitions. */
export function patternSize(pattern: Pattern): number {
  const sum = (parts: readonly Pattern[]): number =>
    parts.reduce((size, part) => size + patternSize(part), 0);
  switch (pattern.kind) {
    case "set":
      return 1;
    case "sequence":
      return sum(pattern.parts);
    case "choice":
      return sum(pattern.options);
    case "repeat": {
      const times = pattern.most ?? pattern.least + 1;
      return Math.max(1, patternSize(pattern.of)) * Math.max(1, times);
    }
  }
}
