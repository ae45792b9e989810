/**
 * Compares every path with the oracle, bit for bit: the stream-fed online store, and the history as
 * corrected and as known (laws 1 to 9).
 */
import { localEngine } from "../../../packages/core/src/engine/local-engine.ts";
import type { Knowledge } from "../../../packages/core/src/request/request-types.ts";
import type { SelectedFeature, SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type {
  ResultColumns,
  Change,
  ChangeBatch,
  ChangeSource,
  ComputeEngine,
  OfflineStore,
  OnlineStore,
} from "../../../packages/core/src/spi.ts";
import { resultsOf } from "../../../packages/core/src/engine/engine-columns.ts";
import { keyColumns, keysNeeded } from "../../../packages/core/src/request/entity-keys.ts";
import { openOfflineReader } from "../../../packages/core/src/offline/offline-reader.ts";
import type { LayoutLimits } from "../../../packages/core/src/offline/merge-plan.ts";
import { onlineReader } from "../../../packages/core/src/online/online-reader.ts";
import { storeWriters } from "../../../packages/core/src/resnapshot/store-writers.ts";
import { runChanges } from "../../../packages/core/src/ingest/runner.ts";
import type { StoreWriters } from "../../../packages/core/src/ingest/source-writer.ts";
import { labelsOf, type Coverage } from "./coverage.ts";
import type { Oracle, OracleAnswer, OracleMode, OracleRequest } from "./oracle.ts";
import { requestOfOther } from "./roles.ts";
import { oracleOf, type Scenario } from "../generate/scenario.ts";
import { sameBits, textOf } from "./values.ts";

/** The paths that are compared. */
export type PathName = "online" | "as corrected" | "as known";

/** An answer that differs from the oracle's. */
export interface Difference {
  readonly seed: number;
  readonly path: PathName;
  readonly request: OracleRequest;
  readonly feature: string;
  readonly expected: OracleAnswer;
  readonly found: {
    readonly value: Value;
    readonly status: string;
    readonly eventTime: number | null;
  };
}

/** The stores of the paths. */
export interface PathStores {
  readonly online: OnlineStore;
  readonly offline: OfflineStore;
}

/** How a comparison feeds and reads the stores. */
export interface ConsistencyOptions {
  readonly engine?: ComputeEngine | undefined;
  /**
   * The delivery to the stores: batches of line numbers, in this order. Default: the scenario's
   * order in one batch.
   */
  readonly delivery?: readonly (readonly number[])[] | undefined;
  /**
   * The number of rows per history commit. Small numbers leave a tail of the log between commits.
   */
  readonly commitRows?: number | undefined;
  /** When the time buckets of the history are merged and split. */
  readonly layoutLimits?: LayoutLimits | undefined;
  /**
   * The fraction of batches after which the versions table is compacted for the last time. Reads
   * merge the rest.
   */
  readonly compactAfter?: number | undefined;
  /** Called between writing and reading, for instance to close and reopen the stores. */
  readonly between?: ((stores: PathStores) => Promise<PathStores>) | undefined;
  readonly coverage?: Coverage | undefined;
  /** Called with every compared answer, as one line of text. */
  readonly onAnswer?: ((line: string) => void) | undefined;
}

/**
 * Feeds the scenario to the stores, sends its requests to every path, and reports each answer that
 * differs from the oracle's.
 */
export async function comparePaths(
  scenario: Scenario,
  stores: PathStores,
  options: ConsistencyOptions = {},
): Promise<Difference[]> {
  await feedScenario(scenario, stores, options);
  return compareAnswers(scenario, (await options.between?.(stores)) ?? stores, options);
}

/** Feeds the scenario to the stores. */
export async function feedScenario(
  scenario: Scenario,
  stores: PathStores,
  options: ConsistencyOptions = {},
): Promise<void> {
  if (options.compactAfter === undefined)
    await feed(scenario, stores, options, scenarioSource(scenario, options.delivery));
  else await feedWithTail(scenario, stores, options, options.compactAfter);
}

/** Runs a change source into both stores, as `openStore().run` does. */
export async function feed(
  scenario: Scenario,
  { online, offline }: PathStores,
  options: ConsistencyOptions,
  changes: ChangeSource,
): Promise<void> {
  await online.open({ namespace: "test" });
  await runChanges(
    changes,
    scenario.sources,
    storeWriters(scenario.sources, { online, offline, ...settings(scenario, options) }),
    // A scenario may have no usable row.
    { mismatch: 1 },
  );
}

/** Feeds as `feed`, but compacts the history only on the way, so that a tail is left. */
async function feedWithTail(
  scenario: Scenario,
  { online, offline }: PathStores,
  options: ConsistencyOptions,
  fraction: number,
): Promise<void> {
  await online.open({ namespace: "test" });
  const delivery = options.delivery ?? [scenario.truth.map((_, i) => i)];
  const cut = Math.floor(delivery.length * fraction);
  // in half of the scenarios the last compaction merges what the one before left as corrections
  const { layoutLimits } = options;
  const last =
    scenario.seed % 2 === 0 && layoutLimits !== undefined
      ? { ...layoutLimits, cheapRows: Infinity }
      : layoutLimits;
  for (const [lines, limits, finish] of [
    [delivery.slice(0, cut / 3), layoutLimits, true],
    [delivery.slice(0, (2 * cut) / 3), layoutLimits, true],
    [delivery.slice(0, cut), last, true],
    [delivery, layoutLimits, false],
  ] as const) {
    const stores = storeWriters(scenario.sources, {
      online,
      offline,
      ...settings(scenario, { ...options, layoutLimits: limits }),
    });
    await runChanges(
      scenarioSource(scenario, lines),
      scenario.sources,
      finish ? stores : stores.map(withoutCompaction),
      { mismatch: 1 },
    );
  }
}

function withoutCompaction(store: StoreWriters): StoreWriters {
  const open = async (signal: AbortSignal): ReturnType<StoreWriters["open"]> =>
    new Map(
      [...(await store.open(signal))].map(([source, writer]) => [
        source,
        { ...writer, finish: () => writer.flush() },
      ]),
    );
  return { ...store, open };
}

function settings(scenario: Scenario, { commitRows = 50_000, layoutLimits }: ConsistencyOptions) {
  const forever = { retain: Infinity, logRetention: Infinity };
  return {
    namespace: "test",
    views: scenario.views,
    clock: () => 0,
    retention: forever,
    history: {
      commit: { rows: commitRows },
      compaction: (source: SourceSpec) => ({
        layoutLimits,
        clusterBy: scenario.views.find((view) => view.source.name === source.name)?.keyColumns,
      }),
    },
  };
}

/** Answers the scenario's requests on each path, as a store answers them. */
export interface PathReaders {
  /** Answers one request from one snapshot, with one set of result columns per selected feature. */
  online(row: number): Promise<readonly ResultColumns[]>;
  /** Answers all requests from one version of each source's history. */
  history(knowledge: Knowledge): Promise<readonly ResultColumns[]>;
}

/** Makes the readers of the paths. */
export function pathReaders(
  { seed, views, selected: base, derived, roles, requests }: Scenario,
  { online, offline }: PathStores,
  engine: ComputeEngine = localEngine(),
  { serveWhileFilling = false }: { readonly serveWhileFilling?: boolean } = {},
): PathReaders {
  const selected = [...base, ...derived, ...roles.map((one) => one.selected)];
  const reader = onlineReader({
    store: online,
    namespace: "test",
    views,
    rules: { serveWhileFilling, isPushLevel: () => true },
    onOverflow: () => undefined,
  });
  const offlineReader = openOfflineReader(offline, engine);
  // every second scenario has events in a temporary file
  const memoryLimit = seed % 2 === 0 ? 4_096 : undefined;
  const keys = requests.map((request) => request.keys);
  const columns = keyColumns(keysNeeded(selected), keys);
  const times = Float64Array.from(requests, (request) => request.time);
  return {
    online: (row) => reader.read({ selection: selected, keys: [keys[row]!], t: times[row]! }),
    async history(knowledge) {
      const question = {
        selection: selected,
        keys: columns,
        times,
        knowledge,
        since: null,
        memoryLimit,
      };
      return resultsOf(await offlineReader.read(question));
    },
  };
}

/** Compares the answers of every path with the oracle's. */
export async function compareAnswers(
  scenario: Scenario,
  stores: PathStores,
  options: ConsistencyOptions,
): Promise<Difference[]> {
  const { requests } = scenario;
  const selected: readonly SelectedFeature[] = [...scenario.selected, ...scenario.derived];
  const originals = scenario.roles.map(({ original }) => original);
  const oracle = oracleOf(scenario);
  const labels = options.coverage === undefined ? null : labelsOf(scenario, oracle);
  const readers = pathReaders(scenario, stores, options.engine);
  const differences: Difference[] = [];

  const known = new Map<string, readonly OracleAnswer[]>();
  /** The answers of the oracle. Two paths have the mode "corrected". */
  const expectedOf = (row: number, mode: OracleMode): readonly OracleAnswer[] => {
    const name = `${mode} ${row}`;
    let expected = known.get(name);
    if (expected === undefined) {
      const request = requests[row]!;
      expected = [
        ...answersOf(oracle, selected, request, mode),
        ...answersOf(oracle, originals, requestOfOther(request), mode),
      ];
      known.set(name, expected);
    }
    return expected;
  };
  const check = (
    path: PathName,
    mode: OracleMode,
    row: number,
    answers: readonly ResultColumns[],
    i: number,
  ): void => {
    const request = requests[row]!;
    const expected = expectedOf(row, mode);
    const label = labels?.(request, mode);
    [...selected, ...scenario.roles.map((one) => one.selected)].forEach((one, f) => {
      const { values, statuses, times: found } = answers[f]!;
      const eventTime = Number.isNaN(found[i]!) ? null : found[i]!;
      const answer = { value: values[i]!, status: statuses[i]!, eventTime };
      options.onAnswer?.(`${scenario.seed} ${path} ${row} ${f} ${answerText(answer)}`);
      if (label !== undefined)
        options.coverage!.add(f < selected.length ? label(one) : new Set([`mode ${mode}`, "role"]));
      if (!matchesOracle(answer, expected[f]!))
        differences.push({
          seed: scenario.seed,
          path,
          request,
          feature: `${one.view.name}.${one.feature.name}`,
          expected: expected[f]!,
          found: answer,
        });
    });
  };

  // requests come in the order of time, so that a reader also meets outdated answers in its cache
  const inOrder = requests
    .map((_, row) => row)
    .sort((a, b) => requests[a]!.time - requests[b]!.time);
  for (const row of inOrder) check("online", "corrected", row, await readers.online(row), 0);
  for (const knowledge of ["as-corrected", "as-known"] as const) {
    const answers = await readers.history(knowledge);
    for (let row = 0; row < requests.length; row++)
      check(
        knowledge === "as-known" ? "as known" : "as corrected",
        knowledge === "as-known" ? "known" : "corrected",
        row,
        answers,
        row,
      );
  }
  return differences;
}

function answersOf(
  oracle: Oracle,
  selected: readonly SelectedFeature[],
  request: OracleRequest,
  mode: OracleMode,
): OracleAnswer[] {
  return oracle.answer(selected, request, mode);
}

/** Writes every bit of an answer: −0 apart from 0, bytes one by one. */
function answerText({ value, status, eventTime }: Difference["found"]): string {
  return `${typeof value} ${bitsText(value)} ${status} ${eventTime}`;
}

function bitsText(value: Value): string {
  if (value instanceof Uint8Array) return [...value].join(",");
  if (Array.isArray(value)) {
    const parts = (value as readonly Value[]).map((part) => `${typeof part} ${bitsText(part)}`);
    return `[${parts.join("; ")}]`;
  }
  return Object.is(value, -0) ? "-0" : String(value);
}

function matchesOracle(found: Difference["found"], expected: OracleAnswer): boolean {
  return (
    sameBits(found.value, expected.value) &&
    found.status === expected.status &&
    found.eventTime === expected.eventTime
  );
}

/** Makes a change source of the scenario's truth, as a faultless decoder would give it. */
export function scenarioSource(
  scenario: Scenario,
  delivery: readonly (readonly number[])[] = [scenario.truth.map((_, i) => i)],
): ChangeSource {
  return {
    name: `scenario ${scenario.seed}`,
    // A generated log may hold nothing that can be read.
    unreadable: "keep",
    async *changes({ after }): AsyncIterable<ChangeBatch> {
      const reached = new Map(after.map(({ partition, offset }) => [partition, offset]));
      for (const lines of delivery) {
        const changes: Change[] = [];
        for (const line of lines) {
          const change = scenario.truth[line]!;
          const partition = `${change.topic}:${change.partition}`;
          if (change.offset <= (reached.get(partition) ?? -1)) continue;
          reached.set(partition, change.offset);
          changes.push(change);
        }
        yield {
          changes,
          positions: [...reached].map(([partition, offset]) => ({ partition, offset })),
        };
      }
    },
  };
}

/** Writes a difference as one line for the output of a failing run. */
export function differenceText({
  seed,
  path,
  request,
  feature,
  expected,
  found,
}: Difference): string {
  const show = (answer: Difference["found"]): string =>
    `${textOf(answer.value)} ${answer.status} @${answer.eventTime}`;
  const keys = Object.entries(request.keys)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(" ");
  return (
    `seed ${seed}, ${path}, ${feature} of ${keys} at ${request.time}: ` +
    `expected ${show(expected)}, found ${show(found)}`
  );
}
