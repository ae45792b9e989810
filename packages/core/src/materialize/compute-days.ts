/** The rows of a view on some days, share by share of its entities, through the engine. */
import { vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import type { HistoryContext } from "../history/merge-versions.ts";
import type { HistoryState } from "../history/version-events.ts";
import type { ColumnSpec, ViewSpec } from "../model.ts";
import type { Answers, ComputeEngine, EntityRows, Events, TableSpec } from "../spi.ts";
import { planOf } from "../stream/plans.ts";
import { gatherShare, type GatheredShare, type Share, type ShareLimits } from "./gather-share.ts";
import { DATE, EVENT_TIMESTAMP } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { pagesFor, pageWriter } from "./page-codec.ts";
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

/** Batches of the features table. The online rows are written on the way, before the batch that holds them is given. */
export async function* computeDays(options: DaysToCompute): AsyncGenerator<Batch> {
  const { context, state, view, engine, days, online, signal } = options;
  const plan = planOf(view, view.features);
  const waiting: Share[] = [{ count: 1, index: 0 }];
  let pages: number | null = null;
  for (let share = waiting.pop(); share !== undefined; share = waiting.pop()) {
    const gathered = await gatherShare(context, state, view, plan, days, share, { ...options.limits, shares: pages ?? MOST_SHARES }, signal);
    waiting.push(...gathered.left);
    const { rows, starts } = rowsAsked(gathered, days);
    const answers = await ("longest" in plan ? engine.aggregate(plan, replay(gathered.events), rows, { signal }) : engine.joinAsOf(plan, replay(gathered.events), rows, { signal }));
    const last = { from: starts.at(-2)!, to: starts.at(-1)! };
    if (online !== null) {
      if (pages === null) {
        const { count } = gathered.share;
        pages = Math.max(pagesFor((last.to - last.from) * count), count === 1 ? 1 : count * PAGES_PER_SHARE);
        await online.expect(pages);
      }
      await writePages(online, pages, view, gathered, rows.entity, answers, last);
    }
    for (let day = 0; day < days.length; day++) {
      const [from, to] = [starts[day]!, starts[day + 1]!];
      options.onRows(day, to - from);
      if (to > from) yield batchOfDay(options.table, view, gathered, rows.entity, answers, days[day]!, from, to);
    }
  }
  // before the table's commit: a run that is killed between the two is done again, and the online store then serves what it served
  await online?.finish();
}

async function* replay(events: readonly Events[]): AsyncIterable<Events> {
  yield* events;
}

/** Day after day, every entity that is there; rows of day d are [starts[d], starts[d + 1]). */
function rowsAsked(gathered: GatheredShare, days: readonly LocalDate[]): { readonly rows: EntityRows; readonly starts: readonly number[] } {
  const most = gathered.entities * days.length;
  const entity = new Int32Array(most);
  const time = new Float64Array(most);
  const starts = [0];
  let length = 0;
  for (let day = 0; day < days.length; day++) {
    for (let one = 0; one < gathered.entities; one++) {
      if (!gathered.isThere(one, day)) continue;
      entity[length] = one;
      time[length++] = days[day]!.time;
    }
    starts.push(length);
  }
  return { rows: { length, keys: gathered.entities, entity: entity.subarray(0, length), time: time.subarray(0, length) }, starts };
}

function batchOfDay(table: TableSpec, view: ViewSpec, gathered: GatheredShare, entity: Int32Array, answers: readonly Answers[], day: LocalDate, from: number, to: number): Batch {
  const length = to - from;
  const keys = view.entity.keys.length;
  const vectors = table.columns.map((column: ColumnSpec, c): Vector => {
    if (column === EVENT_TIMESTAMP) return { is: "float64", values: new Float64Array(length).fill(day.time), valid: null };
    if (column === DATE) return { is: "string", codes: new Int32Array(length), dictionary: [day.date], valid: null };
    const builder = vectorBuilder(column, length);
    if (c < keys) for (let row = from; row < to; row++) builder.push(gathered.keyOf(entity[row]!)[c]!);
    else for (let row = from, { values } = answers[c - keys - 2]!; row < to; row++) builder.push(values[row]!);
    return builder.finish();
  });
  return { length, columns: table.columns, vectors };
}

/** Every page of the share, its rows found by a counting sort. */
async function writePages(online: PagesWriter, pages: number, view: ViewSpec, gathered: GatheredShare, entity: Int32Array, answers: readonly Answers[], { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  const counts = new Int32Array(pages + 1);
  for (let row = from; row < to; row++) counts[(gathered.hashOf(entity[row]!) % pages) + 1]!++;
  for (let page = 0; page < pages; page++) counts[page + 1]! += counts[page]!;
  const order = new Int32Array(to - from);
  const next = counts.slice();
  for (let row = from; row < to; row++) order[next[gathered.hashOf(entity[row]!) % pages]!++] = row;
  const writer = pageWriter(view.features.map(({ result }) => result));
  let row = 0;
  const value = (feature: number) => answers[feature]!.values[row]!;
  for (let page = 0; page < pages; page++) {
    const [start, end] = [counts[page]!, counts[page + 1]!];
    if (start === end) continue;
    writer.begin(end - start);
    for (let i = start; i < end; i++) {
      row = order[i]!;
      const one = entity[row]!;
      writer.row(gathered.hashOf(one), gathered.textOf(one), value);
    }
    await online.add(page, writer.finish());
  }
}
