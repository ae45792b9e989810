/** Makes rows of a union out of the rows of its parts. */
import { batchOf, type Batch, type Vector } from "../columns/batch.ts";
import { gatherRows } from "../columns/gather-rows.ts";
import type { Overflows } from "../columns/overflows.ts";
import { bindFilter, expressionVector } from "../expr/bind.ts";
import type { ProjectNode, UnionNode } from "../plan/nodes.ts";
import type { ExplodedList } from "../specs.ts";
import type { Events } from "../spi.ts";
import { explodedRows } from "./explode-rows.ts";
import type { TimedRows } from "./timed-rows.ts";

/** The vectors of a projection, over all rows of a batch. */
function projectedVectors(
  { values }: ProjectNode,
  batch: Batch,
  overflows: Overflows,
): readonly Vector[] {
  return values.map((value) => expressionVector(value, batch, overflows));
}

/**
 * The events of a part, with the columns of the union. Rows that the part leaves out belong to no
 * entity.
 */
export function projectedEvents(node: ProjectNode, events: Events, overflows: Overflows): Events {
  const { condition, explode } = node;
  if (explode !== undefined) return explodedEvents(node, explode, events, overflows);
  const { length, entity, columns: batch } = events;
  const passes = condition === null ? null : bindFilter(condition, batch, overflows);
  return {
    ...events,
    entity:
      passes === null ? entity : entity.map((number, i) => (number < 0 || passes(i) ? number : -1)),
    columns: { length, columns: node.columns, vectors: projectedVectors(node, batch, overflows) },
  };
}

/** The events of elements. Rows of no entity have none. */
function explodedEvents(
  node: ProjectNode,
  explode: ExplodedList,
  { entity, time, from, to, columns: batch }: Events,
  overflows: Overflows,
): Events {
  const rows = passingRows(node, batch, overflows).filter((row) => entity[row]! >= 0);
  const { row, columns } = explodedRows(explode, batch, rows, overflows);
  const { length } = row;
  const ofRow = (values: Float64Array): Float64Array => Float64Array.from(row, (r) => values[r]!);
  return {
    length,
    entity: row.map((r) => entity[r]!),
    time: ofRow(time),
    from: ofRow(from),
    to: ofRow(to),
    columns: { length, columns: node.columns, vectors: projectedVectors(node, columns, overflows) },
  };
}

/** The rows of a part: each has a row of the columns, and the row whose times it has. */
interface PartRows {
  readonly columns: Batch;
  readonly rows: Int32Array;
  readonly timesOf: Int32Array;
}

function rowsOfPart(node: ProjectNode, batch: Batch, overflows: Overflows): PartRows {
  const passing = passingRows(node, batch, overflows);
  if (node.explode === undefined) return { columns: batch, rows: passing, timesOf: passing };
  const { row, columns } = explodedRows(node.explode, batch, passing, overflows);
  return { columns, rows: row.map((_, i) => i), timesOf: row };
}

/** The rows of one entity in all parts, by event time. */
export function unionRows(
  { columns, inputs }: UnionNode,
  parts: readonly TimedRows[],
  overflows: Overflows,
): TimedRows {
  const own: { readonly rows: TimedRows; readonly part: PartRows }[] = [];
  const vectors: (readonly Vector[])[] = [];
  let length = 0;
  parts.forEach((rows, p) => {
    const { input } = inputs[p]!;
    const part = rowsOfPart(input, rows.columns, overflows);
    if (part.rows.length === 0) return;
    own.push({ rows, part });
    vectors.push(projectedVectors(input, part.columns, overflows));
    length += part.rows.length;
  });
  if (length === 0)
    return { time: new Float64Array(0), from: null, to: null, columns: batchOf(columns, []) };
  const time = new Float64Array(length);
  const part = new Int32Array(length);
  const index = new Int32Array(length);
  const timesOf = new Int32Array(length);
  const heads = new Int32Array(own.length);
  for (let row = 0; row < length; row++) {
    let first = -1;
    let earliest = Infinity;
    own.forEach(({ rows, part: { timesOf: times } }, p) => {
      const head = heads[p]!;
      if (head === times.length) return;
      const at = rows.time[times[head]!]!;
      if (first >= 0 && at >= earliest) return;
      first = p;
      earliest = at;
    });
    time[row] = earliest;
    part[row] = first;
    const head = heads[first]!++;
    index[row] = own[first]!.part.rows[head]!;
    timesOf[row] = own[first]!.part.timesOf[head]!;
  }
  const known = (of: "from" | "to", always: number): Float64Array | null =>
    own.every(({ rows }) => rows[of] === null)
      ? null
      : Float64Array.from(part, (p, row) => own[p]!.rows[of]?.[timesOf[row]!] ?? always);
  return {
    time,
    from: known("from", -Infinity),
    to: known("to", Infinity),
    columns: {
      length,
      columns,
      vectors: columns.map((_, c) =>
        gatherRows(
          vectors.map((one) => one[c]!),
          part,
          index,
        ),
      ),
    },
  };
}

/** The rows that a part does not leave out. */
function passingRows({ condition }: ProjectNode, batch: Batch, overflows: Overflows): Int32Array {
  const all = Int32Array.from({ length: batch.length }, (_, row) => row);
  return condition === null ? all : all.filter(bindFilter(condition, batch, overflows));
}
