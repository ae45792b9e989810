/**
 * The pushes to a source as a log of one partition. Pushes have no log order, so the offset orders
 * them (law 5: the newest change of a row wins).
 */
import { TidemarkError } from "../errors.ts";
import type { Change, Position, PositionStep } from "../spi.ts";
import type { PushedRow } from "./push-rows.ts";

const TOPIC = "push";
const PARTITION = `${TOPIC}:0`;

/** How far the pushes to a source are stored in one store. */
export interface PushPosition {
  /** The stored offset; null: nothing was pushed yet. */
  readonly stored: number | null;
  /** The offset of the last push; −1: nothing was pushed yet. */
  readonly offset: number;
  /** The commit time of the last push, µs. The next push is committed no sooner. */
  readonly committed: number;
  /** True if the pushes went into an online store without a history. */
  readonly withoutHistory: boolean;
}

/** Returns the position of the pushes among the positions of a source. */
export function pushPosition(positions: readonly Position[]): PushPosition {
  const found = positions.find(({ partition }) => partition === PARTITION);
  const push = found?.checkpoint?.push;
  return {
    stored: found?.offset ?? null,
    offset: found?.offset ?? -1,
    committed: push?.committed ?? -Infinity,
    withoutHistory: push?.withoutHistory ?? false,
  };
}

/** Makes the step from one position to the next. */
export function pushStep(
  from: PushPosition,
  next: number,
  committed: number,
  withoutHistory: boolean,
): PositionStep {
  return {
    partition: PARTITION,
    expected: from.stored,
    next,
    checkpoint: { push: { committed, withoutHistory } },
  };
}

/** Makes the change of a pushed row. */
export function pushedChange(
  source: string,
  row: PushedRow,
  offset: number,
  committed: number,
  id: string | null,
): Change {
  return {
    source,
    topic: TOPIC,
    partition: 0,
    offset,
    kind: row.kind,
    values: row.values,
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: row.nonFinite,
    order: null,
    committed,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: id,
  };
}

/**
 * Refuses a history that does not have the pushes of the online store. The caller reads `online`
 * before `history`, so the online store can only be behind the right history.
 *
 * @throws PUSH_WITHOUT_HISTORY when the pushes went into a history, and there is none now.
 * @throws PUSH_HISTORY_LACKS when the history lacks pushes of the online store.
 */
export function refuseForeignHistory(
  source: string,
  online: PushPosition,
  onlineName: string,
  history: { readonly position: PushPosition; readonly name: string } | null,
): void {
  if (history === null) {
    if (online.stored === null || online.withoutHistory) return;
    throw new TidemarkError(
      "PUSH_WITHOUT_HISTORY",
      `push to source "${source}": ${onlineName} holds what was pushed into a history too, ` +
        "and a push without it would be lost there: open the store with that offline store",
    );
  }
  if (!online.withoutHistory && online.offset <= history.position.offset) return;
  throw new TidemarkError(
    "PUSH_HISTORY_LACKS",
    `push to source "${source}": ${onlineName} holds pushes up to position ${online.offset}, ` +
      `and the history in ${history.name} ` +
      (history.position.stored === null
        ? "holds none: "
        : `holds those up to ${history.position.offset}: `) +
      "open the history that they were pushed into; or begin with a new online store, and keep " +
      "the old one, which alone holds those pushes",
  );
}
