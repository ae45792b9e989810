/** Where two paths answer otherwise. */

export interface AnswerDifference {
  /** Of the file of requests, counted from 1. */
  readonly line: number;
  readonly feature: string;
  /** JSON text, as the answers have it. */
  readonly online: string;
  readonly offline: string;
}

/** Compares the answers of two paths, and counts those that differ. */
export interface Comparison {
  /** Takes note of one request's answers. */
  add(line: number, online: readonly string[], offline: readonly string[]): void;
  readonly first: AnswerDifference | null;
  readonly compared: number;
  readonly differing: number;
}

/** Compares answers feature by feature; their texts are equal only where the bits are. */
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
