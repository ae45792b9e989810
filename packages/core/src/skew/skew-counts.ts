/** Counts the skew of features. */
import type { FeatureSkew, SkewCount, SkewKind, SkewReport } from "./skew-types.ts";

/** Counts that grow. */
type Growing<T> = { -readonly [K in keyof T]: T[K] extends SkewCount ? Growing<SkewCount> : T[K] };

/** Counts of features, by `view:feature`. */
export interface SkewCounts {
  of(feature: string): Growing<FeatureSkew>;
  /** Counts a value that differs. `lateBy`: µs; null: it is not late. */
  differs(feature: string, kind: SkewKind, bits: number, lateBy: number | null): void;
  /** The counts of all features, in the order of their names, and their sums. */
  report(): Pick<
    SkewReport,
    | "compared"
    | "wrong"
    | "late"
    | "early"
    | "behind"
    | "erased"
    | "otherDefinition"
    | "notInHistory"
    | "unanswered"
    | "features"
  >;
}

const none = (): Growing<SkewCount> => ({ values: 0, bits: 0 });

export function skewCounts(): SkewCounts {
  const features = new Map<string, Growing<FeatureSkew>>();

  function of(feature: string): Growing<FeatureSkew> {
    let counts = features.get(feature);
    if (counts === undefined)
      features.set(
        feature,
        (counts = {
          feature,
          compared: 0,
          wrong: none(),
          late: none(),
          early: none(),
          behind: none(),
          erased: none(),
          latestBy: null,
          otherDefinition: 0,
          notInHistory: 0,
          unanswered: 0,
        }),
      );
    return counts;
  }

  return {
    of,
    differs(feature, kind, bits, lateBy) {
      const counts = of(feature);
      counts[kind].values++;
      counts[kind].bits += bits;
      if (lateBy !== null) counts.latestBy = Math.max(counts.latestBy ?? 0, lateBy / 1e6);
    },
    report() {
      const all = [...features.values()].sort((a, b) => (a.feature < b.feature ? -1 : 1));
      const sum = (numberOf: (one: FeatureSkew) => number): number =>
        all.reduce((total, one) => total + numberOf(one), 0);
      const sumOf = (kind: SkewKind): SkewCount => ({
        values: sum((one) => one[kind].values),
        bits: sum((one) => one[kind].bits),
      });
      return {
        compared: sum((one) => one.compared),
        wrong: sumOf("wrong"),
        late: sumOf("late"),
        early: sumOf("early"),
        behind: sumOf("behind"),
        erased: sumOf("erased"),
        otherDefinition: sum((one) => one.otherDefinition),
        notInHistory: sum((one) => one.notInHistory),
        unanswered: sum((one) => one.unanswered),
        features: all,
      };
    },
  };
}
