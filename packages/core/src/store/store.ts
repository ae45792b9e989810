/** The store: definitions over an online and an offline store, fed by change sources. */
import { collectDefinitions, type Definitions } from "../define/collect-definitions.ts";
import { timeLimitMillis, type TimeLimit } from "../define/duration.ts";
import { selectedFeatures } from "../define/selection.ts";
import { timeOf } from "../define/time-input.ts";
import { localEngine } from "../engine/local-engine.ts";
import { TidemarkError } from "../errors.ts";
import { compactHistory } from "../offline/compaction.ts";
import { refuseUnknownOptions, wordOption, type OptionNames } from "../option-checks.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import { runChanges, type RunSettings } from "../ingest/runner.ts";
import { onlineMaintenance } from "../online/maintenance.ts";
import { checkDefinitions } from "../registry/definition-mismatch.ts";
import { applyRegistry, planRegistry, type RegistrySettings } from "../registry/registry.ts";
import { backpressureText, type StoreBackpressure } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { answerBatch, answerColumns, answerRow } from "../request/result-rows.ts";
import { materializeViews, viewSpecOf } from "../materialize/materialize.ts";
import { materializedReader, materializedRow } from "../materialize/read-materialized.ts";
import { entityRowsOf, type EntityRowsInput } from "../request/entity-rows.ts";
import { answerOf, requestedKeys, type OnlineRequestInput } from "../request/online-request.ts";
import { backfillOnline } from "../online/backfill.ts";
import { warnUnlessRetryable } from "../push/catch-up.ts";
import { storePushes } from "../push/pushes.ts";
import { generationRun } from "../resnapshot/generation-run.ts";
import { openOfflineReader } from "../offline/offline-reader.ts";
import { explainLogLost } from "../online/lost-log.ts";
import { onlineReader } from "../online/online-reader.ts";
import { keyReader, keysNeeded, keysReader } from "../request/entity-keys.ts";
import { resnapshotSource } from "../resnapshot/resnapshot.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import { quarantinedRows } from "../status/quarantined-rows.ts";
import { sourceStatus } from "../status/source-status.ts";
import { storeTables } from "../status/store-tables.ts";
import type { RunOptions, Store } from "./store-types.ts";
import { configuredStores, EXAMPLES, type StoreOptions } from "./store-options.ts";
import type { FeatureReads } from "../request/request-types.ts";
import { trainingSet } from "../offline/training-set.ts";

const HISTORICAL_OPTIONS: OptionNames = {
  names: new Set(["features", "entities", "knowledge", "beforeHistory", "metadata", "signal"]),
  renamed: { asKnown: 'knowledge: "as-known"', requireKnown: 'beforeHistory: "error"' },
};

/**
 * Opens a store over definitions. The online store answers requests. The offline store holds the
 * history. Either may be left out.
 *
 * @throws DEFINITION_CONFLICT when definitions contradict each other.
 * @throws OPTION_UNKNOWN when there is no such option.
 * @throws DEFINITION_MISMATCH when other definitions were applied, with `onDefinitionMismatch:
 * "refuse"`.
 * @example
 * const store = await openStore({
 *   definitions: await import("./features.ts"),
 *   online: sqliteOnlineStore("online.db"),
 * });
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const definitions = collectDefinitions(options.definitions);
  const { namespace = "default" } = options;
  const { online, offline, retention, answerCacheBytes, history } = configuredStores(options);
  const engine = options.engine ?? localEngine({ onOverflow: options.onOverflow });
  const clock = (): number => (options.clock?.() ?? new Date()).getTime() * 1000;
  const views = [...definitions.views.values()];
  const sources = [...definitions.sources.values()];
  await checkDefinitions({ definitions, namespace, offline }, options.onDefinitionMismatch);
  await online?.open({ namespace });
  const reader =
    online === undefined
      ? null
      : onlineReader({
          store: online,
          namespace,
          views,
          answerCacheBytes,
          onOverflow: options.onOverflow ?? (() => undefined),
        });
  const materialized = online === undefined ? null : materializedReader(online, namespace);
  const offlineReader = offline === undefined ? null : openOfflineReader(offline, engine);
  const writerOptions = {
    online,
    offline,
    namespace,
    views,
    clock,
    retention,
    history,
    maintainedSources: sources,
  } satisfies WriterOptions;
  const pushes = storePushes({
    ...writerOptions,
    sources,
    maintenance:
      online === undefined
        ? null
        : onlineMaintenance({ store: online, namespace, sources, views, clock, retention }),
  });

  const runSettings = ({
    signal,
    onProgress,
    onBackpressure = warnOfBackpressure,
    maxBlockTime,
    maxStallTime,
  }: RunOptions): RunSettings => {
    const milliseconds = (
      option: string,
      length: TimeLimit | "forever" | undefined,
    ): number | undefined => {
      if (length === undefined) return undefined;
      return length === "forever" ? Infinity : timeLimitMillis(`run: ${option}`, length);
    };
    return {
      signal,
      onProgress,
      onBackpressure,
      maxBlockTime: milliseconds("maxBlockTime", maxBlockTime),
      maxStallTime: milliseconds("maxStallTime", maxStallTime),
      clock,
      backpressure,
    };
  };

  async function askOnline(call: string, request: OnlineRequestInput) {
    if (reader === null) throw missing(call, "online");
    request.signal?.throwIfAborted();
    const selection = selectionFor(request.features, call);
    const asked = requestedKeys(call, request, keysReader(selection));
    const keys = asked instanceof Promise ? await asked : asked;
    const late = pushes.beforeRead(selection);
    if (late !== undefined) await late;
    // one time for the whole call, which the answer returns (law 1: one t for every window)
    const t = request.asOf === undefined ? clock() : timeOf(request.asOf, "asOf");
    const answers = await reader.read({ selection, keys, t });
    return { selection, answers, length: keys.length, t };
  }

  /**
   * Returns the sources that a log feeds.
   *
   * @throws LOG_NOT_ALLOWED when rows are pushed to all of them.
   */
  function logSources(call: string, ...of: readonly SourceSpec[]): readonly SourceSpec[] {
    const asked = of.length === 0 ? sources : of;
    const fed = asked.filter(({ push }) => push !== true);
    if (fed.length > 0 || asked.length === 0) return fed;
    throw new TidemarkError(
      "LOG_NOT_ALLOWED",
      `${call}: ${asked.map(({ name }) => `source "${name}"`).join(", ")} ` +
        `${asked.length === 1 ? "is" : "are"} fed by push, not by a log: bring rows with ` +
        "store.push",
    );
  }

  function registrySettings(call: string): RegistrySettings {
    if (offline === undefined) throw missing(call, "offline");
    if (offline.registry === undefined)
      throw new TidemarkError(
        "STORE_MISSING",
        `${call} needs a registry, and ${offline.name} keeps none; use an offline store that ` +
          `does, such as deltaOfflineStore(localObjects("./lake"))`,
      );
    return { definitions, namespace, offline, registry: offline.registry, online, clock };
  }

  const backpressure = new Set<() => readonly StoreBackpressure[]>();
  const selections = new WeakMap<object, readonly SelectedFeature[]>();

  /**
   * Returns the features of a selection. A definition does not change, so its selection is kept. A
   * list may change, so it is read each time.
   */
  function selectionFor(features: unknown, call: string): readonly SelectedFeature[] {
    if (typeof features !== "object" || features === null || Array.isArray(features))
      return selectedFeatures(features, call);
    let selection = selections.get(features);
    if (selection === undefined)
      selections.set(features, (selection = selectedFeatures(features, call)));
    return selection;
  }

  const reads = {
    async getOnlineFeatures(request: OnlineRequestInput) {
      const { selection, answers, length, t } = await askOnline("getOnlineFeatures", request);
      const rows = Array.from({ length }, (_, i) =>
        answerRow(selection, answers, i, request.metadata === true),
      );
      return answerOf(request, rows, () => formatTime(t));
    },

    async getMaterialized({
      view: asked,
      entities,
      signal,
    }: {
      view: unknown;
      entities: readonly unknown[];
      signal?: AbortSignal;
    }) {
      if (materialized === null) throw missing("getMaterialized", "online");
      signal?.throwIfAborted();
      const view = viewSpecOf(asked, "getMaterialized");
      const { keys } = view.entity;
      const read = keyReader(keys, { extra: false });
      const rows = await materialized.read(
        view,
        entities.map((entity, i) => {
          const values = read(entity, i);
          return keys.map(({ name }) => values[name]!);
        }),
      );
      return rows.map((row) => materializedRow(view, row));
    },

    async getHistoricalFeatures(request: {
      features: unknown;
      entities: EntityRowsInput;
      knowledge?: unknown;
      beforeHistory?: unknown;
      metadata?: boolean;
      signal?: AbortSignal;
    }) {
      if (offlineReader === null) throw missing("getHistoricalFeatures", "offline");
      refuseUnknownOptions("getHistoricalFeatures", request, HISTORICAL_OPTIONS);
      const knowledge = wordOption("knowledge", request.knowledge, ["as-corrected", "as-known"]);
      const beforeHistory = wordOption("beforeHistory", request.beforeHistory, ["empty", "error"]);
      const { signal } = request;
      const selection = selectedFeatures(request.features, "getHistoricalFeatures");
      const entityRows = await entityRowsOf(request.entities, keysNeeded(selection));
      const since = await offlineReader.coverage(sourcesOf(selection), signal);
      const coverage = Object.fromEntries(
        [...since].map(([name, start]) => [
          name,
          { knownSince: start === null ? null : formatTime(start) },
        ]),
      );
      return trainingSet({
        entityRows,
        selection,
        metadata: request.metadata === true,
        coverage,
        signal,
        answer: (block) =>
          offlineReader.read({
            selection,
            keys: block.keys,
            times: block.times,
            knowledge,
            since: beforeHistory === "error" ? since : null,
            signal,
          }),
      });
    },
  };

  return {
    ...(reads as unknown as FeatureReads),
    ...pushes.calls,
    async run(changes, settings = {}) {
      if (online === undefined && offline === undefined) throw missing("run", "online");
      const fed = logSources("run");
      await warnUnlessRetryable(pushes.calls.catchUp({ signal: settings.signal }), settings.signal);
      try {
        const run = await generationRun(
          changes,
          fed,
          { ...writerOptions, shared: changes.shared === true },
          settings.signal,
        );
        const result = await runChanges(run.changes, fed, run.stores, runSettings(settings));
        await run.complete((source) => run.changes.snapshotBeforeRun(source.name));
        return result;
      } catch (error) {
        throw await explainLogLost(error, fed, { online, offline });
      }
    },
    async resnapshot(name, changes, { ending = "marked", ...settings } = {}) {
      if (online === undefined && offline === undefined) throw missing("resnapshot", "online");
      return resnapshotSource(
        logSources("resnapshot", sourceNamed(definitions, name))[0]!,
        changes,
        ending,
        { ...writerOptions, shared: changes.shared === true },
        runSettings(settings),
      );
    },
    async backfill({ sources: names, batchRows, signal, onProgress } = {}) {
      if (online === undefined) throw missing("backfill", "online");
      if (offline === undefined) throw missing("backfill", "offline");
      const wanted =
        names === undefined ? sources : names.map((name) => sourceNamed(definitions, name));
      const maintenance = onlineMaintenance({
        store: online,
        namespace,
        sources,
        views,
        clock,
        retention,
      });
      return backfillOnline(wanted, {
        ...writerOptions,
        online,
        offline,
        maintenance,
        limits: batchRows === undefined ? {} : { batchRows },
        signal,
        onProgress,
      });
    },
    async getOnlineBatch(request) {
      const { selection, answers, length } = await askOnline("getOnlineBatch", request);
      return answerBatch(selection, answers, length);
    },
    async getOnlineColumns(request) {
      const { selection, answers, t } = await askOnline("getOnlineColumns", request);
      return { columns: answerColumns(selection), answers, asOf: t };
    },
    async materialize(asked) {
      if (offline === undefined) throw missing("materialize", "offline");
      return materializeViews(asked, {
        views: definitions.views,
        offline,
        online: online ?? null,
        namespace,
        engine,
        clock,
      });
    },
    async compact({ signal } = {}) {
      if (offlineReader === null) throw missing("compact", "offline");
      for (const source of sources)
        await compactHistory(offlineReader.context(source), { buckets: history.buckets, signal });
    },
    plan: async ({ signal } = {}) => planRegistry(registrySettings("plan"), signal),
    apply: async (settings = {}) => applyRegistry(registrySettings("apply"), settings),
    tables: () => storeTables(sources, views),
    status: async () =>
      Promise.all(
        sources.map((source) =>
          sourceStatus(source, {
            ...writerOptions,
            backpressure: [...backpressure].flatMap((one) => one()),
          }),
        ),
      ),
    async quarantine(name) {
      if (online === undefined) throw missing("quarantine", "online");
      return quarantinedRows(sourceNamed(definitions, name), { ...writerOptions, online });
    },
    async close() {
      await pushes.close();
      await online?.close();
      await offline?.close();
    },
  };
}

function warnOfBackpressure(report: StoreBackpressure): void {
  if (!report.caughtUp)
    process.emitWarning(backpressureText(report), {
      type: "TidemarkWarning",
      code: "STORE_STALLED",
    });
}

function sourcesOf(selection: readonly SelectedFeature[]): readonly SourceSpec[] {
  return [...new Map(selection.map(({ view }) => [view.source.name, view.source])).values()];
}

function sourceNamed(definitions: Definitions, name: string): SourceSpec {
  const source = definitions.sources.get(name);
  if (source === undefined)
    throw new TidemarkError(
      "SOURCE_UNKNOWN",
      `no source is called "${name}"; there are ${[...definitions.sources.keys()].join(", ")}`,
    );
  return source;
}

function missing(call: string, part: "online" | "offline"): TidemarkError {
  return new TidemarkError(
    "STORE_MISSING",
    `${call} needs an ${part} store: give openStore({ ${part}: … }), such as ` + EXAMPLES[part],
  );
}
