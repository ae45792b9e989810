/**
 * Computes the answers of the serving log again from the history as known at the time of each
 * request, and counts the bits that differ. What explains a difference is told apart.
 */
import type { Definitions } from "../define/collect-definitions.ts";
import { nothingMasked, type Masking } from "../explain/masking.ts";
import type { OfflineReader } from "../offline/offline-reader.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import { featureFingerprints, readSelection } from "../serving-log/logged-selection.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { changeTimes } from "./change-times.ts";
import {
  compareAnswers,
  historyAnswers,
  type ComparedRows,
  type DifferingValue,
} from "./compare-answers.ts";
import { differingBits } from "./differing-bits.ts";
import { findKnowledge } from "./find-knowledge.ts";
import { historyReach, type HistoryReach } from "./history-reach.ts";
import { judgeDifferences } from "./judge-differences.ts";
import { refuseUnknownNames } from "./known-names.ts";
import { keysOfRows } from "./logged-keys.ts";
import { readServingLog, type LoggedGroup, type LoggedRow } from "./read-log.ts";
import { skewCounts } from "./skew-counts.ts";
import { skewExamples } from "./skew-examples.ts";
import type { SkewReport } from "./skew-types.ts";

/** What a check of the skew reads. */
export interface SkewContext {
  readonly definitions: Definitions;
  readonly offline: OfflineStore;
  readonly online: OnlineStore | undefined;
  readonly reader: OfflineReader;
}

/** Which answers are checked. Times are µs. */
export interface SkewQuestion {
  readonly from: number;
  readonly to: number;
  readonly features: readonly string[] | undefined;
  readonly services: readonly string[] | undefined;
  readonly examples: number;
  /** Default: everything is shown. */
  readonly masking?: Masking | undefined;
  readonly onProgress: ((rows: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  /** @internal false: every row is parsed, for tests. */
  readonly isFast?: boolean;
}

/** A feature of a group that is compared. */
interface ComparedFeature {
  readonly selected: SelectedFeature;
  /** As `view:feature`. */
  readonly feature: string;
}

/**
 * Checks the answers from `from` on and before `to`.
 *
 * @throws SERVING_LOG_MISSING when there is no serving log.
 * @throws FEATURE_UNKNOWN when there is no such feature, and none was logged.
 * @throws SERVICE_UNKNOWN when there is no such service, and none was logged.
 */
export async function checkSkew(context: SkewContext, question: SkewQuestion): Promise<SkewReport> {
  const { definitions, offline } = context;
  const { from, to, signal, onProgress } = question;
  const counts = skewCounts();
  const examples = skewExamples(question.examples, question.masking ?? nothingMasked);
  const reaches = new Map<string, HistoryReach>();
  for (const source of definitions.sources.values())
    reaches.set(source.name, await historyReach(source, context, signal));
  const history = historyAnswers(context.reader, signal);
  const fingerprintOf = featureFingerprints(definitions);
  const wanted = question.features === undefined ? null : new Set(question.features);
  const services = question.services === undefined ? null : new Set(question.services);
  const loggedServices = new Set<string>();
  let answers = 0;

  for await (const group of readServingLog(offline, { from, to, services, signal })) {
    answers += group.rows.length;
    for (const { service } of group.rows) if (service !== null) loggedServices.add(service);
    await checkGroup(group);
    onProgress?.(answers);
    signal?.throwIfAborted();
  }
  refuseUnknownNames(
    definitions,
    { features: wanted ?? [], services: services ?? [] },
    {
      features: new Set(counts.report().features.map(({ feature }) => feature)),
      services: loggedServices,
    },
  );
  return {
    from: formatTime(from),
    to: formatTime(to),
    answers,
    ...counts.report(),
    examples: examples.all,
  };

  /** The features of a group that are asked for and still have the definition of then. */
  function comparedFeatures({ features, fingerprints, rows }: LoggedGroup): ComparedFeature[] {
    const logged = JSON.parse(fingerprints) as Readonly<Record<string, string>>;
    const compared: ComparedFeature[] = [];
    for (const { as, feature, selected } of readSelection(features, definitions)) {
      if (wanted !== null && !wanted.has(feature)) continue;
      if (selected !== null && fingerprintOf(selected) === logged[as])
        compared.push({ selected, feature });
      else counts.of(feature).otherDefinition += rows.length;
    }
    return compared;
  }

  async function checkGroup(group: LoggedGroup): Promise<void> {
    const compared = comparedFeatures(group);
    if (compared.length === 0) return;
    const selection = compared.map(({ selected }) => selected);
    const sources = selection.map((one) => sourcesOf([one]));
    const untils = sources.map((of) =>
      of.reduce((least, { name }) => Math.min(least, reaches.get(name)!.until), Infinity),
    );
    const isInHistory = ({ answeredAt }: LoggedRow, feature: number): boolean =>
      answeredAt <= untils[feature]!;
    for (const row of group.rows)
      compared.forEach(({ feature }, f) => {
        if (isInHistory(row, f)) counts.of(feature).compared++;
        else counts.of(feature).notInHistory++;
      });
    const rows: ComparedRows = {
      selection,
      rows: group.rows,
      keys: keysOfRows(selection, group.rows),
    };
    const { isFast } = question;
    const differing = (
      await compareAnswers(rows, history, isFast === undefined ? {} : { isFast })
    ).filter(({ row, feature, logged: { status } }) => {
      if (!isInHistory(group.rows[row]!, feature)) return false;
      if (status !== "NEEDS_BACKFILL" && status !== "NOT_READY") return true;
      counts.of(compared[feature]!.feature).compared--;
      counts.of(compared[feature]!.feature).unanswered++;
      return false;
    });
    if (differing.length === 0) return;
    await count(compared, rows, sources, differing);
  }

  async function count(
    compared: readonly ComparedFeature[],
    rows: ComparedRows,
    sources: readonly (readonly SourceSpec[])[],
    differing: readonly DifferingValue[],
  ): Promise<void> {
    const searched = await findKnowledge(rows, differing, history, (selection, keys, times) =>
      changeTimes(offline, selection, { keys, times }, signal),
    );
    const judgements = await judgeDifferences(rows, sources, differing, searched, {
      offline,
      erasedAt: (source) => reaches.get(source.name)!.erasedAt,
      signal,
    });
    differing.forEach((one, i) => {
      const { feature, selected } = compared[one.feature]!;
      const row = rows.rows[one.row]!;
      const { kind, change } = judgements[i]!;
      const { type } = selected.feature.result;
      const bits = differingBits(type, one.logged.value, one.recomputed.value);
      counts.differs(feature, kind, bits, kind === "late" ? row.answeredAt - change! : null);
      examples.add({ kind, bits, feature, selected, row, change, differing: one });
    });
  }
}
