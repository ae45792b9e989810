/** The store: definitions over an online and an offline store, fed by change sources. */
import { warnOfDeprecated } from "../request/deprecated.ts";
import { openAudit } from "../audit/audit.ts";
import { readAudits } from "../audit/read-audits.ts";
import { backUp } from "../backup/backup.ts";
import { collectDefinitions, type Definitions } from "../define/collect-definitions.ts";
import { timeLimitMillis, type TimeLimit } from "../define/duration.ts";
import { sourcesOf } from "../plan/columns-read.ts";
import { selectedFeatures } from "../define/selection.ts";
import { timeOf } from "../define/time-input.ts";
import { localEngine } from "../engine/local-engine.ts";
import { isRetryable, TidemarkError } from "../errors.ts";
import { compactHistory, type CompactionSettings } from "../offline/compaction.ts";
import {
  bytesOption,
  countOption,
  refuseUnknownOptions,
  wordOption,
  type OptionNames,
} from "../option-checks.ts";
import { DEFAULT_MEMORY_LIMIT, LEAST_MEMORY_LIMIT, MOST_WORKERS } from "../memory-limit.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { MeasuredPartition } from "../ingest/run-lag.ts";
import { runChanges, type RunSettings } from "../ingest/runner.ts";
import { onlineMaintenance } from "../online/maintenance.ts";
import { applyDefinitions } from "../registry/apply-definitions.ts";
import { rewriteCheck } from "../registry/applied-source.ts";
import { checkDefinitions } from "../registry/definition-mismatch.ts";
import { listApplies, planRegistry, type RegistrySettings } from "../registry/registry.ts";
import { firstNotTakenText } from "../ingest/run-report.ts";
import { mismatchOption, mismatchText, type SourceMismatch } from "../ingest/source-fit.ts";
import { isExpected, type NotTaken } from "../ingest/not-taken.ts";
import { backpressureText, type StoreBackpressure } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { answerBatch, answerColumns, answerRow } from "../request/result-rows.ts";
import { columnsInUse } from "../plan/columns-read.ts";
import { eraseFromStores } from "../erase/erase.ts";
import { readReceipts } from "../erase/receipts.ts";
import { erasureSharing } from "../erase/erasure-sharing.ts";
import { shareErased } from "../erase/share-erased.ts";
import { currentUser } from "../registry/current-user.ts";
import { materializeViews, viewSpecOf } from "../materialize/materialize.ts";
import { materializedReader, materializedRow } from "../materialize/read-materialized.ts";
import { entityRowsOf, type EntityRowsInput } from "../request/entity-rows.ts";
import { answerOf, requestedKeys, type OnlineRequestInput } from "../request/online-request.ts";
import { backfillOnline } from "../online/backfill.ts";
import { writeBackfillRates } from "../online/backfill-rates.ts";
import { warnUnlessRetryable } from "../push/catch-up.ts";
import { storePushes } from "../push/pushes.ts";
import { rememberReachableHistory } from "../pairing/store-pair.ts";
import { storePairs } from "../pairing/store-pairs.ts";
import { generationRun } from "../resnapshot/generation-run.ts";
import { emptyHistoryText } from "../offline/empty-history.ts";
import { historyTables } from "../offline/history-tables.ts";
import { openOfflineReader } from "../offline/offline-reader.ts";
import { explainLogLost } from "../online/lost-log.ts";
import { layoutFor } from "../online/source-state.ts";
import { AnswerCounter } from "../online/answer-counts.ts";
import { onlineReader } from "../online/online-reader.ts";
import { SkippedMessageLog, skippedMessages } from "../online/skipped-messages.ts";
import { keepMismatches } from "../online/told-mismatches.ts";
import { keyReader, keysNeeded, keysReader } from "../request/entity-keys.ts";
import { driftHistory } from "../drift/drift-history.ts";
import { driftOf, isRecordedDrift } from "../drift/drift.ts";
import { profileOf } from "../profile/profile.ts";
import { maskingOption } from "../explain/masking.ts";
import { exportedNames, storeExplainer } from "../explain/explainer.ts";
import { historyRows } from "../explain/history-rows.ts";
import { onlineRows } from "../explain/online-rows.ts";
import { checkQuality } from "../quality/check-quality.ts";
import { RESULTS_TABLE, resultRows } from "../quality/results-table.ts";
import { forgetMissingHistory, resnapshotSource } from "../resnapshot/resnapshot.ts";
import { retryKept } from "../retry/retry.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import { keylessRows, quarantinedRows, withBytes } from "../status/quarantined-rows.ts";
import { serviceNamer } from "../serving-log/asked-service.ts";
import { DAY_MICROS } from "../serving-log/log-table.ts";
import { checkSkew } from "../skew/check-skew.ts";
import { openServingLog } from "../serving-log/serving-log.ts";
import { checkResults, keepDrift, keepExpectations } from "../status/check-results.ts";
import { newestChanges } from "../status/newest-changes.ts";
import { sourceReadiness } from "../status/readiness.ts";
import { logEnds } from "../status/log-lag.ts";
import { measuredLag, writeMeasuredLag } from "../status/measured-lag.ts";
import { storeTimeline } from "../timeline/store-timeline.ts";
import { sourceStatus } from "../status/source-status.ts";
import { profileTables, storeTables, tablesNamed } from "../status/store-tables.ts";
import { storeStorage } from "../status/store-storage.ts";
import { auditedStore } from "./audited-store.ts";
import type { RunOptions, Store } from "./store-types.ts";
import { configuredStores, EXAMPLES, type StoreOptions } from "./store-options.ts";
import type { FeatureReads } from "../request/request-types.ts";
import { trainingSet } from "../offline/training-set.ts";
import { traced } from "../tracing.ts";

/** µs between two writes of the counts of skipped messages during a run. */
const SKIPPED_INTERVAL = 10_000_000;

const ON_MISSING = ["error", "null"] as const;

const QUALITY_OPTIONS: OptionNames = {
  names: new Set(["names", "asOf", "personal", "signal"]),
  renamed: { at: "asOf" },
};
const SKEW_OPTIONS: OptionNames = {
  names: new Set([
    "from",
    "to",
    "features",
    "services",
    "examples",
    "personal",
    "onProgress",
    "signal",
  ]),
  renamed: {},
};
const CHANGES_OPTIONS: OptionNames = {
  names: new Set(["limit", "personal", "signal"]),
  renamed: { last: "limit" },
};
const STORAGE_OPTIONS: OptionNames = {
  names: new Set(["tables", "personal", "signal"]),
  renamed: {},
};
const HISTORICAL_OPTIONS: OptionNames = {
  names: new Set([
    "features",
    "entities",
    "knowledge",
    "beforeHistory",
    "metadata",
    "memoryLimit",
    "workers",
    "signal",
  ]),
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
 * @throws REGISTRY_UNAVAILABLE when the registry does not answer, with `onDefinitionMismatch:
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
  const configured = configuredStores(options);
  const { online, offline, retention, answerCacheBytes, serveWhileFilling, history, compaction } =
    configured;
  const { onOverflow, onTruncated } = options;
  const engine = options.engine ?? localEngine({ onOverflow, onTruncated });
  const clock = (): number => (options.clock?.() ?? new Date()).getTime() * 1000;
  const views = [...definitions.views.values()];
  const sources = [...definitions.sources.values()];
  await checkDefinitions({ definitions, namespace, offline }, options.onDefinitionMismatch);
  await online?.open({ namespace });
  const tableOf = (source: SourceSpec): string => historyTables(source).changes.name;
  const pairs = storePairs({ online, offline, tableOf });
  for (const { code, message } of await pairs.check(sources))
    process.emitWarning(message, { type: "TidemarkWarning", code });
  const answerCounter = new AnswerCounter();
  const reader =
    online === undefined
      ? null
      : onlineReader({
          store: online,
          namespace,
          views,
          answerCacheBytes,
          rules: { serveWhileFilling, isPushLevel: (source) => pushes.isLevel(source) },
          onOverflow: onOverflow ?? (() => undefined),
          onTruncated,
          counter: answerCounter,
        });
  const materialized = online === undefined ? null : materializedReader(online, namespace);
  const offlineReader =
    offline === undefined ? null : openOfflineReader(offline, engine, onOverflow);
  const servingLog =
    configured.servingLog === null
      ? null
      : openServingLog({
          settings: configured.servingLog,
          definitions,
          online: online!,
          offline: offline!,
          clock,
        });
  const audit =
    configured.audit === null
      ? null
      : openAudit({
          offline: offline!,
          namespace,
          clock,
          by: configured.audit.by ?? currentUser(),
          from: configured.audit.from,
        });
  const serviceOf = serviceNamer(definitions);
  const mayRewrite = rewriteCheck({ definitions, namespace, offline });
  const entityKeys = new Map(
    sources.map((source) => [source.name, layoutFor(source, views).entityLogs]),
  );
  const compactionOf = ({ name }: SourceSpec): CompactionSettings => ({
    ...compaction,
    mayRewrite,
    clock,
    clusterBy: entityKeys.get(name)?.[0]?.keyColumns.map((column) => column.name),
  });
  const writerOptions = {
    online,
    offline,
    namespace,
    views,
    clock,
    retention,
    history: { ...history, compaction: compactionOf },
    maintainedSources: sources,
  } satisfies WriterOptions;
  const erasureSettings = { online, offline, namespace, views, clock, retention };
  const pushes = storePushes({
    ...writerOptions,
    sources,
    async shareErased(source, signal) {
      await shareErased([source], erasureSettings, { signal });
    },
    maintenance:
      online === undefined
        ? null
        : onlineMaintenance({ store: online, namespace, sources, views, clock, retention }),
  });

  const neededColumns = new Map(
    sources.map((source) => [source.name, columnsInUse(source, views)]),
  );
  /**
   * Keeps the counts of skipped messages in the online store. They only inform, so a store that
   * does not answer ends no run.
   */
  async function countingSkipped<T>(
    run: (onSkipped: RunSettings["onSkipped"]) => Promise<T>,
  ): Promise<T> {
    if (online === undefined) return run(undefined);
    const log = new SkippedMessageLog(online, namespace);
    const keep = async (write: () => Promise<void>): Promise<void> => {
      await write().catch((error: unknown) => {
        if (!isRetryable(error)) throw error;
      });
    };
    let written = clock();
    try {
      return await run(async (skipped) => {
        await keep(() => log.add(skipped));
        if (clock() - written < SKIPPED_INTERVAL) return;
        written = clock();
        await keep(() => log.flush());
      });
    } finally {
      await keep(() => log.flush());
    }
  }

  /** Keeps the lag of a run in the online store. It only informs, as the counts do. */
  const onLag = async (measured: readonly MeasuredPartition[]): Promise<void> => {
    if (online === undefined) return;
    await writeMeasuredLag(online, namespace, measured).catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
    });
  };

  /** Runs, and keeps the mismatches that the run tells. */
  const keepingMismatches = <T>(
    settings: RunOptions,
    run: (settings: RunSettings) => Promise<T>,
  ): Promise<T> =>
    online === undefined
      ? run(runSettings(settings))
      : keepMismatches(online, namespace, sources, runSettings(settings), run);

  const runSettings = ({
    signal,
    onProgress,
    onNotTaken = warnOfNotTaken,
    onMismatch = warnOfMismatch,
    mismatch,
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
      onNotTaken,
      onMismatch,
      mismatch: mismatchOption(mismatch),
      entityKeys,
      neededColumns,
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
    const older = pairs.beforeOnlineRead(selection);
    if (older !== undefined) await older;
    // one time for the whole call, which the answer returns (law 1: one t for every window)
    const now = clock();
    const t = request.asOf === undefined ? now : timeOf(request.asOf, "asOf");
    const taken = servingLog?.takenNow() ?? null;
    const { signal, maxBytes } = request;
    const onMissing = wordOption("onMissing", request.onMissing, ON_MISSING);
    const answers = await traced(
      call,
      () => ({
        "tidemark.namespace": namespace,
        "tidemark.entities": keys.length,
        "tidemark.features": selection.length,
      }),
      () => reader.read({ selection, keys, t, onMissing, signal, maxBytes }),
    );
    answerCounter.addAnswers(selection, answers, keys.length);
    servingLog?.record({
      selection,
      service: serviceOf(request.features, selection),
      keys,
      answers,
      asOf: t,
      answeredAt: now,
      requestId: request.requestId,
      taken,
    });
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

  function askedFeatures(features: unknown, call: string): readonly SelectedFeature[] {
    const selection = selectedFeatures(features, call);
    warnOfDeprecated(features, selection);
    return selection;
  }

  /** Waits for what an answer must have: pushes of this process, and a history that fits. */
  const beforeOnlineRead = async (selection: readonly SelectedFeature[]): Promise<void> => {
    await pushes.beforeRead(selection);
    await pairs.beforeOnlineRead(selection);
  };
  const explain = storeExplainer({
    exported: exportedNames(options.definitions),
    clock,
    selectionOf: selectionFor,
    missing,
    offline:
      offlineReader === null || offline === undefined
        ? null
        : { store: offline, reader: offlineReader },
    online:
      reader === null || online === undefined
        ? null
        : {
            reader,
            beforeRead: beforeOnlineRead,
            rows: (signal) =>
              onlineRows({
                store: online,
                namespace,
                views,
                placesOf: offline === undefined ? null : historyRows(offline, signal).placesOf,
              }),
          },
  });
  const backpressure = new Set<() => readonly StoreBackpressure[]>();
  const selections = new WeakMap<object, readonly SelectedFeature[]>();

  /**
   * Returns the features of a selection. A definition does not change, so its selection is kept. A
   * list may change, so it is read each time.
   */
  function selectionFor(features: unknown, call: string): readonly SelectedFeature[] {
    if (typeof features !== "object" || features === null || Array.isArray(features))
      return askedFeatures(features, call);
    let selection = selections.get(features);
    if (selection === undefined)
      selections.set(features, (selection = askedFeatures(features, call)));
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
      memoryLimit?: unknown;
      workers?: unknown;
      signal?: AbortSignal;
    }) {
      if (offlineReader === null) throw missing("getHistoricalFeatures", "offline");
      refuseUnknownOptions("getHistoricalFeatures", request, HISTORICAL_OPTIONS);
      const knowledge = wordOption("knowledge", request.knowledge, ["as-corrected", "as-known"]);
      const beforeHistory = wordOption("beforeHistory", request.beforeHistory, ["empty", "error"]);
      const memoryLimit = bytesOption("memoryLimit", request.memoryLimit, {
        least: LEAST_MEMORY_LIMIT,
        otherwise: DEFAULT_MEMORY_LIMIT,
      });
      const workers = countOption("workers", request.workers, MOST_WORKERS);
      const { signal } = request;
      const selection = askedFeatures(request.features, "getHistoricalFeatures");
      const entityRows = await entityRowsOf(
        request.entities,
        keysNeeded(selection),
        selection.length,
        memoryLimit,
      );
      await pairs.refuseHistory(sourcesOf(selection), signal);
      const since = await offlineReader.coverage(sourcesOf(selection), signal);
      const empty = request.beforeHistory !== undefined ? null : emptyHistoryText(offline!, since);
      if (empty !== null)
        process.emitWarning(empty, { type: "TidemarkWarning", code: "HISTORY_EMPTY" });
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
          traced(
            "getHistoricalFeatures",
            () => ({
              "tidemark.namespace": namespace,
              "tidemark.entities": block.length,
              "tidemark.features": selection.length,
              "tidemark.knowledge": knowledge,
            }),
            () =>
              offlineReader.read({
                selection,
                keys: block.keys,
                times: block.times,
                knowledge,
                since: beforeHistory === "error" ? since : null,
                memoryLimit,
                workers,
                signal,
              }),
          ),
      });
    },
  };

  const store: Store = {
    ...(reads as unknown as FeatureReads),
    ...pushes.calls,
    explain,
    async run(changes, settings = {}) {
      if (online === undefined && offline === undefined) throw missing("run", "online");
      const fed = logSources("run");
      if (settings.newHistory === true)
        for (const source of fed) await forgetMissingHistory(source, { online, offline });
      const erasures = await erasureSharing(fed, erasureSettings, settings.signal);
      await warnUnlessRetryable(pushes.calls.catchUp({ signal: settings.signal }), settings.signal);
      try {
        const run = await generationRun(
          changes,
          fed,
          { ...writerOptions, shared: changes.shared === true },
          settings.signal,
        );
        const result = await keepingMismatches(settings, (kept) =>
          countingSkipped((onSkipped) =>
            runChanges(run.changes, fed, run.stores, {
              ...kept,
              onSkipped,
              onLag,
              mayBeReady: () => erasures.isDone(),
              untilMayBeReady: (signal) => erasures.wait(signal),
            }),
          ),
        );
        await run.complete((source) => run.changes.snapshotBeforeRun(source.name));
        await erasures.isDone();
        return result;
      } catch (error) {
        throw await explainLogLost(error, fed, { online, offline });
      } finally {
        erasures.stop();
      }
    },
    async resnapshot(name, changes, { ending = "marked", ...settings } = {}) {
      if (online === undefined && offline === undefined) throw missing("resnapshot", "online");
      const [source] = logSources("resnapshot", sourceNamed(definitions, name));
      await shareErased([source!], erasureSettings, settings);
      return keepingMismatches(settings, (kept) =>
        resnapshotSource(
          source!,
          changes,
          ending,
          { ...writerOptions, shared: changes.shared === true },
          kept,
        ),
      );
    },
    async retry(changes, { sources: names, dryRun = false, ...settings } = {}) {
      if (offline === undefined) throw missing("retry", "offline");
      const wanted = names?.map((name) => sourceNamed(definitions, name)) ?? [];
      await shareErased(sources, erasureSettings, settings);
      return retryKept(
        changes,
        logSources("retry", ...wanted),
        { ...writerOptions, offline },
        { ...runSettings(settings), dryRun },
      );
    },
    async backfill({ sources: names, batchRows, signal, onProgress } = {}) {
      if (online === undefined) throw missing("backfill", "online");
      if (offline === undefined) throw missing("backfill", "offline");
      const wanted =
        names === undefined ? sources : names.map((name) => sourceNamed(definitions, name));
      await shareErased(wanted, erasureSettings, { signal });
      const maintenance = onlineMaintenance({
        store: online,
        namespace,
        sources,
        views,
        clock,
        retention,
      });
      await pairs.refuseHistory(wanted, signal);
      const result = await backfillOnline(wanted, {
        ...writerOptions,
        online,
        offline,
        maintenance,
        limits: batchRows === undefined ? {} : { batchRows },
        signal,
        onProgress,
      });
      await writeBackfillRates(online, namespace, result.sources);
      for (const source of wanted) {
        const state = await offline.state(tableOf(source), { signal });
        if (state !== null) await rememberReachableHistory(online, source.name, state);
      }
      return result;
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
      await pairs.refuseHistory(sources, asked.signal);
      const settings = {
        views: definitions.views,
        derivedViews: definitions.derivedViews,
        offline,
        online: online ?? null,
        namespace,
        engine,
        clock,
        onOverflow,
      };
      return traced(
        "materialize",
        () => ({ "tidemark.namespace": namespace }),
        () => materializeViews(asked, settings),
        ({ views: made }) => ({
          "tidemark.views": made.map(({ view }) => view),
          "tidemark.days": made.reduce((sum, { dates }) => sum + dates.length, 0),
          "tidemark.rows": made.reduce(
            (sum, { dates }) => sum + dates.reduce((rows, one) => rows + one.rows, 0),
            0,
          ),
        }),
      );
    },
    async compact({ signal, onProgress } = {}) {
      if (offlineReader === null) throw missing("compact", "offline");
      for (const source of sources)
        await compactHistory(offlineReader.context(source), {
          ...compactionOf(source),
          mergesAll: true,
          signal,
          onProgress,
        });
    },
    async erase(settings) {
      await servingLog?.flush();
      return eraseFromStores(settings, {
        definitions,
        online,
        offline,
        namespace,
        clock,
        retention,
        user: currentUser,
      });
    },
    async erasures({ signal } = {}) {
      if (offline === undefined) throw missing("erasures", "offline");
      return readReceipts(offline, signal);
    },
    plan: async ({ signal } = {}) => planRegistry(registrySettings("plan"), signal),
    apply: async (settings = {}) =>
      applyDefinitions(registrySettings("apply"), { ...settings, compactionOf }),
    applies: async ({ signal } = {}) => listApplies(registrySettings("applies"), signal),
    async quality(options = {}) {
      if (offline === undefined || offlineReader === null) throw missing("quality", "offline");
      refuseUnknownOptions("quality", options, QUALITY_OPTIONS);
      const { names, asOf, signal } = options;
      await pairs.refuseHistory(sources, signal);
      const t = asOf === undefined ? clock() : timeOf(asOf, "quality: asOf");
      const report = await checkQuality(
        { ...definitions, offline, reader: offlineReader },
        { names, t, masking: maskingOption("quality: personal", options.personal), signal },
      );
      if (report.results.length > 0)
        await offline.append(RESULTS_TABLE, [resultRows(report, clock())], {
          positions: [],
          signal,
        });
      // a check of the past says nothing of now
      if (online !== undefined && asOf === undefined)
        await keepExpectations(online, namespace, report, names === undefined);
      return report;
    },
    answerCounts: () => answerCounter.counts(),
    async skew(options = {}) {
      if (offline === undefined || offlineReader === null) throw missing("skew", "offline");
      refuseUnknownOptions("skew", options, SKEW_OPTIONS);
      await servingLog?.flush();
      const { signal } = options;
      await pairs.refuseHistory(sources, signal);
      const to = options.to === undefined ? clock() + 1 : timeOf(options.to, "skew: to");
      const from =
        options.from === undefined ? to - DAY_MICROS : timeOf(options.from, "skew: from");
      return checkSkew(
        { definitions, offline, online, reader: offlineReader },
        {
          from,
          to,
          features: options.features,
          services: options.services,
          examples: countOption("skew: examples", options.examples, 1_000) ?? 5,
          masking: maskingOption("skew: personal", options.personal),
          onProgress: options.onProgress,
          signal,
        },
      );
    },
    async profile(options) {
      if (offline === undefined) throw missing("profile", "offline");
      await pairs.refuseHistory(sources, options.signal);
      return profileOf(options, { definitions, offline });
    },
    async drift(options) {
      if (offline === undefined) throw missing("drift", "offline");
      await pairs.refuseHistory(sources, options.signal);
      const report = await driftOf(options, { definitions, offline, clock });
      if (online !== undefined && isRecordedDrift(options))
        await keepDrift(online, namespace, report);
      return report;
    },
    async driftHistory(options) {
      if (offline === undefined) throw missing("driftHistory", "offline");
      return driftHistory(options, { definitions, offline });
    },
    async checkResults() {
      if (online === undefined) throw missing("checkResults", "online");
      return checkResults(online, namespace);
    },
    now: () => new Date(clock() / 1000),
    tables: () => [...storeTables(sources, views), ...profileTables(definitions)],
    async timeline(request) {
      if (offline === undefined || offlineReader === null) throw missing("timeline", "offline");
      await pairs.refuseHistory(sources, request.signal);
      return storeTimeline(request, {
        clock,
        selectionOf: selectionFor,
        offline,
        reader: offlineReader,
      });
    },
    async storage(options = {}) {
      refuseUnknownOptions("storage", options, STORAGE_OPTIONS);
      const all = [...storeTables(sources, views), ...profileTables(definitions)];
      return storeStorage(
        { online, offline, namespace, sources, views },
        {
          tables: tablesNamed(all, options.tables),
          masking: maskingOption("storage: personal", options.personal),
          signal: options.signal,
        },
      );
    },
    async readiness() {
      if (online === undefined) throw missing("readiness", "online");
      const settings = { online, offline, namespace, views, serveWhileFilling };
      return Promise.all(sources.map((source) => sourceReadiness(source, settings)));
    },
    async status({ changes = [], signal } = {}) {
      const measured =
        online === undefined
          ? []
          : await measuredLag(online, namespace).catch((error: unknown) => {
              if (!isRetryable(error)) throw error;
              return [];
            });
      const ends = await logEnds([changes].flat(), sources, measured, signal);
      return Promise.all(
        sources.map((source) =>
          sourceStatus(source, {
            ...writerOptions,
            backpressure: [...backpressure].flatMap((one) => one()),
            problem: pairs.problem,
            ends,
          }),
        ),
      );
    },
    async skipped() {
      if (online === undefined) throw missing("skipped", "online");
      return skippedMessages(online, namespace, sources);
    },
    async changes(name, options = {}) {
      if (offline === undefined) throw missing("changes", "offline");
      refuseUnknownOptions("changes", options, CHANGES_OPTIONS);
      const { signal } = options;
      const source = sourceNamed(definitions, name);
      await pairs.refuseHistory([source], signal);
      return newestChanges(offline, source, {
        limit: countOption("changes: limit", options.limit, 10_000) ?? 100,
        masking: maskingOption("changes: personal", options.personal),
        signal,
      });
    },
    async quarantine(name) {
      if (online === undefined) throw missing("quarantine", "online");
      const source = sourceNamed(definitions, name);
      const rows = await quarantinedRows(source, { ...writerOptions, online });
      if (offline === undefined) return rows;
      return withBytes(source, [...rows, ...(await keylessRows(source, offline))], offline);
    },
    async backup(settings) {
      if (online === undefined && offline === undefined) throw missing("backup", "online");
      await pairs.refuseHistory(sources, settings.signal);
      return backUp(settings, { definitions, namespace, online, offline, clock });
    },
    servingLog:
      servingLog === null
        ? null
        : { status: () => servingLog.status(), flush: () => servingLog.flush() },
    audit:
      audit === null ? null : { record: audit.record, flush: audit.flush, status: audit.status },
    async audits(options = {}) {
      if (offline === undefined) throw missing("audits", "offline");
      await audit?.flush();
      return readAudits(offline, namespace, options);
    },
    async close() {
      await pushes.close();
      await servingLog?.close();
      await audit?.close();
      await online?.close();
      await offline?.close();
    },
  };
  return audit === null ? store : auditedStore(store, { audit, definitions, clock });
}

function warnOfNotTaken(first: NotTaken): void {
  if (!isExpected(first))
    process.emitWarning(firstNotTakenText(first), { type: "TidemarkWarning", code: first.reason });
}

function warnOfMismatch(mismatch: SourceMismatch): void {
  process.emitWarning(mismatchText(mismatch), { type: "TidemarkWarning", code: "SOURCE_MISMATCH" });
}

function warnOfBackpressure(report: StoreBackpressure): void {
  if (!report.caughtUp)
    process.emitWarning(backpressureText(report), {
      type: "TidemarkWarning",
      code: "STORE_STALLED",
    });
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
