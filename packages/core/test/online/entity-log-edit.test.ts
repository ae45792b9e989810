import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Value } from "../../src/specs.ts";
import {
  SEGMENT_ROWS,
  decodeSegment,
  decodeTail,
  rowsFromBatch,
  type EntityLogFormat,
  type EntityLogRow,
} from "../../src/online/entity-log-cells.ts";
import { decodeNode, type NodeRef } from "../../src/online/nodes/node-cells.ts";
import type { CellKind } from "../../src/online/nodes/log-tree.ts";
import {
  cellsNeeded,
  editEntityLog,
  sameKeyValue,
  type EntityLogEdit,
} from "../../src/online/entity-log-edit.ts";
import { column } from "../support/any-value.ts";

const format: EntityLogFormat = {
  columns: [column("id", "int32"), column("time", "timestamp"), column("text", "string")],
  timeIndex: 1,
};
const row = (id: number, time: number): EntityLogRow => [id, time, `row ${id}`];
const put = (id: number, time: number): EntityLogEdit => ({ put: row(id, time), remove: null });
const remove = (id: number, time: number): EntityLogEdit => ({
  put: null,
  remove: { time, matches: (one) => one[0] === id },
});
const byTimeThenId = (a: EntityLogRow, b: EntityLogRow): number =>
  (a[1] as number) - (b[1] as number) || (a[0] as number) - (b[0] as number);

/** No node keeps more references. */
const MOST_REFS = 4;

/** An entity log in maps of cells. A wrong cell fails at once. */
class EntityLogLayout {
  readonly segments = new Map<number, Uint8Array>();
  readonly nodes = new Map<number, Uint8Array>();
  readonly used = new Set<number>();
  tail: Uint8Array | null = null;
  private readonly settings: { readonly segmentRows: number; readonly mostRefs: number };

  constructor(segmentRows: number) {
    this.settings = { segmentRows, mostRefs: MOST_REFS };
  }

  /** The cells that these edits need, in the order in which they are read. */
  needed(edits: readonly EntityLogEdit[], keepFrom = -Infinity): ReadCells {
    const read = new ReadCells(this.tail);
    for (;;) {
      const cells = cellsNeeded(format, read, edits, keepFrom, this.settings);
      if (cells.length === 0) return read;
      for (const { kind, id, mayBeMissing } of cells) {
        const bytes = this.cellsOf(kind).get(id);
        if (!mayBeMissing) expect(bytes, `${kind} ${id}`).toBeDefined();
        read.put(kind, id, bytes ?? null);
      }
    }
  }

  /** The numbers of the written segments. */
  edit(edits: readonly EntityLogEdit[], keepFrom = -Infinity): readonly number[] {
    const result = editEntityLog(
      format,
      this.needed(edits, keepFrom),
      edits,
      keepFrom,
      this.settings,
    );
    for (const { kind, id } of result.removed)
      expect(this.cellsOf(kind).delete(id), "what is removed was there").toBe(true);
    for (const { kind, id, bytes, last } of result.written) {
      expect(this.used, "a number is never used again").not.toContain(id);
      this.used.add(id);
      this.cellsOf(kind).set(id, bytes);
      if (kind === "segment")
        expect(last).toBe(rowsFromBatch(decodeSegment(format, bytes)).at(-1)![1]);
    }
    this.tail = result.tail;
    expect(result.newest).toBe(
      this.rows().reduce((most, one) => Math.max(most, one[1] as number), -Infinity),
    );
    return result.written.flatMap(({ kind, id }) => (kind === "segment" ? [id] : []));
  }

  private cellsOf(kind: CellKind): Map<number, Uint8Array> {
    return kind === "segment" ? this.segments : this.nodes;
  }

  /** Returns every row in the order of the log, and checks what readers rely on. */
  rows(): EntityLogRow[] {
    if (this.tail === null) {
      expect(this.segments.size, "no segment is left without a log tail").toBe(0);
      return [];
    }
    const { segments, root, rows, next } = decodeTail(format, this.tail);
    expect(segments).toEqual([]);
    const [refs, nodes] = root === null ? [[], []] : this.below(root.id);
    expect(new Set(refs.map(({ id }) => id))).toEqual(new Set(this.segments.keys()));
    expect(new Set(nodes)).toEqual(new Set(this.nodes.keys()));
    const inChunks = refs.map(({ id, count, first, last }) => {
      const held = rowsFromBatch(decodeSegment(format, this.segments.get(id)!));
      expect(id).toBeLessThan(next);
      expect([held.length, held[0]![1], held.at(-1)![1]]).toEqual([count, first, last]);
      expect(count).toBeLessThanOrEqual(this.settings.segmentRows);
      return held;
    });
    if (root !== null)
      expect(root).toMatchObject({
        count: inChunks.reduce((sum, { length }) => sum + length, 0),
        segments: refs.length,
        first: refs[0]!.first,
        last: refs.at(-1)!.last,
      });
    const all = [...inChunks.flat(), ...rowsFromBatch(rows)];
    expect(rows.length).toBeLessThanOrEqual(this.settings.segmentRows);
    for (let i = 1; i < all.length; i++)
      expect(all[i - 1]![1] as number).toBeLessThanOrEqual(all[i]![1] as number);
    return all;
  }

  /** The references to segments below a node in their order, and the nodes down to them. */
  private below(id: number): [refs: NodeRef[], nodes: number[]] {
    const { refs } = decodeNode(this.nodes.get(id)!);
    const most = refs.filter(({ level }) => level === refs.at(-1)!.level).length;
    expect(most).toBeLessThanOrEqual(MOST_REFS);
    const parts = refs.map((ref): [NodeRef[], number[]] => {
      if (ref.level === 0) return [[ref], []];
      const [below, nodes] = this.below(ref.id);
      expect(ref).toMatchObject({
        count: below.reduce((sum, { count }) => sum + count, 0),
        segments: below.length,
        first: below[0]!.first,
        last: below.at(-1)!.last,
      });
      return [below, nodes];
    });
    return [parts.flatMap(([found]) => found), [id, ...parts.flatMap(([, found]) => found)]];
  }
}

/** The cells that were read of an entity log. An edit may read no other. */
class ReadCells {
  readonly tail: Uint8Array | null;
  readonly count = { segment: 0, node: 0 };
  private readonly cells = new Map<string, Uint8Array | null>();

  constructor(tail: Uint8Array | null) {
    this.tail = tail;
  }

  put(kind: CellKind, id: number, bytes: Uint8Array | null): void {
    this.count[kind]++;
    this.cells.set(`${kind} ${id}`, bytes);
  }

  readonly segment = (id: number): Uint8Array | null | undefined => this.cells.get(`segment ${id}`);
  readonly node = (id: number): Uint8Array | null | undefined => this.cells.get(`node ${id}`);
}

interface Step {
  readonly edits: readonly {
    readonly does: "put" | "remove" | "remove what is not there" | "move";
    readonly time: number;
    readonly pick: number;
  }[];
  readonly forget: number;
}

const times = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 30, max: 200 }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    edits: fc.array(
      fc.record({
        does: fc.constantFrom(
          "put",
          "put",
          "put",
          "put",
          "remove",
          "remove what is not there",
          "move",
        ),
        time: times,
        pick: fc.nat(),
      }),
      { maxLength: 20 },
    ),
    forget: fc.constantFrom(0, 0, 0, 1, 5),
  }),
  { maxLength: 25 },
);

/**
 * The expected rows, in an array. Rows below the bound may stay in an untouched segment, so both
 * sides are compared from the bound on.
 */
function play(segmentRows: number, list: readonly Step[]): void {
  const entityLog = new EntityLogLayout(segmentRows);
  let rows: EntityLogRow[] = [];
  let keepFrom = -Infinity;
  let id = 0;
  for (const { edits, forget } of list) {
    if (forget > 0) keepFrom = Math.max(keepFrom, 0) + forget;
    const made = edits.flatMap(({ does, time, pick }): EntityLogEdit[] => {
      const victim = rows[pick % Math.max(rows.length, 1)];
      if (does === "remove what is not there" || (does !== "put" && victim === undefined))
        return [remove(-1, time)];
      const taken = does === "put" ? [] : [remove(victim![0] as number, victim![1] as number)];
      if (does !== "put") rows = rows.filter((one) => one !== victim);
      if (does === "remove" || time < keepFrom) return taken;
      const added = row(id++, time);
      rows.push(added);
      return [...taken, { put: added, remove: null }];
    });
    entityLog.edit(made, keepFrom);
    rows = rows.filter((one) => (one[1] as number) >= keepFrom);
    expect(
      entityLog
        .rows()
        .filter((one) => (one[1] as number) >= keepFrom)
        .sort(byTimeThenId),
    ).toEqual(rows.toSorted(byTimeThenId));
  }
}

describe("any edits leave the rows that an array has", () => {
  test.each([[2], [4], [8]])("in segments of %d rows", (segmentRows: number) => {
    fc.assert(
      fc.property(steps, (list) => {
        play(segmentRows, list);
      }),
      { numRuns: 400 },
    );
  });

  test(`in segments of ${SEGMENT_ROWS} rows`, () => {
    const many = fc.array(
      fc.record({
        edits: fc.array(
          fc.record({
            does: fc.constantFrom("put", "put", "put", "remove", "move"),
            time: fc.integer({ min: 0, max: 1000 }),
            pick: fc.nat(),
          }),
          { minLength: 300, maxLength: 900 },
        ),
        forget: fc.constantFrom(0, 0, 10),
      }),
      { minLength: 2, maxLength: 5 },
    ) as fc.Arbitrary<Step[]>;
    fc.assert(
      fc.property(many, (list) => {
        play(SEGMENT_ROWS, list);
      }),
      { numRuns: 15 },
    );
  });
});

test("a quiet entity is one cell", () => {
  const entityLog = new EntityLogLayout(SEGMENT_ROWS);
  entityLog.edit(Array.from({ length: SEGMENT_ROWS }, (_, i) => put(i, i)));
  expect(entityLog.segments.size).toBe(0);
  entityLog.edit([put(SEGMENT_ROWS, SEGMENT_ROWS)]);
  expect(entityLog.segments.size).toBe(1);
});

test("a late row rewrites one segment, and repeated late rows make few segments", () => {
  const entityLog = new EntityLogLayout(8);
  entityLog.edit(Array.from({ length: 80 }, (_, i) => put(i, i * 1000)));
  for (let i = 0; i < 40; i++)
    expect(entityLog.edit([put(2000 + i, 2001 + i)]).length).toBeLessThanOrEqual(2);
  expect(entityLog.rows()).toHaveLength(120);
  expect(entityLog.segments.size).toBeLessThanOrEqual(120 / 4);
});

test("a removal that finds nothing writes no segment", () => {
  const entityLog = new EntityLogLayout(4);
  entityLog.edit(Array.from({ length: 20 }, (_, i) => put(i, i)));
  expect(entityLog.edit([remove(-1, 3), remove(-1, 3.5), remove(-1, 100)])).toEqual([]);
});

test("rows of one time differ by identity, on either side of a segment's edge", () => {
  const entityLog = new EntityLogLayout(4);
  entityLog.edit(Array.from({ length: 20 }, (_, i) => put(i, 7)));
  expect(entityLog.segments.size).toBeGreaterThan(2);
  for (const id of [0, 19, 4, 5, 9]) entityLog.edit([remove(id, 7)]);
  expect(
    entityLog
      .rows()
      .map((one) => one[0])
      .sort((a, b) => (a as number) - (b as number)),
  ).toEqual([1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
});

test("a row beside a dropped segment stays", () => {
  const entityLog = new EntityLogLayout(4);
  entityLog.edit([0, 1, 2, 3, 100, 101, 102, 103, 104].map((time) => put(time, time)));
  entityLog.edit([put(1000, 60)], 50);
  expect(entityLog.rows().map((one) => one[1])).toEqual([60, 100, 101, 102, 103, 104]);
});

test("a dropped segment that was deleted is neither read nor missed", () => {
  const entityLog = new EntityLogLayout(4);
  entityLog.edit(Array.from({ length: 20 }, (_, i) => put(i, i)));
  for (const id of [...entityLog.segments.keys()].slice(0, 2)) entityLog.segments.delete(id);
  const { count } = entityLog.needed([put(50, 12), remove(0, 0)], 11);
  expect(count).toEqual({ segment: 1, node: 2 });
});

test("after the last row's removal no cell is left of a log of one cell", () => {
  const entityLog = new EntityLogLayout(2);
  entityLog.edit([put(1, 1), put(2, 2)]);
  entityLog.edit([remove(1, 1), remove(2, 2)]);
  expect([entityLog.tail, entityLog.segments.size]).toEqual([null, 0]);
});

test("a log that had segments keeps an empty tail, so no segment number is used again", () => {
  const entityLog = new EntityLogLayout(2);
  const first = entityLog.edit([1, 2, 3, 4, 5].map((time) => put(time, time)));
  entityLog.edit([1, 2, 3, 4, 5].map((time) => remove(time, time)));
  expect([entityLog.rows(), entityLog.segments.size]).toEqual([[], 0]);
  const second = entityLog.edit([1, 2, 3, 4, 5].map((time) => put(time, time)));
  expect(second.filter((id) => first.includes(id))).toEqual([]);
});

test("a row may come and go within one batch", () => {
  const entityLog = new EntityLogLayout(2);
  entityLog.edit([put(1, 1), put(2, 5), put(3, 9), put(4, 10)]);
  entityLog.edit([put(5, 2), remove(5, 2), put(6, 2)]);
  expect(entityLog.rows().map((one) => one[0])).toEqual([1, 6, 2, 3, 4]);
});

test("values of a key are compared by value", () => {
  const pairs: [Value, Value, boolean][] = [
    [1n, 1n, true],
    ["a", "b", false],
    [new Uint8Array([1]), new Uint8Array([1]), true],
    [new Uint8Array([1]), new Uint8Array([2]), false],
    [null, null, true],
  ];
  for (const [a, b, same] of pairs) expect(sameKeyValue(a, b)).toBe(same);
});
