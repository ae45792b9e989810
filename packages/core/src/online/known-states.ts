/** The states of sources as they were last read, and the times that a state does not answer. */
import { TidemarkError } from "../errors.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OnlineStore } from "../spi.ts";
import { formatTime } from "../time/parse-time.ts";
import { entityLogsOf, type EntityLogs } from "./entity-logs.ts";
import {
  decodeSourceState,
  emptySourceState,
  layoutFor,
  type SourceState,
} from "./source-state.ts";
import type { ReadCell } from "./stored-rows.ts";

/** The state of a source as it was last read. */
export interface KnownState {
  readonly state: SourceState;
  readonly entityLogs: EntityLogs;
}

export interface KnownStates {
  /** The state of the source as it was last read. undefined: it was not read yet. */
  last(source: SourceSpec): KnownState | undefined;
  /**
   * The state of a source; the state is decoded again only when its cell has changed. `asked`: the
   * state whose version was given to the read.
   */
  stateOf(source: SourceSpec, cell: ReadCell, asked?: KnownState): KnownState;
  /** @throws ASOF_BEFORE_HORIZON when the store may hold too few rows at `t`. */
  refuseBefore(state: SourceState, t: number): void;
}

export function knownStates(
  store: OnlineStore,
  namespace: string,
  views: readonly ViewSpec[],
): KnownStates {
  const states = new Map<string, KnownState>();

  function stateOf(source: SourceSpec, cell: ReadCell, asked?: KnownState): KnownState {
    const known = cell === "same" ? asked : (states.get(source.name) ?? asked);
    if (known !== undefined && (cell === "same" || known.state.version === (cell?.version ?? null)))
      return known;
    if (cell === "same") throw new TypeError("a state that is not known cannot be the same");
    const state: SourceState =
      cell === null
        ? emptySourceState(layoutFor(source, views))
        : decodeSourceState(store, source.name, cell);
    const fresh: KnownState = { state, entityLogs: entityLogsOf(namespace, state) };
    states.set(source.name, fresh);
    return fresh;
  }

  function refuseBefore({ horizon, layout }: SourceState, t: number): void {
    if (t >= horizon) return;
    throw new TidemarkError(
      "ASOF_BEFORE_HORIZON",
      `${store.name}: ${formatTime(t)} lies before ${formatTime(horizon)}, ` +
        `from where on the store holds every row of source "${layout.source.name}": ` +
        "ask getHistoricalFeatures, or keep more with online.retention of openStore",
    );
  }

  return { last: (source) => states.get(source.name), stateOf, refuseBefore };
}
