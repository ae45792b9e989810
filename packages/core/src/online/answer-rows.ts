/** Computes the answers of a snapshot row by row, a block of stored rows in memory at once. */
import type { Overflows } from "../columns/overflows.ts";
import type { OnlineStore } from "../spi.ts";
import { isWindowPlan } from "../plan/plan-kinds.ts";
import { NO_BLOCKS, blockNeeds } from "../window/row-blocks.ts";
import type { ResultWriter, TimedRows } from "../window/timed-rows.ts";
import { unchangedUntil } from "../window/unchanged-until.ts";
import { cachedFrom, writeCached } from "./answer-cache.ts";
import type { AnswerCounter } from "./answer-counts.ts";
import { textCounter } from "./answer-size.ts";
import { isLastPart, type EntityRequest } from "./entity-requests.ts";
import type { GiveWay } from "./give-way.ts";
import type { OnlineQuery } from "./online-query.ts";
import { lookedUpRows } from "./lookup-rows.ts";
import type { PreparedPlan } from "./prepared-plans.ts";
import type { Snapshot } from "./read-snapshot.ts";
import {
  NO_OLDER_ROWS,
  mostOlderRows,
  readOlderRows,
  storedEntityLog,
  timedRows,
  type Cover,
  type OlderRows,
  type StoredEntityLog,
  type StoredTail,
} from "./stored-rows.ts";

/** The number of stored rows that are in memory at once, unless one entity has more. */
const BLOCK_ROWS = 65_536;
/** The most requests whose rows are looked up together. */
const LOOKUP_REQUESTS = 256;

const NO_ROWS: ReadonlyMap<number, TimedRows> = new Map();

const NO_TURN = { wait: undefined };

/** The rows of a block of requests, beside those of the log tails. */
interface BlockRows {
  readonly older: ReadonlyMap<number, OlderRows>;
  /** The rows of those requests that look something up. */
  readonly lookedUp: ReadonlyMap<number, TimedRows>;
}

export interface RowAnswers {
  /** Computes all rows at once. No request may need segments or lookups. */
  computeAtOnce(
    read: Snapshot,
    question: OnlineQuery,
    results: readonly (readonly ResultWriter[])[],
  ): void;
  /**
   * Computes all rows of a snapshot, and gives way between them. false: a segment was replaced
   * since its log tail was read, or the state of a dimension changed.
   */
  computeInTurns(
    read: Snapshot,
    question: OnlineQuery,
    results: readonly (readonly ResultWriter[])[],
    giveWay: GiveWay,
  ): Promise<boolean>;
}

/** What is called with the number of answers that hold less than is right. */
interface AnswerCounters {
  readonly onOverflow: (count: number) => void;
  readonly onTruncated?: ((count: number) => void) | undefined;
  /** Counts hits and misses of the answer cache, and the stored rows behind an answer. */
  readonly counter?: AnswerCounter | undefined;
}

export function rowAnswers(
  store: OnlineStore,
  overflows: Overflows,
  { onOverflow, onTruncated, counter }: AnswerCounters,
): RowAnswers {
  /**
   * Computes rows of a snapshot, from `from` up to `to` or until the thread was held for long
   * enough. Returns the row after the last computed one, and puts the wait into `turn`.
   */
  function computeRows(
    { requests, changeCounter, tails }: Snapshot,
    from: number,
    to: number,
    { older, lookedUp }: BlockRows,
    { t }: OnlineQuery,
    results: readonly (readonly ResultWriter[])[],
    giveWay: GiveWay | null,
    turn: { wait: Promise<void> | undefined },
  ): number {
    for (let i = from; i < to; i++) {
      const request = requests[i]!;
      const tail = tails[i]!;
      const { plan, cached, row } = request;
      const written = results[plan.position]!;
      if (tail === "same") {
        writeCached(cached!, written, row);
        if (changeCounter !== null) cached!.seen = changeCounter;
        if (counter !== undefined) counter.hits++;
        // a cached row takes less time than a look at the clock
        if (i % 64 !== 0) continue;
      } else {
        const cells = tail === null ? null : storedEntityLog(request, tail, older.get(i));
        answerRow(request, cells, lookedUp.get(i), changeCounter, t, written);
      }
      if (giveWay === null) continue;
      turn.wait = giveWay();
      if (turn.wait !== undefined) return i + 1;
    }
    return to;
  }

  function computeAtOnce(
    read: Snapshot,
    question: OnlineQuery,
    results: readonly (readonly ResultWriter[])[],
  ): void {
    const to = read.requests.length;
    const rows = { older: NO_OLDER_ROWS, lookedUp: NO_ROWS };
    computeRows(read, 0, to, rows, question, results, null, NO_TURN);
    textCounter(question, results)?.add(read.requests, 0, to);
  }

  async function computeInTurns(
    read: Snapshot,
    question: OnlineQuery,
    results: readonly (readonly ResultWriter[])[],
    giveWay: GiveWay,
  ): Promise<boolean> {
    const { requests, tails } = read;
    const texts = textCounter(question, results);
    const turn: { wait: Promise<void> | undefined } = { wait: undefined };
    for (let from = 0, to = 0; from < requests.length; from = to) {
      to = endOfBlock(read, from);
      let older: ReadonlyMap<number, OlderRows> | null = NO_OLDER_ROWS;
      const needsThem = to !== -1;
      to = endOfLookups(read, from, needsThem ? to : requests.length);
      if (needsThem)
        older = await readOlderRows(store, requests, tails, from, to, (i) =>
          coverOf(requests[i]!, question.t),
        );
      if (older === null) return false;
      const lookedUp = await lookUp(read, from, to, older, question.t);
      if (lookedUp === null) return false;
      const rows = { older, lookedUp };
      for (let i = from; i < to;) {
        const next = computeRows(read, i, to, rows, question, results, giveWay, turn);
        texts?.add(requests, i, next);
        i = next;
        if (turn.wait !== undefined) await turn.wait;
        turn.wait = undefined;
      }
    }
    return true;
  }

  /**
   * The rows of those requests that look something up, by request. null: the state of a dimension
   * changed.
   */
  async function lookUp(
    { requests, changeCounter, tails }: Snapshot,
    from: number,
    to: number,
    older: ReadonlyMap<number, OlderRows>,
    t: number,
  ): Promise<ReadonlyMap<number, TimedRows> | null> {
    const asked = new Map<PreparedPlan, number[]>();
    for (let i = from; i < to; i++) {
      const { plan } = requests[i]!;
      if (plan.lookups.length === 0 || tails[i] === "same") continue;
      const indexes = asked.get(plan);
      if (indexes === undefined) asked.set(plan, [i]);
      else indexes.push(i);
    }
    if (asked.size === 0) return NO_ROWS;
    const found = new Map<number, TimedRows>();
    for (const indexes of asked.values()) {
      const stored = indexes.map((i) => {
        const request = requests[i]!;
        const tail = tails[i] as StoredTail | null;
        const cells = tail === null ? null : storedEntityLog(request, tail, older.get(i));
        return { request, rows: storedRows(request, cells) };
      });
      const rows = await lookedUpRows(store, stored, { t, changeCounter }, overflows);
      if (rows === null) return null;
      indexes.forEach((i, n) => found.set(i, rows[n]!));
    }
    return found;
  }

  function answerRow(
    request: EntityRequest,
    cells: StoredEntityLog | null,
    lookedUp: TimedRows | undefined,
    changeCounter: number | null,
    t: number,
    results: readonly ResultWriter[],
  ): void {
    const { plan: prepared, current, row, parts } = request;
    const { plan, timing, kernels, union } = current;
    let rows = lookedUp ?? storedRows(request, cells);
    if (union !== null) {
      parts!.push(rows);
      if (!isLastPart(request)) return;
      rows = union(parts!);
    }
    const blocks = cells?.blocks ?? NO_BLOCKS;
    kernels(rows, blocks)(0, rows.columns.length, t, results, row);
    if (counter !== undefined) {
      if (current.cached !== null) counter.misses++;
      const inBlocks = blocks.reduce((sum, { block }) => sum + block.count, 0);
      counter.addEntityRows(prepared.view.name, rows.columns.length + inBlocks);
    }
    const { truncated = 0 } = overflows;
    if (overflows.count > 0 || truncated > 0) {
      // every such answer is counted, so none of them is cached
      if (overflows.count > 0) onOverflow(overflows.count * request.count);
      if (truncated > 0) onTruncated?.(truncated * request.count);
      overflows.count = 0;
      overflows.truncated = 0;
    } else if (
      cells !== null &&
      // when a row enters or leaves a window is not known of rows that were left out
      !cells.isPartial &&
      current.cached !== null &&
      prepared.current === current &&
      (changeCounter !== null || prepared.lookups.length === 0)
    ) {
      const answer = cachedFrom(results, row, {
        tailKey: request.tailKey,
        version: cells.version,
        from: t,
        until: unchangedUntil(plan, timing, rows, t),
        seen: changeCounter,
      });
      if (answer !== null) current.cached.set(request.text, answer);
    }
  }

  return { computeAtOnce, computeInTurns };
}

function storedRows(request: EntityRequest, cells: StoredEntityLog | null): TimedRows {
  const { entityLogs, entityLog, key, current, input } = request;
  return timedRows(entityLogs, entityLog, key, cells, current.inputs[input]!.knownState.state);
}

/** What a request needs of blocks at `t`. null: always their rows. */
function coverOf({ current, input }: EntityRequest, t: number): Cover | null {
  const { plan, inputs } = current;
  const needs = isWindowPlan(plan) ? blockNeeds(plan) : null;
  if (needs === null) return null;
  const { truncates } = inputs[input]!.knownState.state;
  const needsAt = needs.at(t);
  const { order, names } = needs;
  if (truncates.length === 0)
    return { order, names, needs: (block, _, isTied) => needsAt(block, isTied) };
  // a truncate hides the rows of earlier log orders
  const newest = truncates.reduce((a, one) => (one.order > a ? one.order : a), truncates[0]!.order);
  return {
    order,
    names,
    needs(block, { minOrder, maxOrder }, isTied) {
      if (maxOrder < newest) return "none";
      return minOrder >= newest ? needsAt(block, isTied) : "rows";
    },
  };
}

/** Whether a request needs nodes or segments, or looks something up. */
export function needsMoreReads(read: Snapshot): boolean {
  const { requests, tails } = read;
  return (
    endOfBlock(read, 0) !== -1 ||
    requests.some(({ plan }, i) => plan.lookups.length > 0 && tails[i] !== "same")
  );
}

/** The end of the requests up to `to` whose rows are looked up together. */
function endOfLookups({ requests, tails }: Snapshot, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    if (requests[i]!.plan.lookups.length === 0 || tails[i] === "same") continue;
    if (count++ === LOOKUP_REQUESTS) return i;
  }
  return to;
}

/**
 * The end of the requests whose stored rows are in memory at once. −1: no request needs more than
 * its log tail.
 */
function endOfBlock({ requests, tails }: Snapshot, from: number): number {
  let rows = 0;
  for (let i = from; i < tails.length; i++) {
    const tail = tails[i]!;
    if (tail === null || tail === "same") continue;
    rows += mostOlderRows(tail, requests[i]!.notBefore);
    if (rows > BLOCK_ROWS) return i + 1;
  }
  return rows === 0 ? -1 : tails.length;
}
