/** Random logs of one row, and random deliveries of them. */
import fc from "fast-check";
import type { SourceSpec, Value } from "../../src/specs.ts";
import type { RowChange } from "../../src/rows/row-change.ts";
import type { RowVersion, Truncate } from "../../src/rows/row-versions.ts";
import { column } from "./any-value.ts";

/** A source whose columns `amount` and `note` may be left out by the log. */
export const source: SourceSpec = {
  name: "s",
  table: "public.s",
  primaryKey: ["id"],
  eventTime: { kind: "column", column: "time" },
  createdAt: null,
  columns: [
    column("id", "int32", { nullable: false }),
    column("time", "timestamp"),
    column("amount", "float64"),
    column("note", "string"),
  ],
};
export const NOTE = 3;
const AMOUNT = 2;

export function upsert(
  order: bigint,
  values: readonly Value[],
  more: Partial<RowChange> = {},
): RowChange {
  return {
    order,
    offset: Number(order),
    orderInherited: false,
    committed: Number(order) * 10,
    loggedCommitTime: Number(order) * 10,
    values,
    unavailable: [],
    undeclaredUnavailable: [],
    undecodable: null,
    invalidColumns: [],
    ...more,
  };
}

export function deletion(order: bigint, more: Partial<RowChange> = {}): RowChange {
  return { ...upsert(order, []), values: null, ...more };
}

const values = fc.tuple(
  fc.constant(1),
  fc.option(fc.integer({ min: 0, max: 3 })),
  fc.constantFrom(0, -0, 1.5, null),
  fc.constantFrom("a", "b", null),
);
const content = fc.oneof(
  { weight: 4, arbitrary: values.map((list): Partial<RowChange> => ({ values: list })) },
  {
    weight: 3,
    arbitrary: values.map((list): Partial<RowChange> => ({
      values: list.with(NOTE, null),
      unavailable: [NOTE],
    })),
  },
  {
    weight: 1,
    arbitrary: values.map((list): Partial<RowChange> => ({
      values: list.with(AMOUNT, null),
      unavailable: [AMOUNT],
    })),
  },
  {
    weight: 1,
    arbitrary: values.map((list): Partial<RowChange> => ({
      values: list.with(AMOUNT, null).with(NOTE, null),
      unavailable: [AMOUNT, NOTE],
    })),
  },
  { weight: 2, arbitrary: fc.constant<Partial<RowChange>>({ values: null }) },
  {
    weight: 1,
    arbitrary: fc.constant<Partial<RowChange>>({
      values: [1, null, null, null],
      undecodable: "NOT_A_ROW",
    }),
  },
  {
    weight: 1,
    arbitrary: values.map((list): Partial<RowChange> => ({
      values: list.with(1, null),
      invalidColumns: ["time:NOT_A_TIME"],
    })),
  },
);

/** Changes of one row with rising orders. Commit times may stay equal or go back a little. */
export const rowLog: fc.Arbitrary<RowChange[]> = fc
  .array(fc.tuple(content, fc.integer({ min: -3, max: 10 }), fc.integer({ min: 1, max: 3 })), {
    maxLength: 9,
  })
  .map((list) => {
    let order = 0n;
    let committed = 1000;
    return list.map(([what, later, step]) => {
      order += BigInt(step);
      committed += later;
      return { ...deletion(order), committed, loggedCommitTime: committed, ...what };
    });
  });

export const truncates: fc.Arbitrary<Truncate[]> = fc
  .uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 2 })
  .map((orders) =>
    orders.map((order) => ({
      order: BigInt(order),
      offset: 500 + order,
      committed: 1000 + order * 4,
    })),
  );

/** The log in any order, with some changes again, at the same or at new offsets. */
export const delivered = (log: readonly RowChange[]): fc.Arbitrary<RowChange[]> =>
  log.length === 0
    ? fc.constant([])
    : fc
        .array(fc.tuple(fc.nat(log.length - 1), fc.constantFrom(0, 0, 100, 200)), { maxLength: 8 })
        .chain((again) =>
          shuffled([
            ...log,
            ...again.map(([i, ahead]) => ({ ...log[i]!, offset: log[i]!.offset + ahead })),
          ]),
        );

export function shuffled<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc
    .shuffledSubarray([...list.keys()], { minLength: list.length, maxLength: list.length })
    .map((order) => order.map((i) => list[i]!));
}

/** The content of a version, without its place in the log. */
export const versionContent = ({ from, to, values, unresolved, undecodable }: RowVersion) => ({
  from,
  to,
  values,
  unresolved,
  undecodable,
});
