/**
 * Erases entities from the stores. The steps are idempotent, so a killed erasure is called again:
 * first the stores refuse the entities' changes, then their rows go, then the receipt is written.
 */
import { historyContext } from "../offline/history-context.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { durationMicros } from "../define/duration.ts";
import { didYouMean } from "../did-you-mean.ts";
import { lookedUpKeys } from "../define/looked-up-keys.ts";
import { sourceReadings } from "../define/source-readings.ts";
import { TidemarkError } from "../errors.ts";
import { eraseSegmentRows } from "../materialize/erase-segments.ts";
import { featuresTable } from "../materialize/features-table.ts";
import { nodeCrypto } from "../node-modules.ts";
import { onlineStates } from "../online/online-states.ts";
import { eraseProfiles } from "../profile/erase-profiles.ts";
import { sourceProfiles, viewProfiles } from "../profile/profile-subject.ts";
import { servedProfiles } from "../profile/served-answers.ts";
import type { Retention } from "../online/retention.ts";
import { keyReader } from "../request/entity-keys.ts";
import { eraseEntitiesStep, isAnyErased, newSalt } from "../rows/erased-entities.ts";
import type { EntitySpec, SourceSpec, ViewSpec } from "../specs.ts";
import type { Metadata, OfflineStore, OnlineStore, UncommittedRows } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import type { ErasedRows } from "./edit-rows.ts";
import {
  belongingInBuild,
  belongingTo,
  erasedEntities,
  keyColumnsOf,
  type ErasedEntities,
} from "./entity-columns.ts";
import { eraseFeatures, isErasedFeature } from "./erase-features.ts";
import { eraseHistory, isErasedChange, isErasedVersion } from "./erase-history.ts";
import { eraseServingLog, isErasedAnswer } from "./erase-serving-log.ts";
import { LOG_TABLE } from "../serving-log/log-table.ts";
import { eraseExamples, eraseOnlineBuild } from "./erase-online.ts";
import type { ErasedCells, EraseOptions, ErasureReceipt } from "./erase-types.ts";
import { saveReceipt } from "./receipts.ts";
import { shareErased } from "./share-erased.ts";

export interface EraseSettings {
  readonly definitions: Definitions;
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly clock: () => number;
  readonly retention: Retention;
  /** The user of the operating system. */
  readonly user: () => string;
}

export async function eraseFromStores(
  options: EraseOptions,
  settings: EraseSettings,
): Promise<ErasureReceipt> {
  const { now = false, dryRun = false, signal } = options;
  const { online, offline, clock } = settings;
  const erased = readEntities(options, settings.definitions);
  const allViews = [...settings.definitions.views.values()];
  const views = allViews.filter(({ entity }) => entity.name === erased.entity.name);
  const dimensions = views.flatMap(({ lookups = [] }) => lookups.map((one) => one.dimension));
  const sources = [
    ...new Map(
      [
        ...views.flatMap(sourceReadings).map(({ source }) => source),
        ...dimensions.filter((dimension) => lookedUpKeys(dimension, views).length > 0),
      ].map((source) => [source.name, source]),
    ).values(),
  ];
  const time = clock();
  let repeated = false;
  const isRepeated = (): boolean => repeated;
  const steps = planned(erased, sources, views, settings, { ...options, isRepeated, time });
  const report = (done: number, place: string): void =>
    options.onProgress?.({ place, done, total: steps.length });

  if (!dryRun) await shareErased(sources, { ...settings, views: allViews }, { signal });
  if (!dryRun)
    for (const source of sources)
      repeated = (await refuse(source, erased, time, settings)) || repeated;
  const tables: ErasedRows[] = [];
  const cells: ErasedCells[] = [];
  for (const [done, step] of steps.entries()) {
    signal?.throwIfAborted();
    report(done, step.place);
    const { tables: fromTables = [], cells: fromCells = [] } = await step.run();
    tables.push(...fromTables);
    cells.push(...fromCells);
  }
  const isPurged = dryRun || online?.purge === undefined || (await online.purge());
  report(steps.length, "done");

  const id = nodeCrypto().randomUUID();
  const keeps =
    offline?.forgetReplaced !== undefined && (tables.length > 0 || repeated) && !now && !dryRun;
  const retention = offline?.retention;
  const receipt: ErasureReceipt = {
    id,
    entity: erased.entity.name,
    keyHashes: receiptHashes(id, erased),
    erasedAt: formatTime(time),
    by: options.by ?? settings.user(),
    dryRun,
    repeated,
    stores: [
      ...(online === undefined ? [] : [{ role: "online" as const, name: online.name }]),
      ...(offline === undefined ? [] : [{ role: "history" as const, name: offline.name }]),
    ],
    tables,
    online: cells,
    refusedUntil: formatTime(time),
    oldVersionsUntil:
      keeps && retention !== undefined
        ? formatTime(clock() + durationMicros("retention", retention))
        : null,
    isPurged,
  };
  if (!dryRun && offline !== undefined) await saveReceipt(offline, receipt, signal);
  return receipt;
}

/** The error for stored rows of which nobody knows whose they are. */
function ownersUnknown(
  { name }: OnlineStore,
  source: string,
  columns: readonly string[],
): TidemarkError {
  return new TidemarkError(
    "NEEDS_BACKFILL",
    `${name}: the stored rows of source "${source}" are of another definition, without the ` +
      `column${columns.length === 1 ? "" : "s"} ${columns.join(", ")} that say${
        columns.length === 1 ? "s" : ""
      } whose they are: run tidemark backfill ` +
      "(store.backfill), and erase again",
  );
}

/** The hashes by which whoever knows a key can check a receipt. */
function receiptHashes(id: string, { entity, keys }: ErasedEntities): readonly string[] {
  return [...keys.keys()].map((text) =>
    nodeCrypto().createHmac("sha256", id).update(`${entity.name}\0${text}`).digest("base64url"),
  );
}

interface Step {
  readonly place: string;
  run(): Promise<{
    readonly tables?: readonly ErasedRows[];
    readonly cells?: readonly ErasedCells[];
  }>;
}

/** The steps that remove rows: the history before what is derived from it. */
function planned(
  erased: ErasedEntities,
  sources: readonly SourceSpec[],
  views: readonly ViewSpec[],
  { definitions, online, offline, namespace, clock, retention }: EraseSettings,
  {
    time,
    now = false,
    dryRun = false,
    signal,
    isRepeated,
  }: EraseOptions & { readonly isRepeated: () => boolean; readonly time: number },
): readonly Step[] {
  const steps: Step[] = [];
  /** Removes what a table's log and its older versions say of the rows. */
  const forget = async (
    table: string,
    erasedRows: readonly ErasedRows[],
    uncommitted: UncommittedRows | null,
  ): Promise<void> => {
    if (dryRun || (await offline!.state(table, { signal })) === null) return;
    const isChanged = erasedRows.some(
      (one) => one.table === table && one.removed + one.reduced > 0,
    );
    await offline!.forgetReplaced?.(table, {
      files: now,
      // a killed erasure may have replaced the rows before
      endPins: isChanged || isRepeated(),
      uncommitted: uncommitted ?? undefined,
      signal,
    });
  };
  /** Removes the profiles of a source or a view, which may show values of the entities. */
  const forgetProfiles = async (table: string): Promise<readonly ErasedRows[]> => {
    const removed = await eraseProfiles(offline!, table, { dryRun, signal });
    if (removed === null) return [];
    const tables = [{ table, removed, reduced: 0 }];
    await forget(table, tables, null);
    return tables;
  };
  for (const source of sources) {
    const names = keyColumnsOf(erased.entity, source, views);
    if (offline !== undefined) {
      const context = historyContext(offline, source);
      const { changes, versions } = context.tables;
      steps.push({
        place: changes.name,
        async run() {
          const belongingIn = (one: SourceSpec) =>
            belongingTo(one, names, erased, { asked: source });
          const tables = await eraseHistory(context, belongingIn, { dryRun, signal });
          await forget(changes.name, tables, isErasedChange(source, belongingIn(source)));
          await forget(versions.name, tables, await isErasedVersion(context, belongingIn, signal));
          return { tables: [...tables, ...(await forgetProfiles(sourceProfiles(source)))] };
        },
      });
    }
    if (online !== undefined)
      steps.push({
        place: `online source ${source.name}`,
        async run() {
          let [rows, cells] = [0, 0];
          for (const state of await onlineStates(online, namespace, source)) {
            const belonging = belongingInBuild(state.layout, names, erased, source);
            if (belonging.unknown.length > 0)
              throw ownersUnknown(online, source.name, belonging.unknown);
            const options = { store: online, namespace, clock, retention, dryRun, signal };
            const done = await eraseOnlineBuild(state, erased, belonging, options);
            rows += done.rows;
            cells += done.cells;
          }
          if (!dryRun) await eraseExamples(source, { store: online, namespace, signal });
          return { cells: [{ place: `source:${source.name}`, rows, cells }] };
        },
      });
  }
  for (const view of views) {
    if (offline !== undefined)
      steps.push({
        place: featuresTable(view).name,
        async run() {
          const table = await eraseFeatures(offline, view, erased, { dryRun, signal });
          const tables = table === null ? [] : [table];
          await forget(featuresTable(view).name, tables, isErasedFeature(erased));
          return { tables: [...tables, ...(await forgetProfiles(viewProfiles(view)))] };
        },
      });
    if (online !== undefined)
      steps.push({
        place: `online view ${view.name}`,
        async run() {
          const texts = erased.keys.keys();
          const rows = await eraseSegmentRows(online, namespace, view, texts, { dryRun, signal });
          return { cells: rows === 0 ? [] : [{ place: `view:${view.name}`, rows, cells: rows }] };
        },
      });
  }
  if (offline !== undefined)
    steps.push({
      place: LOG_TABLE.name,
      async run() {
        const options = { until: time, dryRun, signal };
        const table = await eraseServingLog(offline, erased, definitions, options);
        const tables = table === null ? [] : [table];
        await forget(LOG_TABLE.name, tables, isErasedAnswer(erased, definitions));
        for (const service of definitions.services.values())
          tables.push(...(await forgetProfiles(servedProfiles(service))));
        return { tables };
      },
    });
  return steps;
}

/**
 * Makes both stores refuse the entities' changes up to now. Returns whether they refused some
 * before.
 */
async function refuse(
  source: SourceSpec,
  { entity, keys }: ErasedEntities,
  until: number,
  { online, offline }: EraseSettings,
): Promise<boolean> {
  let repeated = false;
  const salt = newSalt();
  const texts = [...keys.keys()];
  const isRefused = (metadata: Metadata | undefined): boolean =>
    isAnyErased(metadata, entity.name, texts);
  if (offline !== undefined) {
    const { changes } = historyContext(offline, source).tables;
    for (;;) {
      const state = await offline.state(changes.name);
      repeated ||= isRefused(state?.metadata);
      // the writer of a new history takes the erasures of the online store
      if (state === null && online !== undefined) break;
      const step = eraseEntitiesStep(state?.metadata, entity.name, texts, until, salt);
      if (step === null) break;
      const { columns, partitionBy } = state ?? changes;
      const table = { name: changes.name, columns, partitionBy };
      if ((await offline.append(table, [], { positions: [], metadata: [step] })) === "done") break;
    }
  }
  if (online !== undefined) {
    for (;;) {
      const metadata = await online.metadata(source.name);
      repeated ||= isRefused(metadata);
      const step = eraseEntitiesStep(metadata, entity.name, texts, until, salt);
      const empty = { source: source.name, cells: [], positions: [] };
      if (step === null || (await online.write({ ...empty, metadata: [step] })) === "done") break;
    }
  }
  return repeated;
}

/** The most keys of one erasure. Their rows are in memory while a table is rewritten. */
const MOST_ERASED_KEYS = 10_000;

function readEntities(
  { entity, key, keys }: EraseOptions,
  definitions: Definitions,
): ErasedEntities {
  const entities = new Map<string, EntitySpec>(
    [...definitions.views.values()].map((view) => [view.entity.name, view.entity]),
  );
  const found = entities.get(entity);
  if (found === undefined)
    throw new TidemarkError(
      "ENTITY_UNKNOWN",
      `erase: no view is of an entity "${entity}"${didYouMean(entity, [...entities.keys()])} ` +
        `(${[...entities.keys()].join(", ") || "there are none"})`,
    );
  if ((key === undefined) === (keys === undefined))
    throw new TidemarkError(
      "OPTION_INVALID",
      "erase: give either `key`, for one entity, or `keys`, for many",
    );
  const all = keys ?? [key!];
  if (all.length === 0 || all.length > MOST_ERASED_KEYS)
    throw new TidemarkError(
      "OPTION_INVALID",
      `erase: ${all.length} keys; give 1 to ${MOST_ERASED_KEYS} at once`,
    );
  const read = keyReader(found.keys, { extra: false });
  return erasedEntities(
    found,
    all.map((one, i) => {
      const values = read(one, i);
      return found.keys.map(({ name }) => values[name]!);
    }),
  );
}
