/**
 * Makes a new build of a source in place. The build begins at the positions of the served build:
 * runs write later changes to both builds. The backfill fills the earlier changes from the history,
 * and their order does not matter (law 5: replay is free). Then one step serves the new build. Each
 * step leaves a whole state, so another process can go on after a kill.
 */
import { historyContext } from "../offline/history-context.ts";
import { sleep } from "../ingest/backpressure.ts";
import { TidemarkError } from "../errors.ts";
import { changeLogReader } from "../offline/change-log-reader.ts";
import { erasureGuard } from "../ingest/erasure-guard.ts";
import { pairError } from "../pairing/pair-problem.ts";
import { checkReachablePair } from "../pairing/store-pair.ts";
import type { SourceSpec } from "../specs.ts";
import type { CellWrite, Change, Position, TableState } from "../spi.ts";
import { userPositions } from "../ingest/snapshot-watch.ts";
import {
  generationStateOf,
  offsetsOf,
  partitionKey,
  partitionKeyOf,
  withoutCheckpoints,
} from "../rows/snapshot-generations.ts";
import type { BackfillSettings } from "./backfill.ts";
import {
  fillProgressKey,
  decodeFillProgress,
  fillProgressWrite,
  type FillProgress,
} from "./build-progress.ts";
import { buildWriter } from "./build-writer.ts";
import { beginBuild, deleteOldBuilds, removeBuild, serveBuild } from "./build-steps.ts";
import { missingOfSource } from "./missing-for-feature.ts";
import { contended } from "./open-builds.ts";
import { entityKeysInBuild } from "./source-layout.ts";
import {
  buildInProgressKey,
  buildsStep,
  readSourceBuilds,
  sourceBuildsOf,
} from "./source-builds.ts";
import { decodeSourceState, layoutFor, readSourceState, type SourceState } from "./source-state.ts";

/** The number of attempts of a step against other writers. */
const ATTEMPTS = 200;
/** How often the history is looked at while it is behind the online store, ms. */
const HISTORY_INTERVAL = 250;
/** How long the history may stay where it is, ms. A run commits to it at least every minute. */
const HISTORY_TIMEOUT = 180_000;
/** The least number of changes in a step. Other writers may touch the same cells meanwhile. */
const LEAST_CHANGES = 20;

/** What a new build was made for, and the number of changes that filled it. */
export interface BuildBackfill {
  readonly reason: string;
  readonly changes: number;
  /** The positions of the online store. */
  readonly positions: readonly Position[];
}

/** What a build tells of its progress. */
export interface BuildProgress {
  onWritten(changes: number, total: number): void;
  /** Called while the history is behind the online store. */
  onWaiting(): void;
}

/** Says what a build lacks of the definitions; null: nothing. */
function lackOfBuild(state: SourceState, { views }: BackfillSettings, source: SourceSpec) {
  for (const view of views)
    for (const feature of view.features) {
      const lack = missingOfSource(state, source, view, feature);
      if (lack !== null) return `feature ${view.name}.${feature.name} needs ${lack}`;
    }
  return null;
}

/**
 * Makes a new build if the served one lacks something of the definitions, and serves it. null: it
 * lacks nothing.
 *
 * @throws HISTORY_MISSING when the history went away.
 * @throws HISTORY_BEHIND when the history does not reach the positions of the online store.
 * @throws BACKFILL_OVERTAKEN when a backfill of other definitions began meanwhile.
 */
export async function backfillBuild(
  source: SourceSpec,
  settings: BackfillSettings,
  progress: BuildProgress,
): Promise<BuildBackfill | null> {
  const { online, namespace, views } = settings;
  const asked = layoutFor(source, views);
  const served = await readSourceState(online, namespace, asked);
  const reason = served.version === null ? null : lackOfBuild(served, settings, source);
  const left = await stateInProgress(source, settings);
  if (left !== null && (reason === null || lackOfBuild(left, settings, source) !== null))
    await removeBuild(left, settings);
  if (reason !== null) {
    const build = await beginBuild(served, asked, settings);
    settings.notes?.begin(source.name, reason, null);
    const changes = await fillBuild(source, build, settings, progress);
    await deleteOldBuilds(source.name, settings);
    const stored = await online.positions(source.name);
    const { generation } = generationStateOf(await online.metadata(source.name));
    return { reason, changes, positions: userPositions(generation, stored) };
  }
  await deleteOldBuilds(source.name, settings);
  return null;
}

async function stateInProgress(
  { name }: SourceSpec,
  { online, namespace }: BackfillSettings,
): Promise<SourceState | null> {
  const [cell = null] = await online.read([buildInProgressKey(namespace, name)]);
  return cell === null ? null : decodeSourceState(online, name, cell);
}

/** Fills the build up to the positions at which it began, and serves it. */
async function fillBuild(
  source: SourceSpec,
  build: number,
  settings: BackfillSettings,
  { onWritten, onWaiting }: BuildProgress,
): Promise<number> {
  const { online, offline, signal } = settings;
  const progress = await fillProgress(source, build, settings);
  if (progress === null) return 0;
  const state = await stateInProgress(source, settings);
  if (state?.build !== build) return ended(source, build, settings);
  // a change is read under the definition of the build
  const context = historyContext(offline, state.layout.source);
  const log = await historyAt(source, progress.until, settings, onWaiting);
  const reader =
    log === null
      ? null
      : await changeLogReader(
          context,
          log,
          { positions: progress.reached, metadata: await online.metadata(source.name) },
          { limits: settings.limits, signal },
        );
  let done = 0;
  const fill = buildFiller(source, build, settings);
  if (reader !== null)
    for await (const { changes, positions } of reader.batches(signal)) {
      if (!(await fill(changes, positions))) return ended(source, build, settings);
      done += changes.length;
      signal?.throwIfAborted();
      onWritten(done, reader.changes);
      await settings.maintenance.step();
    }
  await serveBuild(source.name, build, settings);
  return done;
}

/** The progress of the build; null: the build is served already. */
async function fillProgress(
  source: SourceSpec,
  build: number,
  settings: BackfillSettings,
): Promise<FillProgress | null> {
  const { online, namespace } = settings;
  const key = fillProgressKey(namespace, source.name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const builds = await readSourceBuilds(online, source.name);
    if (builds.inProgress !== build) {
      await ended(source, build, settings);
      return null;
    }
    const [cell = null] = await online.read([key]);
    const stored = decodeFillProgress(cell);
    if (stored?.build === build) return stored;
    // every write since the beginning went to both builds
    const until = withoutCheckpoints(await online.positions(source.name));
    const begun = { build, until, reached: [], version: cell?.version ?? null };
    const cells = [fillProgressWrite(key, begun)];
    await online.write({
      source: source.name,
      cells,
      positions: [],
      metadata: [buildsStep(builds)],
    });
  }
  throw contended(online.name, source.name, ATTEMPTS);
}

/** Called where the build is no longer in progress: another process served it, or removed it. */
async function ended(
  source: SourceSpec,
  build: number,
  settings: BackfillSettings,
): Promise<number> {
  const { online, namespace, views } = settings;
  const state = await readSourceState(online, namespace, layoutFor(source, views));
  if (state.build >= build && lackOfBuild(state, settings, source) === null) return 0;
  throw new TidemarkError(
    "BACKFILL_OVERTAKEN",
    `${online.name}: another backfill of source "${source.name}" began under other definitions, ` +
      "and removed what this one had filled: agree on the definitions, " +
      "and call store.backfill again",
  );
}

/**
 * Writes batches of changes into the build, with the progress in the same step. A batch is cut into
 * smaller steps while other writers touch the same cells. False: the build is no longer in
 * progress.
 */
function buildFiller(
  source: SourceSpec,
  build: number,
  settings: BackfillSettings,
): (changes: readonly Change[], positions: readonly Position[]) => Promise<boolean> {
  const { online: store, namespace, clock, retention } = settings;
  const { name } = source;
  const stateKey = buildInProgressKey(namespace, name);
  const progressKey = fillProgressKey(namespace, name);
  const asked = layoutFor(source, settings.views);
  let size = Infinity;

  async function step(
    changes: readonly Change[],
    positions: readonly Position[],
  ): Promise<"done" | "conflict" | "ended"> {
    const metadata = await store.metadata(name);
    const builds = sourceBuildsOf(metadata);
    if (builds.inProgress !== build) return "ended";
    const [stateCell, progressCell] = await store.read([stateKey, progressKey]);
    const progress = decodeFillProgress(progressCell ?? null);
    if (stateCell == null || progress?.build !== build) return "conflict";
    const state = decodeSourceState(store, name, stateCell);
    const writer = buildWriter(state, stateKey, {
      store,
      namespace,
      layout: state.layout,
      inProgress: true,
      clock,
      retention,
    });
    const reached = offsetsOf(progress.reached);
    const isAhead = (partition: string, offset: number): boolean =>
      offset > (reached.get(partition) ?? -1);
    const entityKeys = entityKeysInBuild(state.layout, asked);
    const guard = erasureGuard(state.layout.source, entityKeys, metadata);
    const ahead = changes.filter((change) => isAhead(partitionKeyOf(change), change.offset));
    const edits = writer.edits(guard.allowed(ahead));
    const moved = positions.filter((position) => isAhead(partitionKey(position), position.offset));
    if (moved.length === 0) return "done";
    const writes = await writer.writes(edits, await store.read(edits.rowKeys));
    if (writes === null) return "conflict";
    const cells: CellWrite[] = [
      ...writes,
      fillProgressWrite(progressKey, {
        ...progress,
        reached: withoutCheckpoints([
          ...progress.reached.filter(
            (position) => !moved.some((one) => partitionKey(one) === partitionKey(position)),
          ),
          ...moved,
        ]),
      }),
    ];
    const steps = [guard.step, buildsStep(builds)];
    return store.write({ source: name, cells, positions: [], metadata: steps });
  }

  return async (changes, positions) => {
    let at = 0;
    do {
      const some = changes.slice(at, at + size);
      const last = at + some.length >= changes.length;
      const reached = last ? positions : positionsAfter(some);
      let result = await step(some, reached);
      for (let attempt = 1; result === "conflict"; attempt++) {
        if (attempt === ATTEMPTS) throw contended(store.name, name, ATTEMPTS);
        settings.signal?.throwIfAborted();
        if (some.length > LEAST_CHANGES) {
          size = Math.max(LEAST_CHANGES, some.length >>> 1);
          break;
        }
        result = await step(some, reached);
      }
      if (result === "ended") return false;
      if (result === "done") {
        at += some.length;
        size *= 2;
      }
    } while (at < changes.length);
    return true;
  };
}

function positionsAfter(changes: readonly Change[]): readonly Position[] {
  const last = new Map(
    changes.map(({ topic, partition, generation, offset }) => {
      const position: Position = { partition: `${topic}:${partition}`, generation, offset };
      return [partitionKey(position), position];
    }),
  );
  return [...last.values()];
}

/**
 * The history, once it has reached these positions, and no further than they are. null: nothing is
 * to be read.
 */
async function historyAt(
  source: SourceSpec,
  until: readonly Position[],
  { online, offline, signal, historyTimeout = HISTORY_TIMEOUT }: BackfillSettings,
  onWaiting: () => void,
): Promise<TableState | null> {
  if (until.length === 0) return null;
  const table = historyContext(offline, source).tables.changes.name;
  let seen = "";
  for (let since = performance.now(); ;) {
    const log = await offline.state(table, { signal });
    const reached = offsetsOf(log?.positions ?? []);
    const short = until.find(
      (position) => (reached.get(partitionKey(position)) ?? -1) < position.offset,
    );
    if (short === undefined) {
      const ends = new Map(until.map((position) => [partitionKey(position), position.offset]));
      return {
        ...log!,
        positions: log!.positions.flatMap((position) => {
          const offset = ends.get(partitionKey(position));
          return offset === undefined ? [] : [{ ...position, offset }];
        }),
      };
    }
    const gone =
      log === null ? await checkReachablePair({ source, table, online, offline, signal }) : null;
    if (gone !== null) throw pairError(gone);
    const now = JSON.stringify([...reached]);
    if (now !== seen) since = performance.now();
    seen = now;
    // without any history, there is nothing to wait for
    if (log === null || performance.now() - since > historyTimeout)
      throw new TidemarkError(
        "HISTORY_BEHIND",
        `${offline.name}: the history of source "${source.name}" ends at offset ` +
          `${reached.get(partitionKey(short)) ?? "none"} of ${short.partition}, and ` +
          `${online.name} has taken offset ${short.offset}: run the source into both stores, so ` +
          "that the history has every change, and call store.backfill again",
      );
    onWaiting();
    await sleep(HISTORY_INTERVAL, signal ?? new AbortController().signal);
    signal?.throwIfAborted();
  }
}
