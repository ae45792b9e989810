/**
 * Maintains the online store without changes. Horizons follow the clock (law 1: the horizon moves
 * with the clock). Expired cells are deleted.
 */
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import type { Retention } from "./retention.ts";
import { expiryBound } from "./source-list.ts";
import { deleteOldBuildsStep } from "./old-builds.ts";
import { buildInProgressKey } from "./source-builds.ts";
import { decodeSourceState, encodeSourceState, horizonAt, sourceStateKey } from "./source-state.ts";

/** Cells examined in one step. */
const STEP_CELLS = 1_000;
const HOUR = 3_600e6;

export interface OnlineMaintenanceOptions {
  readonly store: OnlineStore;
  readonly namespace: string;
  readonly sources: readonly SourceSpec[];
  readonly views: readonly ViewSpec[];
  /** The current time, µs. */
  readonly clock: () => number;
  readonly retention: Retention;
}

export interface OnlineMaintenance {
  /** Does a bounded amount of due work; call `step` between batches. */
  step(): Promise<void>;
  /** Does all due work. */
  finish(): Promise<void>;
}

export function onlineMaintenance(options: OnlineMaintenanceOptions): OnlineMaintenance {
  const { store, namespace, clock } = options;
  const { retain } = options.retention;
  /** The scan for expired cells: its cursor, and the time before which cells are deleted. */
  let expiryScan: { cursor: Uint8Array | null; readonly before: number } | null = null;
  let next = -Infinity;
  /** The sources whose old builds are still to be deleted; null: none. */
  let waiting: readonly string[] | null = null;
  let nextDeletion = -Infinity;

  async function moveHorizon({ name }: SourceSpec): Promise<void> {
    const keys = [sourceStateKey(namespace, name), buildInProgressKey(namespace, name)];
    const cells = await store.read(keys);
    for (const [i, key] of keys.entries()) {
      const cell = cells[i];
      if (cell == null) continue;
      const state = decodeSourceState(store, name, cell);
      const horizon = horizonAt(state.horizon, clock(), retain);
      if (horizon === state.horizon) continue;
      // on a conflict another writer has moved the horizon
      const value = encodeSourceState({ ...state, horizon });
      const write = { key, value, expected: cell.version, expires: null };
      await store.write({ source: name, cells: [write], positions: [] });
    }
  }

  /** Goes on with the deletion of an old build, which a kill may have interrupted. */
  async function deleteOldBuilds(): Promise<void> {
    if (waiting === null) {
      if (clock() < nextDeletion) return;
      nextDeletion = clock() + HOUR;
      waiting = options.sources.map(({ name }) => name);
    }
    const [source] = waiting;
    if (source === undefined) waiting = null;
    else if (await deleteOldBuildsStep(store, namespace, source)) waiting = waiting.slice(1);
  }

  async function step(): Promise<void> {
    await deleteOldBuilds();
    if (expiryScan === null) {
      if (!Number.isFinite(retain) || clock() < next) return;
      next = clock() + Math.min(retain / 4, HOUR);
      for (const source of options.sources) await moveHorizon(source);
      const before = await expiryBound(store, namespace);
      if (before === -Infinity) return;
      expiryScan = { cursor: null, before };
    }
    const { cursor } = await store.deleteExpired({
      before: expiryScan.before,
      limit: STEP_CELLS,
      cursor: expiryScan.cursor,
    });
    if (cursor === null) expiryScan = null;
    else expiryScan.cursor = cursor;
  }

  return {
    step,
    async finish() {
      do await step();
      while (expiryScan !== null || waiting !== null);
    },
  };
}
