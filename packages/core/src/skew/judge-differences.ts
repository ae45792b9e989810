/** Says why values differ: by what the online store had taken when it answered. */
import { baseFeatures } from "../define/base-features.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import { DAY_MICROS } from "../serving-log/log-table.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { OfflineStore } from "../spi.ts";
import { changePlaces, hadTaken, lackedAny, type ChangePlaces } from "./change-places.ts";
import type { ComparedRows, DifferingValue } from "./compare-answers.ts";
import type { SearchedKnowledge } from "./find-knowledge.ts";
import type { SkewKind } from "./skew-types.ts";

/** Why a value differs. */
export interface Judgement {
  readonly kind: SkewKind;
  /** The commit time of the change that explains it, µs. null: none does. */
  readonly change: number | null;
}

/** Judges each value. `sources`: of each feature of the selection. */
export async function judgeDifferences(
  rows: ComparedRows,
  sources: readonly (readonly SourceSpec[])[],
  differing: readonly DifferingValue[],
  searched: SearchedKnowledge,
  options: {
    readonly offline: OfflineStore;
    /** The time of the latest erasure in a source, µs; −Infinity: there was none. */
    readonly erasedAt: (source: SourceSpec) => number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<readonly Judgement[]> {
  const places = await placesOf(searched, rows, sources, differing, options);
  return differing.map(({ row: r, feature }, i): Judgement => {
    const row = rows.rows[r]!;
    const { late, early } = searched.found[i]!;
    const own = new Map(sources[feature]!.map(({ name }) => [name, places.get(name)!]));
    if (late !== null && !hadTaken(row.taken, late, own)) return { kind: "late", change: late };
    const before = [
      ...searched.changes.get(r)!,
      // every row of a dimension may be looked up
      ...[...dimensionsOf(rows.selection[feature]!)].flatMap((name) =>
        [...places.get(name)!.keys()].filter((time) => time < row.answeredAt),
      ),
    ];
    if (lackedAny(row.taken, before, own)) return { kind: "behind", change: null };
    if (early !== null) return { kind: "early", change: early };
    const isErased = sources[feature]!.some((one) => options.erasedAt(one) >= row.answeredAt);
    return { kind: isErased ? "erased" : "wrong", change: null };
  });
}

/** The places of the changes that answers may lack, by source. */
async function placesOf(
  { found, changes }: SearchedKnowledge,
  { selection, rows }: ComparedRows,
  sources: readonly (readonly SourceSpec[])[],
  differing: readonly DifferingValue[],
  { offline, signal }: { readonly offline: OfflineStore; readonly signal: AbortSignal | undefined },
): Promise<ReadonlyMap<string, ChangePlaces>> {
  const times = new Map<SourceSpec, Set<number>>();
  const dimensions = new Set<string>();
  let [first, last] = [Infinity, -Infinity];
  differing.forEach(({ row, feature }, i) => {
    const { late } = found[i]!;
    const wanted = late === null ? changes.get(row)! : [late, ...changes.get(row)!];
    for (const source of sources[feature]!) {
      let ofSource = times.get(source);
      if (ofSource === undefined) times.set(source, (ofSource = new Set()));
      for (const change of wanted) ofSource.add(change);
    }
    for (const name of dimensionsOf(selection[feature]!)) dimensions.add(name);
    const { answeredAt } = rows[row]!;
    [first, last] = [Math.min(first, answeredAt), Math.max(last, answeredAt)];
  });
  const places = new Map<string, ChangePlaces>();
  for (const [source, wanted] of times) {
    const range = dimensions.has(source.name) ? { from: first - DAY_MICROS, to: last } : null;
    const of = await changePlaces(offline, source, { times: wanted, range }, signal);
    places.set(source.name, of);
  }
  return places;
}

/** The names of the dimensions whose rows a feature looks up. */
function dimensionsOf(one: SelectedFeature): ReadonlySet<string> {
  const tables = new Set(
    baseFeatures([one]).flatMap(({ view }) =>
      sourceReadings(view).map(({ source }) => source.name),
    ),
  );
  const names = sourcesOf([one]).map(({ name }) => name);
  return new Set(names.filter((name) => !tables.has(name)));
}
