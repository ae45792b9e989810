/** Aggregations by category: a state for each value of a key, with one answer for each. */
import { valueAt, type Vector } from "../columns/batch.ts";
import { compareValues } from "../columns/compare.ts";
import { MAX_ELEMENTS } from "../define/aggregation-kind.ts";
import type { AggregateSpec, CategorySpec, Expression, Value } from "../specs.ts";
import type { Accumulator, Overflows } from "./aggregator.ts";
import { decoded, encoded, readValue, writeValue } from "../statistics/state-codec.ts";

/** What an aggregation reads of each row. The key of its categories comes before its arguments. */
export function inputsOf({
  by,
  arguments: arguments_,
}: Pick<AggregateSpec, "by" | "arguments">): readonly Expression[] {
  return by === undefined ? arguments_ : [by.key, ...arguments_];
}

/** The rows of one category. */
interface Category<State> {
  readonly key: NonNullable<Value>;
  rows: number;
  readonly state: State;
  /** While rows are taken: where its rows end among those that are sorted by category. */
  end: number;
}

interface Categories<State> {
  readonly byKey: Map<unknown, Category<State>>;
  /** Cleared states, whose memory is used again. */
  readonly free: State[];
}

/** Takes the rows of one category. They are in the order in which they were given. */
type TakeRows<State> = (category: Category<State>, rows: Int32Array, length: number) => void;

/**
 * Makes the accumulator of an aggregation by category. The vector of the key comes first, and those
 * that `inner` takes follow it. A row without a key is in no category.
 * `newest`: only the last so many rows of each category count, and all rows come in one call.
 */
export function categoryAccumulator<State>(
  inner: Accumulator<State>,
  { key: { type }, each, default: replaced }: CategorySpec,
  newest: number | null = null,
): Accumulator {
  const listed = each === undefined ? null : new Set<unknown>(each);
  const nothing = inner.create();
  // Places of the rows of one call: the index of the category of each row, and the sorted rows.
  let places = new Int32Array(0);
  let sorted = new Int32Array(0);
  const met: Category<State>[] = [];

  function categoryOf(state: Categories<State>, key: NonNullable<Value>): Category<State> {
    let found = state.byKey.get(key);
    if (found === undefined) {
      found = { key, rows: 0, state: state.free.pop() ?? inner.create(), end: -1 };
      state.byKey.set(key, found);
    }
    return found;
  }

  /** Gives the rows of each category to `take`. */
  function takeByCategory(
    state: Categories<State>,
    key: Vector,
    rows: Int32Array,
    length: number,
    take: TakeRows<State>,
  ): void {
    if (places.length < length) {
      places = new Int32Array(length * 2);
      sorted = new Int32Array(length * 2);
    }
    met.length = 0;
    const counts: number[] = [];
    for (let i = 0; i < length; i++) {
      const value = valueAt(key, rows[i]!);
      if (value === null || (listed !== null && !listed.has(value))) {
        places[i] = -1;
        continue;
      }
      const category = categoryOf(state, value);
      if (category.end < 0) {
        category.end = met.push(category) - 1;
        counts.push(0);
      }
      counts[category.end]!++;
      places[i] = category.end;
    }
    let end = 0;
    for (let i = 0; i < met.length; i++) {
      met[i]!.end = end;
      end += counts[i]!;
    }
    for (let i = 0; i < length; i++) if (places[i]! >= 0) sorted[met[places[i]!]!.end++] = rows[i]!;
    for (let i = 0; i < met.length; i++) {
      const category = met[i]!;
      const count = newest === null ? counts[i]! : Math.min(counts[i]!, newest);
      take(category, sorted.subarray(category.end - count, category.end), count);
      category.end = -1;
    }
  }

  const inOrder = (state: Categories<State>): Category<State>[] =>
    [...state.byKey.values()].sort((a, b) => compareValues(type, a.key, b.key));

  function answer(state: State, overflows: Overflows, t: number): Value {
    const value = inner.finish(state, overflows, t);
    return value === null && replaced !== undefined ? replaced.value : value;
  }

  const accumulator: Accumulator<Categories<State>> = {
    create: () => ({ byKey: new Map(), free: [] }),
    clear({ byKey, free }) {
      for (const { state } of byKey.values()) {
        inner.clear(state);
        free.push(state);
      }
      byKey.clear();
    },
    add(state, [key, ...vectors], rows, length) {
      takeByCategory(state, key!, rows, length, (category, own, count) => {
        inner.add(category.state, vectors, own, count);
        category.rows += count;
      });
    },
    ...(inner.subtract === undefined
      ? {}
      : {
          subtract(state, [key, ...vectors], rows, length) {
            takeByCategory(state, key!, rows, length, (category, own, count) => {
              inner.subtract!(category.state, vectors, own, count);
              category.rows -= count;
              if (category.rows === 0) state.byKey.delete(category.key);
            });
          },
        }),
    merge(state, other) {
      for (const { key, rows, state: more } of other.byKey.values()) {
        const category = categoryOf(state, key);
        inner.merge(category.state, more);
        category.rows += rows;
      }
    },
    encode: (state) =>
      encoded((writer) => {
        writer.varint(state.byKey.size);
        for (const category of inOrder(state)) {
          writeValue(writer, category.key);
          writer.varint(category.rows);
          const bytes = inner.encode(category.state);
          writer.varint(bytes.length);
          writer.raw(bytes);
        }
      }),
    decode: (bytes) =>
      decoded(bytes, (reader) => {
        const state: Categories<State> = { byKey: new Map(), free: [] };
        for (let left = reader.itemCount(); left > 0; left--) {
          const key = readValue(reader)!;
          const rows = reader.varint();
          const own = inner.decode(reader.raw(reader.varint()).slice());
          state.byKey.set(key, { key, rows, state: own, end: -1 });
        }
        return state;
      }),
    finish(state, overflows, t) {
      if (each !== undefined)
        return each.map((key) => answer(state.byKey.get(key)?.state ?? nothing, overflows, t));
      return keptCategories(inOrder(state), overflows).map((category) => [
        category.key,
        answer(category.state, overflows, t),
      ]);
    },
  };
  return accumulator as Accumulator;
}

/**
 * The categories of the answer. Of more than 1,000 those with most rows stay, of equals the least,
 * and the answer is counted as truncated.
 */
function keptCategories<State>(
  inOrder: readonly Category<State>[],
  overflows: Overflows,
): readonly Category<State>[] {
  if (inOrder.length <= MAX_ELEMENTS) return inOrder;
  overflows.truncated = (overflows.truncated ?? 0) + 1;
  // The sort keeps the order of equals.
  const kept = new Set(inOrder.toSorted((a, b) => b.rows - a.rows).slice(0, MAX_ELEMENTS));
  return inOrder.filter((category) => kept.has(category));
}
