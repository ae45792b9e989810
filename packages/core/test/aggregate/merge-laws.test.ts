/** Laws of every accumulator in the registry, for every type that it takes. */
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { aggregateRows, type Aggregated } from "@tidemark/testkit/oracle/aggregate";
import { byCategory } from "@tidemark/testkit/oracle/categories";
import { truth } from "@tidemark/testkit/oracle/condition";
import { orderedAggregate } from "@tidemark/testkit/oracle/ordered";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Accumulator, Aggregator } from "../../src/aggregate/aggregator.ts";
import { ByteReader } from "../../src/bytes/bytes.ts";
import { kernelOf } from "../../src/aggregate/bind.ts";
import { categoryAccumulator } from "../../src/aggregate/categories.ts";
import { aggregators } from "../../src/aggregate/registry.ts";
import { batchOf, type Vector } from "../../src/columns/batch.ts";
import { accepts, type AllowedOption } from "../../src/define/aggregation-kind.ts";
import type {
  AggregateOptions,
  ColumnSpec,
  Expression,
  ScalarType,
  TypeSpec,
  Value,
} from "../../src/specs.ts";
import { anyColumn, anyValueOf, column, VALUE_TYPES } from "../support/any-value.ts";

/** A scalar type, or that of lists of it. */
type ArgumentType = ScalarType | `list of ${ScalarType}`;

interface Case {
  readonly name: string;
  readonly types: readonly ArgumentType[];
  readonly options: AggregateOptions;
  /** The type of the key of its categories. Omitted: it has none. */
  readonly key?: ScalarType | undefined;
  readonly each?: readonly string[] | undefined;
}

const cases = aggregators.flatMap((aggregator): readonly Case[] =>
  aggregator.accumulator === null
    ? []
    : typesOf(aggregator).flatMap((types) =>
        optionsOf(aggregator).map((options) => ({ name: aggregator.name, types, options })),
      ),
);
const CATEGORY_TYPES = ["string", "boolean", "int32", "int64", "decimal", "date"] as const;
/** Each aggregation also by category, with the keys of one type after another. */
const categoryCases = aggregators.flatMap((aggregator, i): readonly Case[] => {
  const types = aggregator.accumulator === null ? undefined : typesOf(aggregator)[0];
  if (types === undefined) return [];
  const key = CATEGORY_TYPES[i % CATEGORY_TYPES.length]!;
  const options = optionsOf(aggregator)[0]!;
  const all = { name: aggregator.name, types, options, key, each: undefined };
  return key === "string" ? [all, { ...all, each: ["a", "in_no_row"] }] : [all];
});

/** Types of the arguments: each type that each of them may have, and two types beside it. */
function typesOf({ parameters }: Aggregator): readonly (readonly ArgumentType[])[] {
  if (parameters.length === 0) return [[]];
  const [first = [], second] = parameters.map(({ accepts: wanted }) =>
    [...VALUE_TYPES, ...VALUE_TYPES.map((type) => `list of ${type}` as const)].filter((type) => {
      const form = columnOf("", type);
      return wanted === "any"
        ? form.element === undefined
        : accepts(wanted, form.type, form.element);
    }),
  );
  return first.flatMap((type, i) =>
    second === undefined
      ? [[type]]
      : [i, i + 1].map((beside) => [type, second[beside % second.length]!]),
  );
}

function columnOf(name: string, type: ArgumentType): ColumnSpec {
  if (!type.startsWith("list of ")) return column(name, type as ScalarType);
  const { name: _, database: __, ...element } = column("", type.slice(8) as ScalarType);
  return column(name, "list", { element });
}

/** Lists of up to three numbers, most of two. */
function anyLists(element: TypeSpec, length: number): fc.Arbitrary<Value[]> {
  const value = anyValueOf({ ...element, nullable: false });
  const list = fc.oneof(
    { weight: 4, arbitrary: fc.array(value, { minLength: 3, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.option(value), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
  return fc.array<Value>(list, { minLength: length, maxLength: length });
}

/** Sets of options that cover what the aggregator allows. */
function optionsOf({ options = {} }: Aggregator): readonly AggregateOptions[] {
  return Object.entries(options).reduce<readonly AggregateOptions[]>(
    (sets, [name, allowed]) => {
      return sets.flatMap((set) => valuesOf(allowed).map((value) => ({ ...set, [name]: value })));
    },
    [{}],
  );
}

function valuesOf(allowed: AllowedOption): readonly AggregateOptions[string][] {
  if (allowed === "boolean") return [false, true];
  if ("each" in allowed) return [[0.3], [1, 0, 0.5]];
  if ("isDuration" in allowed) return [1, 1800e6, 86_400e6];
  if (!("from" in allowed)) return allowed;
  if (allowed.whole === true) return [allowed.from, 3, allowed.to];
  return [allowed.from, 0.3, 0.5, allowed.to];
}

/** A row: its event time, and the values of the arguments. */
interface Row {
  readonly time: number;
  readonly values: readonly Value[];
}

/** The time of the answers. It is after all rows. */
const T = 2 ** 50 + 12_345;
const PARTS = 4;
/** Lengths of time between neighbours: none, units and their edges, and any. */
const gap = fc.oneof(
  fc.constant(0),
  fc.constantFrom(1, 1e6, 60e6, 1800e6, 1800e6 - 1, 1800e6 + 1, 3600e6, 86_400e6),
  fc.integer({ min: 0, max: 2 ** 45 }),
);

/** Rows in their order, with times that ascend. */
const rowsOf = (rows: readonly (readonly Value[])[]): fc.Arbitrary<readonly Row[]> =>
  fc.array(gap, { minLength: rows.length, maxLength: rows.length }).map((gaps) => {
    let time = 0;
    return rows.map((values, i) => ({ time: (time += gaps[i]!), values }));
  });

/** For each row the part of a split that it goes to. The parts of rows in order are neighbours. */
const split = (length: number, inOrder: boolean): fc.Arbitrary<readonly number[]> =>
  fc
    .array(fc.integer({ min: 0, max: PARTS - 1 }), { minLength: length, maxLength: length })
    .map((places) => (inOrder ? places.sort((a, b) => a - b) : places));

describe.each([...cases, ...categoryCases])("$name of $types $options by $key $each", (tested) => {
  const { name, types: ofArguments, options, key, each } = tested;

  const {
    accumulator: make,
    kernel,
    ...aggregator
  } = aggregators.find((one) => one.name === name)!;
  const arguments_ = ofArguments.map((type, i) => columnOf(`argument_${i}`, type));
  const keyColumn = key === undefined ? undefined : column("key", key);
  const by = keyColumn === undefined ? undefined : { key: columnNode(keyColumn), each };
  const inputs = keyColumn === undefined ? arguments_ : [keyColumn, ...arguments_];
  const inOrder = aggregator.class === "ordered";
  const plain: Accumulator = make!(arguments_, options);
  const accumulator = by === undefined ? plain : categoryAccumulator(plain, by);

  /** What the oracle answers over these rows, whose values are those of the arguments. */
  function expectedOver(rows: readonly Row[]): Aggregated {
    return (
      orderedAggregate({ aggregate: name, options, arguments: arguments_ }, rows, T, null) ??
      aggregateRows(
        name,
        arguments_,
        rows.map(({ values }) => values),
        null,
        options,
      )
    );
  }
  function expectedOf(list: readonly Row[]): Aggregated {
    if (by === undefined) return expectedOver(list);
    const answerOf = (where: Expression): Aggregated =>
      expectedOver(
        list
          .filter(({ values }) => truth(where, { columns: [keyColumn!] }, values) === true)
          .map(({ time, values }) => ({ time, values: values.slice(1) })),
      );
    const keys = list.map(({ values }) => values[0]!);
    return byCategory(by, null, keys, answerOf, null);
  }

  function vectorsOf(rows: readonly Row[]): readonly Vector[] {
    const { vectors } = batchOf(
      inputs,
      rows.map(({ values }) => values),
    );
    if (aggregator.times !== true) return vectors;
    const times = Float64Array.from(rows, ({ time }) => time);
    return [...vectors, { kind: "float64", values: times, valid: null }];
  }
  const all = (rows: readonly Row[]): Int32Array => Int32Array.from(rows, (_, row) => row);
  function stateOf(rows: readonly Row[]): unknown {
    const state = accumulator.create();
    accumulator.add(state, vectorsOf(rows), all(rows), rows.length);
    return state;
  }
  function merged(...states: readonly unknown[]): unknown {
    const state = accumulator.create();
    for (const one of states) accumulator.merge(state, one);
    return state;
  }
  function finished(state: unknown): { readonly value: Value; readonly overflow: boolean } {
    const overflows = { count: 0 };
    const value = accumulator.finish(state, overflows, T);
    return { value, overflow: overflows.count > 0 };
  }
  const partsOf = (rows: readonly Row[], places: readonly number[]): Row[][] =>
    Array.from({ length: PARTS }, (_, part) => rows.filter((_, i) => places[i] === part));

  const lists = fc
    .integer({ min: 0, max: 20 })
    .chain((length) =>
      fc
        .tuple(
          ...inputs.map(({ type, element }) =>
            element === undefined ? anyColumn(type, length) : anyLists(element, length),
          ),
        )
        .map((columns) => Array.from({ length }, (_, i) => columns.map((values) => values[i]!))),
    )
    .chain(rowsOf);
  const splits = lists.chain((list) => fc.tuple(fc.constant(list), split(list.length, inOrder)));
  const law = (holds: (list: readonly Row[], parts: readonly (readonly Row[])[]) => void): void => {
    fc.assert(
      fc.property(splits, ([list, places]) => {
        holds(list, partsOf(list, places));
      }),
      { numRuns: 100 },
    );
  };

  test("a merge of any split equals adding all rows, and the oracle", () => {
    law((list, parts) => {
      const states = parts.map(stateOf);
      const whole = stateOf(list);
      const expected = expectedOf(list);
      expect(finished(merged(...states))).toStrictEqual(finished(whole));
      const other = inOrder ? states : states.reverse();
      expect(accumulator.encode(merged(...other))).toEqual(accumulator.encode(whole));
      expect(finished(whole)).toStrictEqual({
        ...expected,
        value: expected.value === 0 ? 0 : expected.value,
      });
    });
  });

  test("merging is associative, and the state over nothing changes nothing", () => {
    law((_, [a = [], b = [], c = [], d = []]) => {
      const [left, right] = [merged(stateOf(a), stateOf(b)), merged(stateOf(c), stateOf(d))];
      const middle = merged(stateOf(a), merged(stateOf(b), stateOf(c)), stateOf(d));
      expect(accumulator.encode(merged(left, right))).toEqual(accumulator.encode(middle));
      const [nothing, some] = [accumulator.create(), stateOf(a)];
      const bytes = accumulator.encode(stateOf(a));
      expect(accumulator.encode(merged(nothing, some))).toEqual(bytes);
      accumulator.merge(some, nothing);
      expect(accumulator.encode(some)).toEqual(bytes);
    });
  });

  test("a state comes back from its bytes, and goes on", () => {
    law((_, [a = [], ...later]) => {
      const rest = later.flat();
      const bytes = accumulator.encode(stateOf(a));
      const back = accumulator.decode(bytes);
      expect(finished(back)).toStrictEqual(finished(stateOf(a)));
      expect(accumulator.encode(back)).toEqual(bytes);
      accumulator.add(back, vectorsOf(rest), all(rest), rest.length);
      expect(accumulator.encode(back)).toEqual(accumulator.encode(stateOf([...a, ...rest])));
      if (bytes.length > 1)
        expect(() => accumulator.decode(bytes.subarray(0, -1))).toThrow(/online store/);
    });
  });

  const { mergeEncoded } = accumulator;
  if (mergeEncoded !== undefined)
    test("a merge of bytes equals a merge of the states that they hold", () => {
      fc.assert(
        fc.property(splits, ([list, places]) => {
          const parts = partsOf(list, places);
          const into = accumulator.create();
          for (const part of [...parts, ...parts])
            mergeEncoded(into, new ByteReader(accumulator.encode(stateOf(part))));
          const states = [...parts, ...parts].map(stateOf);
          expect(accumulator.encode(into)).toEqual(accumulator.encode(merged(...states)));
        }),
        { numRuns: 30 },
      );
    });

  test("a merge leaves the other state as it is, and a cleared state is empty", () => {
    law((_, [a = [], ...later]) => {
      const [state, other] = [stateOf(a), stateOf(later.flat())];
      accumulator.merge(state, other);
      expect(finished(other)).toStrictEqual(finished(stateOf(later.flat())));
      expect(accumulator.encode(other)).toEqual(accumulator.encode(stateOf(later.flat())));
      accumulator.clear(state);
      expect(accumulator.encode(state)).toEqual(accumulator.encode(accumulator.create()));
    });
  });

  test("rows that are subtracted were never added", () => {
    expect(accumulator.subtract !== undefined).toBe(
      ["invertible", "multiset"].includes(aggregator.class),
    );
    if (accumulator.subtract === undefined) return;
    law((list, [a = [], ...rest]) => {
      const state = stateOf(list);
      accumulator.subtract!(state, vectorsOf(a), all(a), a.length);
      const left = stateOf(rest.flat());
      expect(finished(state)).toStrictEqual(finished(left));
      expect(accumulator.encode(state)).toEqual(accumulator.encode(left));
      accumulator.subtract!(state, vectorsOf(rest.flat()), all(rest.flat()), rest.flat().length);
      expect(accumulator.encode(state)).toEqual(accumulator.encode(accumulator.create()));
    });
  });

  test("over nothing it answers as the record says", () => {
    const result = aggregator.result(arguments_, options);
    const empty = aggregator.empty(result, options);
    expect(plain.finish(plain.create(), { count: 0 }, T)).toStrictEqual(empty);
    expect(finished(accumulator.create()).value).toStrictEqual(
      by === undefined ? empty : (each ?? []).map(() => empty),
    );
    expect(aggregator.empty(result, options) === null).toBe(result.nullable);
  });

  if (kernel !== undefined || by !== undefined)
    test("its kernel answers as its accumulator does", () => {
      const one = kernelOf({ aggregate: name, options, by }, inputs, { count: 0 });
      law((list) => {
        one.bind(vectorsOf(list));
        one.reset();
        one.add(all(list), list.length);
        expect(one.finish(T)).toStrictEqual(finished(stateOf(list)).value);
      });
    });
});
