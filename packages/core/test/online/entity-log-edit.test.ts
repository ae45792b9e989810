import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Value } from "../../src/specs.ts";
import {
  CHUNK_ROWS,
  decodeChunk,
  decodeHead,
  rowsOf,
  type LaneFormat,
  type LaneRow,
} from "../../src/online/entity-log-cells.ts";
import {
  chunksTouched,
  editLane,
  sameValue,
  type LaneEdit,
} from "../../src/online/entity-log-edit.ts";
import { column } from "../support/any-value.ts";

const format: LaneFormat = {
  columns: [column("id", "int32"), column("time", "timestamp"), column("text", "string")],
  time: 1,
};
const row = (id: number, time: number): LaneRow => [id, time, `row ${id}`];
const put = (id: number, time: number): LaneEdit => ({ put: row(id, time), remove: null });
const remove = (id: number, time: number): LaneEdit => ({
  put: null,
  remove: { time, same: (one) => one[0] === id },
});
const byTimeThenId = (a: LaneRow, b: LaneRow): number =>
  (a[1] as number) - (b[1] as number) || (a[0] as number) - (b[0] as number);

/**
 * A lane in a map of cells, as a store would hold it; whatever is not as it should be fails at
 * once.
 */
class Lane {
  readonly chunks = new Map<number, Uint8Array>();
  readonly used = new Set<number>();
  head: Uint8Array | null = null;
  private readonly chunkRows: number;

  constructor(chunkRows: number) {
    this.chunkRows = chunkRows;
  }

  /** Chunk numbers that were written. */
  edit(edits: readonly LaneEdit[], keepFrom = -Infinity): readonly number[] {
    const touched = new Set(chunksTouched(format, this.head, edits, keepFrom));
    const chunk = (id: number): Uint8Array => {
      expect(touched, "an edit reads only the chunks it announced").toContain(id);
      return this.chunks.get(id)!;
    };
    const result = editLane(format, { head: this.head, chunk }, edits, keepFrom, this.chunkRows);
    for (const id of result.removed)
      expect(this.chunks.delete(id), "what is removed was there").toBe(true);
    for (const { id, bytes, last } of result.written) {
      expect(this.used, "a chunk's number is never used again").not.toContain(id);
      this.used.add(id);
      this.chunks.set(id, bytes);
      expect(last).toBe(rowsOf(decodeChunk(format, bytes)).at(-1)![1]);
    }
    this.head = result.head;
    expect(result.newest).toBe(
      this.rows().reduce((most, one) => Math.max(most, one[1] as number), -Infinity),
    );
    return result.written.map(({ id }) => id);
  }

  /** Every row in the lane's order, with all that a reader relies on. */
  rows(): LaneRow[] {
    if (this.head === null) {
      expect(this.chunks.size, "no chunk is left without a head").toBe(0);
      return [];
    }
    const { chunks, rows, next } = decodeHead(format, this.head);
    expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set(this.chunks.keys()));
    const inChunks = chunks.map(({ id, count, first, last }) => {
      const held = rowsOf(decodeChunk(format, this.chunks.get(id)!));
      expect(id).toBeLessThan(next);
      expect([held.length, held[0]![1], held.at(-1)![1]]).toEqual([count, first, last]);
      expect(count).toBeLessThanOrEqual(this.chunkRows);
      return held;
    });
    const all = [...inChunks.flat(), ...rowsOf(rows)];
    expect(rows.length).toBeLessThanOrEqual(this.chunkRows);
    for (let i = 1; i < all.length; i++)
      expect(all[i - 1]![1] as number).toBeLessThanOrEqual(all[i]![1] as number);
    return all;
  }
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
 * The twin: a plain array. Rows below the bound may linger in a chunk that no edit touched, so both
 * sides are asked from the bound on.
 */
function play(chunkRows: number, list: readonly Step[]): void {
  const lane = new Lane(chunkRows);
  let rows: LaneRow[] = [];
  let keepFrom = -Infinity;
  let id = 0;
  for (const { edits, forget } of list) {
    if (forget > 0) keepFrom = Math.max(keepFrom, 0) + forget;
    const made = edits.flatMap(({ does, time, pick }): LaneEdit[] => {
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
    lane.edit(made, keepFrom);
    rows = rows.filter((one) => (one[1] as number) >= keepFrom);
    expect(
      lane
        .rows()
        .filter((one) => (one[1] as number) >= keepFrom)
        .sort(byTimeThenId),
    ).toEqual(rows.toSorted(byTimeThenId));
  }
}

describe("any edits leave the rows that a plain array would have", () => {
  test.each([[2], [4], [8]])("in chunks of %d rows", (chunkRows: number) => {
    fc.assert(
      fc.property(steps, (list) => {
        play(chunkRows, list);
      }),
      { numRuns: 400 },
    );
  });

  test(`in chunks of ${CHUNK_ROWS} rows`, () => {
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
        play(CHUNK_ROWS, list);
      }),
      { numRuns: 15 },
    );
  });
});

test("a quiet entity is one cell", () => {
  const lane = new Lane(CHUNK_ROWS);
  lane.edit(Array.from({ length: CHUNK_ROWS }, (_, i) => put(i, i)));
  expect(lane.chunks.size).toBe(0);
  lane.edit([put(CHUNK_ROWS, CHUNK_ROWS)]);
  expect(lane.chunks.size).toBe(1);
});

test("a late row rewrites one chunk, and late rows again and again make no swarm of small ones", () => {
  const lane = new Lane(8);
  lane.edit(Array.from({ length: 80 }, (_, i) => put(i, i * 1000)));
  for (let i = 0; i < 40; i++)
    expect(lane.edit([put(2000 + i, 2001 + i)]).length).toBeLessThanOrEqual(2);
  expect(lane.rows()).toHaveLength(120);
  expect(lane.chunks.size).toBeLessThanOrEqual(120 / 4);
});

test("a removal that finds nothing writes no chunk", () => {
  const lane = new Lane(4);
  lane.edit(Array.from({ length: 20 }, (_, i) => put(i, i)));
  expect(lane.edit([remove(-1, 3), remove(-1, 3.5), remove(-1, 100)])).toEqual([]);
});

test("rows of one time are told apart by identity, on whichever side of a chunk's edge they lie", () => {
  const lane = new Lane(4);
  lane.edit(Array.from({ length: 20 }, (_, i) => put(i, 7)));
  expect(lane.chunks.size).toBeGreaterThan(2);
  for (const id of [0, 19, 4, 5, 9]) lane.edit([remove(id, 7)]);
  expect(
    lane
      .rows()
      .map((one) => one[0])
      .sort((a, b) => (a as number) - (b as number)),
  ).toEqual([1, 2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18]);
});

test("a row put beside a chunk that is let go stays", () => {
  const lane = new Lane(4);
  lane.edit([0, 1, 2, 3, 100, 101, 102, 103, 104].map((time) => put(time, time)));
  lane.edit([put(1000, 60)], 50);
  expect(lane.rows().map((one) => one[1])).toEqual([60, 100, 101, 102, 103, 104]);
});

test("a chunk that was let go and swept is neither read nor missed", () => {
  const lane = new Lane(4);
  lane.edit(Array.from({ length: 20 }, (_, i) => put(i, i)));
  expect(chunksTouched(format, lane.head, [put(50, 12), remove(0, 0)], 11)).toHaveLength(1);
});

test("the last row gone, no cell is left of a lane that was one cell", () => {
  const lane = new Lane(2);
  lane.edit([put(1, 1), put(2, 2)]);
  lane.edit([remove(1, 1), remove(2, 2)]);
  expect([lane.head, lane.chunks.size]).toEqual([null, 0]);
});

test(
  "a lane that had chunks keeps an empty head, so that no chunk is written under a number that " +
    "an older head names",
  () => {
    const lane = new Lane(2);
    const first = lane.edit([1, 2, 3, 4, 5].map((time) => put(time, time)));
    lane.edit([1, 2, 3, 4, 5].map((time) => remove(time, time)));
    expect([lane.rows(), lane.chunks.size]).toEqual([[], 0]);
    const second = lane.edit([1, 2, 3, 4, 5].map((time) => put(time, time)));
    expect(second.filter((id) => first.includes(id))).toEqual([]);
  },
);

test("within one batch a row may come and go", () => {
  const lane = new Lane(2);
  lane.edit([put(1, 1), put(2, 5), put(3, 9), put(4, 10)]);
  lane.edit([put(5, 2), remove(5, 2), put(6, 2)]);
  expect(lane.rows().map((one) => one[0])).toEqual([1, 6, 2, 3, 4]);
});

test("values of a key are compared by value", () => {
  const pairs: [Value, Value, boolean][] = [
    [1n, 1n, true],
    ["a", "b", false],
    [new Uint8Array([1]), new Uint8Array([1]), true],
    [new Uint8Array([1]), new Uint8Array([2]), false],
    [null, null, true],
  ];
  for (const [a, b, same] of pairs) expect(sameValue(a, b)).toBe(same);
});
