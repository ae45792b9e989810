/** The steps of a build: it begins, is served or is removed, and the old build is deleted. */
import { offsetsOf, partitionKey } from "../rows/snapshot-generations.ts";
import { originalTable } from "../rows/source-tables.ts";
import type { CellWrite } from "../spi.ts";
import type { BackfillSettings } from "./backfill.ts";
import { hasOnlyOtherTables, NO_TABLES } from "./build-tables.ts";
import { decodeFillProgress, fillProgressKey } from "./build-progress.ts";
import { deleteOldBuildsStep } from "./old-builds.ts";
import { contended } from "./open-builds.ts";
import {
  asOldBuild,
  buildInProgressKey,
  buildsStep,
  decodeOldBuilds,
  oldBuildsKey,
  oldBuildsWrite,
  readSourceBuilds,
} from "./source-builds.ts";
import type { SourceLayout } from "./source-layout.ts";
import {
  decodeSourceState,
  encodeSourceState,
  horizonAt,
  sourceStateKey,
  type SourceState,
} from "./source-state.ts";

const ATTEMPTS = 100;

/**
 * Begins a build with the layout, unless one is in progress, and returns its number. From this step
 * on every process writes both builds.
 */
export async function beginBuild(
  served: SourceState,
  layout: SourceLayout,
  { online, namespace, clock, retention }: BackfillSettings,
): Promise<number> {
  const { name } = layout.source;
  const stateKey = sourceStateKey(namespace, name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const builds = await readSourceBuilds(online, name);
    if (builds.inProgress !== null) return builds.inProgress;
    const [stateCell] = await online.read([stateKey]);
    const state = stateCell == null ? served : decodeSourceState(online, name, stateCell);
    const build = builds.last + 1;
    const { truncates } = state;
    const horizon = horizonAt(-Infinity, clock(), retention.retain);
    const lackingRows = new Map<string, number>();
    const rest = { truncates, lackingRows, tables: NO_TABLES };
    const begun = { layout, build, isReady: false, horizon, ...rest };
    const cells: CellWrite[] = [
      {
        key: buildInProgressKey(namespace, name),
        value: encodeSourceState(begun),
        expected: null,
        expires: null,
      },
      // the write of the served state makes sure that the truncates are all there are
      { key: stateKey, value: encodeSourceState(state), expected: state.version, expires: null },
    ];
    const metadata = [buildsStep(builds, { served: builds.served, inProgress: build })];
    if ((await online.write({ source: name, cells, positions: [], metadata })) === "done")
      return build;
  }
  throw contended(online.name, name, ATTEMPTS);
}

/** Serves a filled build, unless it is served already. The old build is to be deleted. */
export async function serveBuild(
  source: string,
  build: number,
  { online, namespace }: BackfillSettings,
): Promise<void> {
  const stateKey = sourceStateKey(namespace, source);
  const inProgressKey = buildInProgressKey(namespace, source);
  const oldKey = oldBuildsKey(namespace, source);
  const progressKey = fillProgressKey(namespace, source);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const builds = await readSourceBuilds(online, source);
    if (builds.inProgress !== build) return;
    const [stateCell, filledCell, oldCell = null, progressCell = null] = await online.read([
      stateKey,
      inProgressKey,
      oldKey,
      progressKey,
    ]);
    const progress = decodeFillProgress(progressCell);
    if (stateCell == null || filledCell == null || progress === null) continue;
    const reached = offsetsOf(progress.reached);
    if (
      progress.until.some(
        (position) => (reached.get(partitionKey(position)) ?? -1) < position.offset,
      )
    )
      throw new TypeError("a build is served only when it is filled");
    const state = decodeSourceState(online, source, stateCell);
    const filled = decodeSourceState(online, source, filledCell);
    const old = decodeOldBuilds(oldKey, oldCell);
    const { backfilling } = state;
    const cells: CellWrite[] = [
      {
        key: stateKey,
        value: encodeSourceState({ ...filled, backfilling, ...levelAfter(state, filled) }),
        expected: state.version,
        expires: null,
      },
      { key: inProgressKey, value: null, expected: filled.version, expires: null },
      { key: progressKey, value: null, expected: progress.version, expires: null },
      oldBuildsWrite(old, [...old.builds, asOldBuild(state)]),
    ];
    const metadata = [buildsStep(builds, { served: build, inProgress: null })];
    if ((await online.write({ source, cells, positions: [], metadata })) === "done") return;
  }
  throw contended(online.name, source, ATTEMPTS);
}

/** Whether a source is ready when another build of it is served. */
function levelAfter(
  state: SourceState,
  filled: SourceState,
): Pick<SourceState, "isReady" | "levelPartitions"> {
  const isOtherTable = originalTable(state.layout.source) !== originalTable(filled.layout.source);
  if (isOtherTable && hasOnlyOtherTables(filled))
    return { isReady: false, levelPartitions: undefined };
  const { isReady, levelPartitions } = state;
  return { isReady, levelPartitions };
}

/** Removes a build in progress, unless another process served or removed it. */
export async function removeBuild(
  state: SourceState,
  { online, namespace }: BackfillSettings,
): Promise<void> {
  const { name } = state.layout.source;
  const inProgressKey = buildInProgressKey(namespace, name);
  const oldKey = oldBuildsKey(namespace, name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const builds = await readSourceBuilds(online, name);
    if (builds.inProgress !== state.build) return;
    const [oldCell = null] = await online.read([oldKey]);
    const old = decodeOldBuilds(oldKey, oldCell);
    const cells: CellWrite[] = [
      { key: inProgressKey, value: null, expected: undefined, expires: null },
      { key: fillProgressKey(namespace, name), value: null, expected: undefined, expires: null },
      oldBuildsWrite(old, [...old.builds, asOldBuild(state)]),
    ];
    const metadata = [buildsStep(builds, { served: builds.served, inProgress: null })];
    if ((await online.write({ source: name, cells, positions: [], metadata })) === "done") return;
  }
  throw contended(online.name, name, ATTEMPTS);
}

/** Deletes every cell of the source's old builds. */
export async function deleteOldBuilds(
  source: string,
  { online, namespace, signal }: BackfillSettings,
): Promise<void> {
  while (!(await deleteOldBuildsStep(online, namespace, source))) signal?.throwIfAborted();
}
