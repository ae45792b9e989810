/** The store: definitions over an online and an offline store, fed by change sources. */
import { collectDefinitions, type Definitions } from "../define/collect-definitions.ts";
import { timeLimitMillis, type TimeLimit } from "../define/duration.ts";
import { selectedFeatures, type Selection } from "../define/selection.ts";
import { timeOf, type TimeInput } from "../define/time-input.ts";
import { localEngine } from "../engine/local-engine.ts";
import { TidemarkError } from "../errors.ts";
import { compactHistory } from "../offline/compaction.ts";
import { refuseUnknownOptions, wordOption, type OptionNames } from "../option-checks.ts";
import type { SelectedFeature, SourceSpec } from "../specs.ts";
import type { Batch, ChangeSource } from "../spi.ts";
import {
  runChanges,
  type RunProgress,
  type RunResult,
  type RunSettings,
} from "../ingest/runner.ts";
import { onlineMaintenance } from "../online/maintenance.ts";
import { checkDefinitions } from "../registry/definition-mismatch.ts";
import {
  applyRegistry,
  planRegistry,
  type ApplyOptions,
  type ApplyResult,
  type RegistryPlan,
  type RegistrySettings,
} from "../registry/registry.ts";
import { backpressureText, type StoreBackpressure } from "../ingest/backpressure.ts";
import { formatTime } from "../time/parse-time.ts";
import { answerBatch, answerColumns, answerRow } from "../request/result-rows.ts";
import { materializeViews, viewSpecOf } from "../materialize/materialize.ts";
import { materializedReader, materializedRow } from "../materialize/read-materialized.ts";
import type { MaterializeOptions, MaterializeResult } from "../materialize/types.ts";
import { entityRowsOf, type EntityRowsInput } from "../request/entity-rows.ts";
import { answerOf, requestedKeys, type OnlineRequestInput } from "../request/online-request.ts";
import { backfillOnline, type BackfillOptions, type BackfillResult } from "../online/backfill.ts";
import { warnUnlessRetryable } from "../push/catch-up.ts";
import type { Pushes } from "../push/push-types.ts";
import { storePushes } from "../push/pushes.ts";
import { generationRun } from "../resnapshot/generation-run.ts";
import { openOfflineReader } from "../offline/offline-reader.ts";
import { explainLogLost } from "../online/lost-log.ts";
import { onlineReader } from "../online/online-reader.ts";
import { keyReader, keysNeeded, keysReader } from "../request/entity-keys.ts";
import {
  resnapshotSource,
  type ResnapshotResult,
  type SnapshotEnding,
} from "../resnapshot/resnapshot.ts";
import type { WriterOptions } from "../resnapshot/store-writers.ts";
import { quarantinedRows, type QuarantinedRow } from "../status/quarantined-rows.ts";
import { sourceStatus, type SourceStatus } from "../status/source-status.ts";
import { storeTables, type StoreTable } from "../status/store-tables.ts";
import { configuredStores, type StoreOptions } from "./store-options.ts";
import type { FeatureReads, OnlineColumns } from "../request/request-types.ts";
import { trainingSet } from "../offline/training-set.ts";

const HISTORICAL_OPTIONS: OptionNames = {
  names: new Set(["features", "entities", "knowledge", "beforeHistory", "metadata", "signal"]),
  renamed: { asKnown: 'knowledge: "as-known"', requireKnown: 'beforeHistory: "error"' },
};

/** Settings of `store.run`. */
export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /**
   * Called when a store fails or falls behind, when the store is left to catch up by itself, and
   * when it has caught up. Without a callback, the process warns.
   */
  readonly onBackpressure?: ((report: StoreBackpressure) => void) | undefined;
  /**
   * How long a store that has no room left may hold up the other, before it is left to catch up by
   * itself; "10s" without it.
   */
  readonly maxBlockTime?: TimeLimit | undefined;
  /**
   * How long a store may take nothing before the run ends with `STORE_STALLED`. Without it a run
   * waits for it as long as its source goes on, and "1m" where the source ends by itself.
   */
  readonly maxStallTime?: TimeLimit | "forever" | undefined;
}

/** Settings of `store.resnapshot`. */
export interface ResnapshotOptions extends RunOptions {
  /**
   * Where the snapshot ends: at the row that is marked as its last ("marked"), or with the change
   * source ("source"), which then must hold nothing from before the snapshot: for tables that are
   * empty now, for incremental snapshots, for messages without the mark.
   */
  readonly ending?: SnapshotEnding | undefined;
}

/** A question to the online store whose types are not known before it runs. */
export interface OnlineRequest {
  readonly features: Selection<unknown, unknown>;
  readonly entities: readonly unknown[];
  readonly asOf?: TimeInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A feature store over an online store, an offline store, or both. */
export interface Store extends FeatureReads, Pushes {
  /**
   * Takes changes into the online store and the history until the source ends or the signal aborts.
   * Starts where each of them stands, so it may be killed and called again: nothing is lost,
   * nothing is doubled (law 5).
   *
   * @example
   * await store.run(recordedTopic("transactions.jsonl"));
   */
  run(changes: ChangeSource, options?: RunOptions): Promise<RunResult>;
  /**
   * Fills the online store from the history, up to where the history stands: an online store that
   * is empty, or that is further behind than the topic goes back. After it, `run` goes on from
   * there, and the answers are those of a run over the whole topic. Until an empty store is filled,
   * it answers `NEEDS_BACKFILL`. It may be killed and called again. A column that was declared
   * after changes were taken is `HISTORY_LACKS_COLUMN`.
   *
   * @example
   * await store.backfill();
   * await store.run(kafkaChanges({ brokers, topics }));
   */
  backfill(options?: BackfillOptions): Promise<BackfillResult>;
  /**
   * Begins a source anew from a new snapshot, where its log has lost changes (`LOG_LOST`), its
   * topic was made anew (`TOPIC_RECREATED`) or its database was set back (`SOURCE_LSN_WENT_BACK`).
   * Give a change source that ends, such as Kafka `until: "caught-up"`. Until the snapshot is
   * complete the old rows are served, each until it comes again; then those that did not come are
   * gone, and what was known before stays known as it was. Killed at any point, it goes on when it
   * is called again; so does one that ended in `SNAPSHOT_INCOMPLETE`.
   *
   * @example
   * const topics = "bank2.public.transaction_data";
   * await store.resnapshot("transactions", kafkaChanges({ brokers, topics, until: "caught-up" }));
   */
  resnapshot(
    source: string,
    changes: ChangeSource,
    options?: ResnapshotOptions,
  ): Promise<ResnapshotResult>;
  /**
   * What `getOnlineFeatures` answers, as columns in the order of the selection: exact to the
   * microsecond and the last digit, as the `batches()` of a training set are.
   */
  getOnlineBatch(request: OnlineRequest): Promise<Batch>;
  /**
   * What `getOnlineFeatures` answers with its statuses and times, as the kernels left it: for a
   * server, which writes it out column by column.
   */
  getOnlineColumns(request: OnlineRequest): Promise<OnlineColumns>;
  /**
   * Computes a row of a view for every entity that history knows of, as of the end of each day
   * asked, into the Delta table `<view>/features` that is parted by date; the rows of the newest
   * day go to the online store too. Each is what `getHistoricalFeatures` answers at its
   * `event_timestamp`. A day that is done again is replaced, so it may be killed and called again.
   * `incremental` finds the days to do by what the history took in since: what came late, was
   * corrected, deleted or backfilled is not missed.
   *
   * @example
   * await store.materialize({ views: [weekly], dates: ["2025-06-14"], zone: "Asia/Ho_Chi_Minh" });
   * await store.materialize({ views: [weekly], incremental: true, zone: "Asia/Ho_Chi_Minh" });
   */
  materialize(options: MaterializeOptions): Promise<MaterializeResult>;
  /**
   * Brings the versions tables of the history up to their logs. `run` does it when its source ends.
   */
  compact(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /**
   * What these definitions change in what was applied, and what it costs: what is served at once,
   * what needs a backfill, who uses what goes away. Changes nothing.
   *
   * @example
   * const { changes } = await store.plan();
   */
  plan(options?: { readonly signal?: AbortSignal | undefined }): Promise<RegistryPlan>;
  /**
   * Makes these definitions those that are applied. What takes an answer away from somebody, or
   * changes what it means, is `REGISTRY_DESTRUCTIVE` without `allowDestructive`. Of two at the same
   * time one is done, and the other is `REGISTRY_CONFLICT` with nothing applied. Nothing to change
   * writes nothing.
   *
   * @example
   * await store.apply({ by: "release 42" });
   */
  apply(options?: ApplyOptions): Promise<ApplyResult>;
  /**
   * The tables of the history, whether anything was written to them yet or not: for those who keep
   * the offline store in order.
   */
  tables(): readonly StoreTable[];
  /** What each source has taken, and what went wrong in it (law 9). */
  status(): Promise<readonly SourceStatus[]>;
  /** The rows of a source that are in no window, and why. */
  quarantine(source: string): Promise<readonly QuarantinedRow[]>;
  close(): Promise<void>;
}

/**
 * Opens a store over definitions. `online` answers requests, `offline` holds history; either may be
 * left out, and what needs it is then an error. Definitions that contradict each other are
 * `DEFINITION_CONFLICT`.
 *
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
    // law 1: one moment for the whole call, returned with the answer
    const t = request.asOf === undefined ? clock() : timeOf(request.asOf, "asOf");
    const answers = await reader.read({ selection, keys, t });
    return { selection, answers, length: keys.length, t };
  }

  /** Those that a log feeds. */
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
   * Definitions do not change, so what they select is found once; a list may, and is looked at each
   * time.
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
      if (online === undefined) throw missing("bootstrap", "online");
      if (offline === undefined) throw missing("bootstrap", "offline");
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
    `${call} needs an ${part} store: give openStore({ ${part}: … }), such as ` +
      `${part === "online" ? 'sqliteOnlineStore("online.db")' : 'deltaOfflineStore(localObjects("./lake"))'}`,
  );
}
