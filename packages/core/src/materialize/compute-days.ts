/** The rows of a view on some days, share by share of its entities, through the engine. */
import { vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import type { HistoryContext } from "../history/merge-versions.ts";
import type { HistoryState } from "../history/version-events.ts";
import type { ColumnSpec, Value, ViewSpec } from "../model.ts";
import type { Answers, ComputeEngine, EntityRows, Events, TableSpec } from "../spi.ts";
import { planOf } from "../stream/plans.ts";
import { gatherShare, type GatheredShare, type Share, type ShareLimits } from "./gather-share.ts";
import { DATE, EVENT_TIMESTAMP } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { pageEncoder, pagesFor } from "./page-codec.ts";
import type { PagesWriter } from "./online-pages.ts";

export interface DaysToCompute {
  readonly context: HistoryContext;
  readonly state: HistoryState;
  readonly view: ViewSpec;
  readonly table: TableSpec;
  readonly engine: ComputeEngine;
  /** In their order. */
  readonly days: readonly LocalDate[];
  readonly limits: Omit<ShareLimits, "shares">;
  /** Takes the rows of the last day; null: they go to the table only. */
  readonly online: PagesWriter | null;
  /** How many rows a day had in a share. */
  readonly onRows: (day: number, rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

const MOST_SHARES = 2 ** 24;
/** Pages of one share, at least: so often may a later share be halved without parting a page. */
const PAGES_PER_SHARE = 1024;

/** Batches of the features table. The online rows are written on the way, and served when all are. */
export async function* computeDays(options: DaysToCompute): AsyncGenerator<Batch> {
  const { context, state, view, table, engine, days, online, signal } = options;
  const plan = planOf(view, view.features);
  const waiting: Share[] = [{ count: 1, index: 0 }];
  let pages: number | null = null;
  for (let share = waiting.pop(); share !== undefined; share = waiting.pop()) {
    const gathered = await gatherShare(context, state, view, plan, days, share, { ...options.limits, shares: pages ?? MOST_SHARES }, signal);
    waiting.push(...gathered.left);
    if (online !== null && pages === null) {
      const { count } = gathered.share;
      pages = Math.max(pagesFor(gathered.entities * count), count === 1 ? 1 : count * PAGES_PER_SHARE);
      await online.expect(pages);
    }
    const order = pages === null ? null : byPage(gathered, pages);
    const { rows, starts } = rowsAsked(gathered, days, order);
    const answers = await ("longest" in plan ? engine.aggregate(plan, replay(gathered.events), rows, { signal }) : engine.joinAsOf(plan, replay(gathered.events), rows, { signal }));
    for (let day = 0; day < days.length; day++) {
      const [from, to] = [starts[day]!, starts[day + 1]!];
      options.onRows(day, to - from);
      if (to === from) continue;
      const batch = batchOfDay(table, view, gathered, rows.entity.subarray(from, to), answers, days[day]!, from);
      if (online !== null && day === days.length - 1) await writePages(online, pages!, view, gathered, rows.entity.subarray(from, to), batch);
      yield batch;
    }
  }
  // before the table's commit: a run that is killed between the two is done again, and nothing that the table says is missing here
  await online?.finish();
}

async function* replay(events: readonly Events[]): AsyncIterable<Events> {
  yield* events;
}

/** The entities of each page beside each other. */
function byPage({ entities, hashes }: GatheredShare, pages: number): Int32Array {
  const next = new Int32Array(pages + 1);
  for (let one = 0; one < entities; one++) next[(hashes[one]! % pages) + 1]!++;
  for (let page = 0; page < pages; page++) next[page + 1]! += next[page]!;
  const order = new Int32Array(entities);
  for (let one = 0; one < entities; one++) order[next[hashes[one]! % pages]!++] = one;
  return order;
}

/** Day after day, every entity that is there; rows of day d are [starts[d], starts[d + 1]). */
function rowsAsked({ entities, isThere }: GatheredShare, days: readonly LocalDate[], order: Int32Array | null): { readonly rows: EntityRows; readonly starts: readonly number[] } {
  const most = entities * days.length;
  const entity = new Int32Array(most);
  const time = new Float64Array(most);
  const starts = [0];
  let length = 0;
  for (let day = 0; day < days.length; day++) {
    for (let i = 0; i < entities; i++) {
      const one = order === null ? i : order[i]!;
      if (!isThere(one, day)) continue;
      entity[length] = one;
      time[length++] = days[day]!.time;
    }
    starts.push(length);
  }
  return { rows: { length, keys: entities, entity: entity.subarray(0, length), time: time.subarray(0, length) }, starts };
}

/** `from`: where the day's rows begin in the answers. */
function batchOfDay(table: TableSpec, view: ViewSpec, gathered: GatheredShare, entity: Int32Array, answers: readonly Answers[], day: LocalDate, from: number): Batch {
  const { length } = entity;
  const keys = view.entity.keys.length;
  const vectors = table.columns.map((column: ColumnSpec, c): Vector => {
    if (column === EVENT_TIMESTAMP) return { is: "float64", values: new Float64Array(length).fill(day.time), valid: null };
    if (column === DATE) return { is: "string", codes: new Int32Array(length), dictionary: [day.date], valid: null };
    if (c < keys) {
      const values = gathered.keys[c]!;
      // an entity comes once, so the texts of its only key differ
      if (keys === 1 && column.kind === "string") return { is: "string", codes: Int32Array.from({ length }, (_, row) => row), dictionary: Array.from(entity, (one) => values[one] as string), valid: null };
      return vectorFrom(column, length, (row) => values[entity[row]!]!);
    }
    const { values } = answers[c - keys - 2]!;
    return vectorFrom(column, length, (row) => values[from + row]!);
  });
  return { length, columns: table.columns, vectors };
}

function vectorFrom(column: ColumnSpec, length: number, value: (row: number) => Value): Vector {
  const builder = vectorBuilder(column, length);
  for (let row = 0; row < length; row++) builder.push(value(row));
  return builder.finish();
}

/** The rows of the batch, which come page after page. */
async function writePages(online: PagesWriter, pages: number, view: ViewSpec, { textOf, hashes }: GatheredShare, entity: Int32Array, batch: Batch): Promise<void> {
  const rows = {
    hashes: Uint32Array.from(entity, (one) => hashes[one]!), text: (row: number) => textOf(entity[row]!),
    columns: view.features.map(({ result }) => result), vectors: batch.vectors.slice(-view.features.length),
  };
  const encode = pageEncoder(rows);
  for (let start = 0; start < entity.length;) {
    const page = rows.hashes[start]! % pages;
    let end = start + 1;
    while (end < entity.length && rows.hashes[end]! % pages === page) end++;
    await online.add(page, encode(start, end));
    start = end;
  }
}
