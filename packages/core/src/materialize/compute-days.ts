/** The rows of a view on some days, share by share of its entities, through the engine. */
import { vectorBuilder, type Batch, type Vector } from "../columns/batch.ts";
import type { HistoryContext } from "../offline/merge-versions.ts";
import type { HistoryState } from "../offline/version-events.ts";
import type { ColumnSpec, Value, ViewSpec } from "../specs.ts";
import type { ResultColumns, ComputeEngine, EntityRows, Events, TableSpec } from "../spi.ts";
import { planOf } from "../plan/view-plans.ts";
import {
  gatherGroup,
  type GatheredGroup,
  type EntityGroup,
  type EntityGroupLimits,
} from "./gather-group.ts";
import { DATE, EVENT_TIMESTAMP } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { segmentEncoder, segmentsFor } from "./segment-codec.ts";
import type { SegmentWriter } from "./online-segments.ts";

export interface DaysToCompute {
  readonly context: HistoryContext;
  readonly state: HistoryState;
  readonly view: ViewSpec;
  readonly table: TableSpec;
  readonly engine: ComputeEngine;
  /** In their order. */
  readonly days: readonly LocalDate[];
  readonly limits: Omit<EntityGroupLimits, "groups"> & {
    /** What the engine computes at once, about. */ readonly engineRows: number;
  };
  /** Takes the rows of the last day; null: they go to the table only. */
  readonly online: SegmentWriter | null;
  /** How many rows a day had in a share. */
  readonly onRows: (day: number, rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

const MAX_GROUPS = 2 ** 24;
/** Pages of one share, at least: so often may a later share be halved without parting a page. */
const SEGMENTS_PER_GROUP = 1024;

/**
 * Batches of the features table. The online rows are written on the way, and served when all are.
 */
export async function* computeDays(options: DaysToCompute): AsyncGenerator<Batch> {
  const { context, state, view, table, engine, days, online, signal } = options;
  const plan = planOf(view, view.features);
  const waiting: EntityGroup[] = [{ count: 1, index: 0 }];
  let segments: number | null = null;
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const gathered = await gatherGroup(
      context,
      state,
      view,
      plan,
      days,
      group,
      { ...options.limits, groups: segments ?? MAX_GROUPS },
      signal,
    );
    waiting.push(...gathered.remaining);
    if (online !== null && segments === null) {
      const { count } = gathered.group;
      segments = Math.max(
        segmentsFor(gathered.entities * count),
        count === 1 ? 1 : count * SEGMENTS_PER_GROUP,
      );
      await online.setSegmentCount(segments);
    }
    for (const input of engineInputs(gathered, segments, days.length, options.limits.engineRows)) {
      const { rows, entities, starts } = entityRowsForDays(gathered, days, input.entities);
      const answers = await ("longestWindow" in plan
        ? engine.aggregate(plan, input.events(), rows, { signal })
        : engine.joinAsOf(plan, input.events(), rows, { signal }));
      for (let day = 0; day < days.length; day++) {
        const [from, to] = [starts[day]!, starts[day + 1]!];
        options.onRows(day, to - from);
        if (to === from) continue;
        const own = entities.subarray(from, to);
        const batch = batchOfDay(table, view, gathered, own, answers, days[day]!, from);
        // first: the offline store may be busy with it while the online store takes its pages
        yield batch;
        if (online !== null && day === days.length - 1)
          await writeSegments(online, segments!, view, gathered, own, batch);
      }
    }
  }
  // before the table's commit: a run that is killed between the two is done again, and nothing that
  // the table says is missing here
  await online?.finish();
}

/**
 * Some entities of a share, and their events, numbered by their places among them: the engine goes
 * through memory as it lies.
 */
interface EngineInput {
  readonly entities: Int32Array;
  events(): AsyncIterable<Events>;
}

/** Parts of about so many rows, no page in two of them. */
function* engineInputs(
  gathered: GatheredGroup,
  segments: number | null,
  days: number,
  rows: number,
): Generator<EngineInput> {
  const { events, entities, hashes } = gathered;
  const order = segments === null ? sequence(entities) : bySegment(gathered, segments);
  const indexes = new Int32Array(entities);
  for (let i = 0; i < entities; i++) indexes[order[i]!] = i;
  const parts = Math.max(1, Math.ceil((entities * days) / rows));
  for (let part = 0, first = 0; part < parts; part++) {
    let end = Math.max(first, Math.floor((entities * (part + 1)) / parts));
    if (segments !== null && end > 0)
      while (
        end < entities &&
        hashes[order[end]!]! % segments === hashes[order[end - 1]!]! % segments
      )
        end++;
    const [from, to] = [first, end];
    first = end;
    if (from === to) continue;
    yield {
      entities: order.subarray(from, to),
      events: () => renumberedEvents(events, indexes, from, to),
    };
  }
}

async function* renumberedEvents(
  events: readonly Events[],
  indexes: Int32Array,
  from: number,
  to: number,
): AsyncIterable<Events> {
  for (const batch of events) {
    const entity = new Int32Array(batch.length);
    for (let i = 0; i < batch.length; i++) {
      const index = batch.entity[i]! < 0 ? -1 : indexes[batch.entity[i]!]!;
      entity[i] = index >= from && index < to ? index - from : -1;
    }
    yield { ...batch, entity };
  }
}

/** The entities of each page beside each other. */
function bySegment({ entities, hashes }: GatheredGroup, segments: number): Int32Array {
  const next = new Int32Array(segments + 1);
  for (let one = 0; one < entities; one++) next[(hashes[one]! % segments) + 1]!++;
  for (let segment = 0; segment < segments; segment++) next[segment + 1]! += next[segment]!;
  const order = new Int32Array(entities);
  for (let one = 0; one < entities; one++) order[next[hashes[one]! % segments]!++] = one;
  return order;
}

/**
 * Day after day, every entity that is there: for the engine by its place among these, and by its
 * number. Rows of day d are [starts[d], starts[d + 1]).
 */
function entityRowsForDays(
  { hasRow }: GatheredGroup,
  days: readonly LocalDate[],
  ofInput: Int32Array,
): {
  readonly rows: EntityRows;
  readonly entities: Int32Array;
  readonly starts: readonly number[];
} {
  const maxRows = ofInput.length * days.length;
  const entity = new Int32Array(maxRows);
  const entities = new Int32Array(maxRows);
  const time = new Float64Array(maxRows);
  const starts = [0];
  let length = 0;
  for (let day = 0; day < days.length; day++) {
    for (let index = 0; index < ofInput.length; index++) {
      if (!hasRow(ofInput[index]!, day)) continue;
      entity[length] = index;
      entities[length] = ofInput[index]!;
      time[length++] = days[day]!.time;
    }
    starts.push(length);
  }
  return {
    rows: {
      length,
      keyCount: ofInput.length,
      entity: entity.subarray(0, length),
      time: time.subarray(0, length),
    },
    entities: entities.subarray(0, length),
    starts,
  };
}

/** `from`: where the day's rows begin in the answers. */
function batchOfDay(
  table: TableSpec,
  view: ViewSpec,
  gathered: GatheredGroup,
  entity: Int32Array,
  answers: readonly ResultColumns[],
  day: LocalDate,
  from: number,
): Batch {
  const { length } = entity;
  const keys = view.entity.keys.length;
  const vectors = table.columns.map((column: ColumnSpec, c): Vector => {
    if (column === EVENT_TIMESTAMP)
      return { kind: "float64", values: new Float64Array(length).fill(day.time), valid: null };
    if (column === DATE)
      return { kind: "string", codes: new Int32Array(length), dictionary: [day.date], valid: null };
    if (c < keys) {
      const values = gathered.keys[c]!;
      // an entity comes once, so the texts of its only key differ
      if (keys === 1 && column.type === "string")
        return {
          kind: "string",
          codes: sequence(length),
          dictionary: pick(values as readonly string[], entity),
          valid: null,
        };
      return vectorFrom(column, length, (row) => values[entity[row]!]!);
    }
    const { values } = answers[c - keys - 2]!;
    return vectorFrom(column, length, (row) => values[from + row]!);
  });
  return { length, columns: table.columns, vectors };
}

// plain loops: `from` of an array goes through its iterator, which costs more than all that is done
// here with a row

/** 0, 1, 2 … */
function sequence(length: number): Int32Array {
  const numbers = new Int32Array(length);
  for (let i = 0; i < length; i++) numbers[i] = i;
  return numbers;
}

function pick(values: readonly string[], indexes: Int32Array): string[] {
  const result = new Array<string>(indexes.length);
  for (let i = 0; i < indexes.length; i++) result[i] = values[indexes[i]!]!;
  return result;
}

function vectorFrom(column: ColumnSpec, length: number, value: (row: number) => Value): Vector {
  const builder = vectorBuilder(column, length);
  for (let row = 0; row < length; row++) builder.push(value(row));
  return builder.finish();
}

/** The rows of the batch, which come page after page. */
async function writeSegments(
  online: SegmentWriter,
  segments: number,
  view: ViewSpec,
  { textOf, hashes }: GatheredGroup,
  entity: Int32Array,
  batch: Batch,
): Promise<void> {
  const own = new Uint32Array(entity.length);
  for (let row = 0; row < own.length; row++) own[row] = hashes[entity[row]!]!;
  const rows = {
    hashes: own,
    text: (row: number) => textOf(entity[row]!),
    columns: view.features.map(({ result }) => result),
    vectors: batch.vectors.slice(-view.features.length),
  };
  const encode = segmentEncoder(rows);
  for (let start = 0; start < entity.length;) {
    const segment = rows.hashes[start]! % segments;
    let end = start + 1;
    while (end < entity.length && rows.hashes[end]! % segments === segment) end++;
    await online.add(segment, encode(start, end));
    start = end;
  }
}
