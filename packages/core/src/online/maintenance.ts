/**
 * Maintains the online store without changes. Horizons follow the clock (law 1: the horizon moves
 * with the clock). Expired cells are deleted.
 */
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import type { Retention } from "./retention.ts";
import { expiryBound } from "./source-list.ts";
import {
  encodeSourceState,
  horizonAt,
  layoutFor,
  readSourceState,
  sourceStateKey,
} from "./source-state.ts";

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

  async function moveHorizon(source: SourceSpec): Promise<void> {
    const state = await readSourceState(store, namespace, layoutFor(source, options.views));
    const horizon = horizonAt(state.horizon, clock(), retain);
    if (state.version === null || horizon === state.horizon) return;
    // on a conflict another writer has moved the horizon
    const cell = {
      key: sourceStateKey(namespace, source.name),
      value: encodeSourceState({ ...state, horizon }),
      expected: state.version,
      expires: null,
    };
    await store.write({ source: source.name, cells: [cell], positions: [] });
  }

  async function step(): Promise<void> {
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
      while (expiryScan !== null);
    },
  };
}
