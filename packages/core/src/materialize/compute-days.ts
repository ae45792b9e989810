/** Computes the rows of a view on some days, one group of entities after the other. */
import { vectorBuilder, vectorOf, type Batch, type Vector } from "../columns/batch.ts";
import { gatherRows, pickRows } from "../columns/gather-rows.ts";
import type { Overflows } from "../columns/overflows.ts";
import { sequence } from "../columns/sequence.ts";
import { historyLookups } from "../offline/history-lookups.ts";
import { tableReferences } from "../offline/table-references.ts";
import type { ReadHistory } from "./stale-dates.ts";
import type { ColumnSpec, Value, ViewSpec } from "../specs.ts";
import type {
  ComputeEngine,
  DaysEngine,
  EngineColumn,
  EntityRows,
  Events,
  TableSpec,
} from "../spi.ts";
import { planOf } from "../plan/compile.ts";
import type { EntityGroup, SeenEntities } from "./entities.ts";
import { gatherGroup, type GatheredGroup, type EntityGroupLimits } from "./gather-group.ts";
import { DATE, EVENT_TIMESTAMP } from "./features-table.ts";
import type { LocalDate } from "./local-date.ts";
import { segmentEncoder, segmentsFor } from "./segment-codec.ts";
import type { SegmentWriter } from "./online-segments.ts";

/** What to compute, from what and with what. */
export interface DaysToCompute {
  /** The history of each table that the view reads. */
  readonly history: readonly ReadHistory[];
  readonly view: ViewSpec;
  readonly table: TableSpec;
  readonly engine: ComputeEngine;
  /** Days in their order. */
  readonly days: readonly LocalDate[];
  /** Computes the rows in place of `engine`, from the history itself. */
  readonly daysEngine: DaysEngine | null;
  readonly limits: Omit<EntityGroupLimits, "groups" | "keepsEvents"> & {
    /** The approximate number of rows that the engine computes at once. */
    readonly engineRows: number;
  };
  /** The entities that the commits before this one have seen. null: this commit is the only one. */
  readonly seen: SeenEntities | null;
  /** Takes the rows of the last day. null: the rows go to the table only. */
  readonly online: SegmentWriter | null;
  /** Called with the number of looked-up values that overflowed. */
  readonly onOverflow: ((count: number) => void) | undefined;
  /** Called with the number of rows that a day had in a group. */
  readonly onRows: (day: number, rows: number) => void;
  readonly signal: AbortSignal | undefined;
}

const MAX_GROUPS = 2 ** 24;
/**
 * The least number of segments in a group.
 * A later group may be halved so often without splitting a segment.
 */
const SEGMENTS_PER_GROUP = 1024;

/**
 * Yields batches of the features table.
 * The online rows are written along the way, and served when all of them are written.
 */
export async function* computeDays(options: DaysToCompute): AsyncGenerator<Batch> {
  const { history, view, table, engine, daysEngine, days, online, signal } = options;
  // versions of a dimension hold for a time, so each day looks at all of them
  const seen = view.source.eventTime.kind === "committed" ? null : options.seen;
  seen?.begin(history);
  // a union looks nothing up
  const { dimensions } = history[0]!;
  const plan = planOf(view, view.features);
  // a row of any time may say that an entity has rows
  const times = { min: -Infinity, max: days.at(-1)!.time };
  const rows = plan.input.input;
  const overflows: Overflows = { count: 0 };
  const lookUp = await historyLookups(rows, dimensions, times, overflows, signal);
  if (overflows.count > 0) options.onOverflow?.(overflows.count);
  const references = tableReferences([...history, ...dimensions]);
  const waiting: EntityGroup[] = [{ count: 1, index: 0 }];
  let segments: number | null = null;
  for (let group = waiting.pop(); group !== undefined; group = waiting.pop()) {
    const gathered = await gatherGroup(
      history,
      view,
      plan,
      lookUp,
      days,
      group,
      seen,
      { ...options.limits, groups: segments ?? MAX_GROUPS, keepsEvents: daysEngine === null },
      signal,
    );
    waiting.push(...gathered.remaining);
    if (online !== null && segments === null) {
      const { count } = gathered.group;
      segments = Math.max(
        segmentsFor(gathered.entities.first.length * count),
        count === 1 ? 1 : count * SEGMENTS_PER_GROUP,
      );
      await online.setSegmentCount(segments);
    }
    const texts = keyTexts(view, gathered);
    for (const input of engineInputs(gathered, segments, days.length, options.limits.engineRows)) {
      const { rows, entities, starts } = entityRowsForDays(gathered, days, input.entities);
      const task = { plan, tables: references, knowledge: "as-corrected" as const, rows };
      const keys = (): Batch => keysOf(view, gathered, input.entities);
      const answers =
        daysEngine === null
          ? (await engine.compute(task, { events: input.events, keys, signal })).map(valuesOf)
          : (await daysEngine.compute({ view, keys: keys(), rows, signal })).vectors;
      for (let day = 0; day < days.length; day++) {
        const [from, to] = [starts[day]!, starts[day + 1]!];
        options.onRows(day, to - from);
        if (to === from) continue;
        const own = entities.subarray(from, to);
        const batch = batchOfDay(table, view, gathered, texts, own, answers, days[day]!, from);
        // The batch comes first, so the offline store may write it while the online store takes its
        // segments.
        yield batch;
        if (online !== null && day === days.length - 1)
          await writeSegments(online, segments!, view, gathered, own, batch);
      }
    }
  }
  seen?.end(days.at(-1)!.time);
  // The online rows come before the table's commit. A run that is killed between the two is done
  // again, and then everything that the table has is online.
  await online?.finish();
}

const valuesOf = ({ values }: EngineColumn): Vector => values;

/** The keys of entities of a group. */
function keysOf(
  view: ViewSpec,
  { entities: { keys } }: GatheredGroup,
  entities: Int32Array,
): Batch {
  const columns = view.entity.keys;
  const numbers = [...entities];
  const vectors = columns.map((column, k) => vectorOf(column, numbers, (one) => keys[k]![one]!));
  return { length: numbers.length, columns, vectors };
}

/**
 * Some entities of a group, and their events.
 * The events number the entities by their index among these, so the engine reads memory in order.
 */
interface EngineInput {
  readonly entities: Int32Array;
  events(): AsyncIterable<Events>;
}

/** Splits a group into inputs of about `rows` rows. No segment is in two inputs. */
function* engineInputs(
  gathered: GatheredGroup,
  segments: number | null,
  days: number,
  rows: number,
): Generator<EngineInput> {
  const { hashes } = gathered.entities.numbers;
  const count = gathered.entities.first.length;
  const order = segments === null ? sequence(count) : bySegment(gathered, segments);
  const events = eventsByEntity(gathered.events, order);
  const parts = Math.max(1, Math.ceil((count * days) / rows));
  for (let part = 0, first = 0; part < parts; part++) {
    let end = Math.max(first, Math.floor((count * (part + 1)) / parts));
    if (segments !== null && end > 0)
      while (end < count && hashes[order[end]!]! % segments === hashes[order[end - 1]!]! % segments)
        end++;
    const [from, to] = [first, end];
    first = end;
    if (from === to) continue;
    yield { entities: order.subarray(from, to), events: () => events(from, to) };
  }
}

/**
 * Returns a function that yields the events of the entities order[from], …, order[to − 1], which
 * are numbered from 0. So the inputs of a group look at each event once.
 */
function eventsByEntity(
  batches: readonly Events[],
  order: Int32Array,
): (from: number, to: number) => AsyncIterable<Events> {
  const places = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) places[order[i]!] = i;
  const starts = new Int32Array(order.length + 1);
  for (const { entity } of batches)
    for (let i = 0; i < entity.length; i++) if (entity[i]! >= 0) starts[places[entity[i]!]! + 1]!++;
  for (let i = 0; i < order.length; i++) starts[i + 1]! += starts[i]!;
  const total = starts[order.length]!;
  const batchOf = new Int32Array(total);
  const rowOf = new Int32Array(total);
  const next = starts.slice();
  for (const [b, { entity }] of batches.entries())
    for (let i = 0; i < entity.length; i++) {
      if (entity[i]! < 0) continue;
      const at = next[places[entity[i]!]!]!++;
      batchOf[at] = b;
      rowOf[at] = i;
    }
  return async function* (from, to) {
    const [start, end] = [starts[from]!, starts[to]!];
    if (start === end) return;
    const [own, rows] = [batchOf.subarray(start, end), rowOf.subarray(start, end)];
    const length = end - start;
    const entity = new Int32Array(length);
    for (let place = from; place < to; place++)
      entity.fill(place - from, starts[place]! - start, starts[place + 1]! - start);
    const gather = (of: (batch: Events) => Float64Array): Float64Array => {
      const all = batches.map(of);
      const values = new Float64Array(length);
      for (let i = 0; i < length; i++) values[i] = all[own[i]!]![rows[i]!]!;
      return values;
    };
    const { columns } = batches[0]!.columns;
    const vectors = columns.map((_, c) =>
      gatherRows(
        batches.map((batch) => batch.columns.vectors[c]!),
        own,
        rows,
      ),
    );
    yield {
      length,
      entity,
      time: gather(({ time }) => time),
      from: gather((batch) => batch.from),
      to: gather((batch) => batch.to),
      columns: { length, columns, vectors },
    };
  };
}

/** The entities in the order of their segments. */
function bySegment({ entities: listed }: GatheredGroup, segments: number): Int32Array {
  const { hashes } = listed.numbers;
  const entities = listed.first.length;
  const next = new Int32Array(segments + 1);
  for (let one = 0; one < entities; one++) next[(hashes[one]! % segments) + 1]!++;
  for (let segment = 0; segment < segments; segment++) next[segment + 1]! += next[segment]!;
  const order = new Int32Array(entities);
  for (let one = 0; one < entities; one++) order[next[hashes[one]! % segments]!++] = one;
  return order;
}

/**
 * The rows to compute, day after day: every entity that has a row.
 * `rows` has an entity's index within the input, `entities` its number.
 * Rows of day d are [starts[d], starts[d + 1]).
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

/** The texts of a single key, by entity. null: the key is no text, or there are several. */
function keyTexts(view: ViewSpec, { entities: { keys } }: GatheredGroup): readonly string[] | null {
  const [column, ...others] = view.entity.keys;
  if (column!.type !== "string" || others.length > 0) return null;
  return keys[0]!.map((text) => (text as string | null) ?? "");
}

/** Makes the table's batch of one day. `from` is the day's first row in the answers. */
function batchOfDay(
  table: TableSpec,
  view: ViewSpec,
  gathered: GatheredGroup,
  texts: readonly string[] | null,
  entity: Int32Array,
  answers: readonly Vector[],
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
      const values = gathered.entities.keys[c]!;
      // The texts of a single key are all different. All days of a group have one dictionary.
      if (texts !== null) return { kind: "string", codes: entity, dictionary: texts, valid: null };
      return vectorFrom(column, length, (row) => values[entity[row]!]!);
    }
    return pickRows(answers[c - keys - 2]!, sequence(length, from));
  });
  return { length, columns: table.columns, vectors };
}

function vectorFrom(column: ColumnSpec, length: number, value: (row: number) => Value): Vector {
  const builder = vectorBuilder(column, length);
  for (let row = 0; row < length; row++) builder.push(value(row));
  return builder.finish();
}

/** Writes the rows of the batch, which come in the order of their segments. */
async function writeSegments(
  online: SegmentWriter,
  segments: number,
  view: ViewSpec,
  { entities: listed }: GatheredGroup,
  entity: Int32Array,
  batch: Batch,
): Promise<void> {
  const { texts, hashes } = listed.numbers;
  const own = new Uint32Array(entity.length);
  for (let row = 0; row < own.length; row++) own[row] = hashes[entity[row]!]!;
  const rows = {
    hashes: own,
    text: (row: number) => texts[entity[row]!]!,
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
