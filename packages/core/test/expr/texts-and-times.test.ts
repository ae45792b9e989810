import { scalarFunction } from "../../src/expr/scalar-functions.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnNode } from "@tidemark/testkit/generate/expressions";
import { evaluate } from "@tidemark/testkit/oracle/condition";
import { batchOf } from "../../src/columns/batch.ts";
import { bindExpression } from "../../src/expr/bind.ts";
import { callExpression, columnExpression } from "../../src/expr/tree.ts";
import type { CallOptions, ColumnSpec, SourceSpec, Value } from "../../src/specs.ts";
import { anyValue, column } from "../support/any-value.ts";

/** Compares the kernel with the oracle. */
function check(
  name: string,
  columns: readonly ColumnSpec[],
  row: fc.Arbitrary<readonly Value[]>,
  options: fc.Arbitrary<CallOptions> = fc.constant({}),
): void {
  fc.assert(
    fc.property(row, options, (values, given) => {
      const call = callExpression(
        scalarFunction(name),
        columns.map((one) => columnExpression(one)),
        given,
      );
      const node = { ...call, arguments: columns.map((one) => columnNode(one)) };
      const source = { columns } as unknown as SourceSpec;
      const answer = bindExpression(call, batchOf(columns, [values]), { count: 0 })(0);
      expect(answer).toBe(evaluate(node, source, values));
    }),
    { numRuns: 1500 },
  );
}

// Few code points, so that patterns and prefixes are found; one of them takes two units.
const point = fc.constantFrom("a", "b", "ł", "😀", " ", "\t", "-", "%", "_", "\\");
const text = fc.array(point, { maxLength: 8 }).map((points) => points.join(""));
const texts = (count: number): fc.Arbitrary<Value[]> =>
  fc.array(fc.oneof({ weight: 9, arbitrary: text }, { weight: 1, arbitrary: fc.constant(null) }), {
    minLength: count,
    maxLength: count,
  });
const x = column("x", "string");
const y = column("y", "string");

describe("kernels of texts answer what the oracle answers", () => {
  test("trim and length", () => {
    check("trim", [x], texts(1));
    check("length", [x], texts(1));
    const bytes = column("x", "bytes");
    check("length", [bytes], fc.tuple(fc.option<Value>(anyValue("bytes"))));
  });
  test("concat", () => {
    check("concat", [x, y], texts(2));
  });
  test("substring", () => {
    const index = fc.integer({ min: 0, max: 9 });
    check("substring", [x], texts(1), fc.record({ start: index, length: index }));
    check("substring", [x], texts(1), fc.record({ start: index }));
  });
  test("startsWith and endsWith", () => {
    const some = fc.array(point, { maxLength: 2 }).map((points) => points.join(""));
    check("startsWith", [x], texts(1), fc.record({ prefix: some }));
    check("endsWith", [x], texts(1), fc.record({ suffix: some }));
  });
  test("like", () => {
    const pattern = fc
      .array(fc.constantFrom("%", "_", "a", "b", "😀", "\\%", "\\_", "\\\\"), { maxLength: 6 })
      .map((signs) => signs.join(""));
    check("like", [x], texts(1), fc.record({ pattern }));
  });
  test("splitPart", () => {
    const separator = fc.constantFrom("-", "a", "ab", "😀", "--");
    const index = fc.integer({ min: 0, max: 4 });
    check("splitPart", [x], texts(1), fc.record({ separator, index }));
  });
});

describe("kernels of times answer what the oracle answers", () => {
  const time = column("x", "timestamp");
  const micros = fc.oneof(
    fc.option(anyValue("timestamp")),
    // Instants near the changes of the clock in 2026.
    fc
      .tuple(
        fc.constantFrom(1774746000e6, 1792890000e6, 1772953200e6, 1793512800e6),
        fc.integer({ min: -7200, max: 7200 }),
      )
      .map(([change, seconds]) => change + seconds * 1e6 - 1),
  );
  const zone = fc.constantFrom(
    "UTC",
    "Europe/Zurich",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
  );
  test.each([
    "hourOf",
    "minuteOfDay",
    "dayOfWeek",
    "dayOfMonth",
    "monthOf",
    "yearOf",
    "isWeekend",
    "dateOf",
  ])("%s", (name) => {
    check(name, [time], fc.tuple(micros), fc.record({ zone }));
  });
  test("elapsed", () => {
    const unit = fc.constantFrom("seconds", "minutes", "hours", "days");
    check(
      "elapsed",
      [time, column("y", "timestamp")],
      fc.tuple(micros, micros),
      fc.record({ unit }),
    );
  });
  test("daysBetween", () => {
    const day = fc.option(anyValue("date"));
    check("daysBetween", [column("x", "date"), column("y", "date")], fc.tuple(day, day));
  });
});
