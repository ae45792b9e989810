/** The first value in which two paths differ. */

export interface AnswerDifference {
  /** The line in the file of requests, counted from 1. */
  readonly line: number;
  readonly feature: string;
  /** The online answer, as JSON text. */
  readonly online: string;
  readonly offline: string;
}

/** A running comparison of the answers of two paths. */
export interface Comparison {
  /** Adds the answers of one request. */
  add(line: number, online: readonly string[], offline: readonly string[]): void;
  readonly first: AnswerDifference | null;
  readonly compared: number;
  readonly differing: number;
}

/** Compares answers feature by feature. Their texts are equal only for equal bits. */
export function comparison(features: readonly string[]): Comparison {
  let first: AnswerDifference | null = null;
  let compared = 0;
  let differing = 0;
  return {
    get first() {
      return first;
    },
    get compared() {
      return compared;
    },
    get differing() {
      return differing;
    },
    add(line, online, offline) {
      for (const [f, feature] of features.entries()) {
        compared++;
        if (online[f] === offline[f]) continue;
        differing++;
        first ??= { line, feature, online: online[f]!, offline: offline[f]! };
      }
    },
  };
}
