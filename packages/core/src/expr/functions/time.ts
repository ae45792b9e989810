/** Functions of times: what the clock of a zone shows, and lengths of time. */
import { civilDate } from "../../time/civil.ts";
import { unitLengths, type DurationUnit } from "../../time/duration-unit.ts";
import { zoneOf } from "../../time/zone.ts";
import type { Value, ValueType } from "../../specs.ts";
import { saturatedInt32 } from "../numbers.ts";
import type { Call, FunctionDocs, ScalarFunction } from "../scalar-function.ts";

const DAY = 86_400;

function checkType(call: Call, wanted: ValueType): void {
  for (const { type } of call.arguments)
    if (type !== wanted) call.refuse("TYPE_MISMATCH", `it takes a ${wanted}, and got ${type}`);
}

/** What the clock of a zone shows, in whole seconds since 1970-01-01 00:00 of that clock. */
function ofLocalTime(
  name: string,
  type: "int32" | "boolean" | "date",
  compute: (local: number) => Value,
  sql: (local: string) => string,
  docs: FunctionDocs,
): ScalarFunction {
  return {
    name,
    ...docs,
    typeRule(call) {
      checkType(call, "timestamp");
      return { type, nullable: call.arguments[0]!.nullable };
    },
    kernel([x], { call }) {
      const { read } = x!;
      const zone = zoneOf(String(call.options!["zone"]));
      return (row) => {
        const micros = read(row);
        if (micros === null) return null;
        const seconds = Math.floor((micros as number) / 1e6);
        return compute(seconds + zone.offset(seconds));
      };
    },
    sql: ({ options }, print) => ({
      text: sql(`${print(0, "product")} AT TIME ZONE '${String(options!["zone"])}'`),
      rank: "atom",
    }),
  };
}

const dayOf = (local: number): number => Math.floor(local / DAY);
const secondOf = (local: number): number => local - dayOf(local) * DAY;
/** Monday is 1. 1970-01-01 was a Thursday. */
const weekday = (local: number): number => ((((dayOf(local) + 3) % 7) + 7) % 7) + 1;

const at = "2026-07-04T22:30:00Z";

export const hourOf: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "hourOf",
  "int32",
  (local) => Math.floor(secondOf(local) / 3600),
  (local) => `HOUR(${local})`,
  {
    signature: "timestamp, zone → int32",
    rule: "local time of the zone",
    example: [`hourOf("${at}", "Europe/Zurich")`, "0"],
  },
);
export const minuteOfDay: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "minuteOfDay",
  "int32",
  (local) => Math.floor(secondOf(local) / 60),
  (local) => `(HOUR(${local}) * 60 + MINUTE(${local}))`,
  {
    signature: "timestamp, zone → int32",
    rule: "local time of the zone",
    example: [`minuteOfDay("${at}", "Europe/Zurich")`, "30"],
  },
);
export const dayOfWeek: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "dayOfWeek",
  "int32",
  weekday,
  (local) => `DAY_OF_WEEK(${local})`,
  {
    signature: "timestamp, zone → int32",
    rule: "Monday is 1",
    example: [`dayOfWeek("${at}", "Europe/Zurich")`, "7"],
  },
);
export const dayOfMonth: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "dayOfMonth",
  "int32",
  (local) => civilDate(dayOf(local)).day,
  (local) => `DAY(${local})`,
  {
    signature: "timestamp, zone → int32",
    rule: "from 1",
    example: [`dayOfMonth("${at}", "Europe/Zurich")`, "5"],
  },
);
export const monthOf: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "monthOf",
  "int32",
  (local) => civilDate(dayOf(local)).month,
  (local) => `MONTH(${local})`,
  {
    signature: "timestamp, zone → int32",
    rule: "1 to 12",
    example: [`monthOf("${at}", "Europe/Zurich")`, "7"],
  },
);
export const yearOf: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "yearOf",
  "int32",
  (local) => civilDate(dayOf(local)).year,
  (local) => `YEAR(${local})`,
  {
    signature: "timestamp, zone → int32",
    rule: "of the calendar",
    example: [`yearOf("${at}", "Europe/Zurich")`, "2026"],
  },
);
export const isWeekend: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "isWeekend",
  "boolean",
  (local) => weekday(local) > 5,
  (local) => `(DAY_OF_WEEK(${local}) > 5)`,
  {
    signature: "timestamp, zone → boolean",
    rule: "Saturday or Sunday",
    example: [`isWeekend("${at}", "Europe/Zurich")`, "true"],
  },
);
export const dateOf: ScalarFunction = /* @__PURE__ */ ofLocalTime(
  "dateOf",
  "date",
  dayOf,
  (local) => `CAST(${local} AS DATE)`,
  {
    signature: "timestamp, zone → date",
    rule: "local date of the zone",
    example: [`dateOf("${at}", "Europe/Zurich")`, '"2026-07-05"'],
  },
);

export const elapsed: ScalarFunction = {
  name: "elapsed",
  signature: "unit, timestamp, timestamp → float64",
  rule: "µs from the first to the second ÷ the unit, rounded once",
  example: [`elapsed("hours", "${at}", "2026-07-05T00:00:00Z")`, "1.5"],
  typeRule(call) {
    checkType(call, "timestamp");
    return { type: "float64", nullable: call.arguments.some(({ nullable }) => nullable) };
  },
  kernel([a, b], { call }) {
    const unit = unitLengths[call.options!["unit"] as DurationUnit];
    return (row) => {
      const start = a!.read(row);
      const end = b!.read(row);
      return start === null || end === null ? null : quotient(end as number, start as number, unit);
    };
  },
  sql: ({ options }, print) => ({
    text:
      `CAST(TO_UNIXTIME(${print(1)}) * 1000000 - TO_UNIXTIME(${print(0)}) * 1000000 AS DOUBLE)` +
      ` / ${unitLengths[options!["unit"] as DurationUnit]}`,
    rank: "product",
  }),
};

/** (end − start) ÷ unit, rounded once. */
function quotient(end: number, start: number, unit: number): number {
  const micros = end - start;
  if (Number.isSafeInteger(micros)) return micros / unit + 0;
  // The difference has more than 53 bits. A last bit says that more digits follow.
  const exact = (BigInt(end) - BigInt(start)) << 64n;
  const divisor = BigInt(unit);
  const whole = exact / divisor;
  const sticky = exact % divisor === 0n ? 0n : 1n;
  return Number(exact < 0n ? whole - sticky : whole | sticky) / 2 ** 64;
}

export const daysBetween: ScalarFunction = {
  name: "daysBetween",
  signature: "date, date → int32",
  rule: "days of the calendar from the first to the second",
  example: ['daysBetween("2026-02-28", "2026-03-01")', "1"],
  typeRule(call) {
    checkType(call, "date");
    return { type: "int32", nullable: call.arguments.some(({ nullable }) => nullable) };
  },
  kernel([a, b], { overflows }) {
    return (row) => {
      const start = a!.read(row);
      const end = b!.read(row);
      return start === null || end === null
        ? null
        : saturatedInt32((end as number) - (start as number), overflows);
    };
  },
  sql: (_, print) => ({ text: `DATE_DIFF('day', ${print(0)}, ${print(1)})`, rank: "atom" }),
};

export const asOf: ScalarFunction = {
  name: "asOf",
  signature: "nothing → timestamp",
  rule: "the time of the answer, t; it moves with t, so rows do not know it",
  example: ['elapsed("hours", "2026-07-05T10:30:00Z", asOf())', "1.5"],
  clock: true,
  typeRule: () => ({ type: "timestamp", nullable: false }),
  kernel(_, { timeOf }) {
    if (timeOf === null) throw new TypeError("rows do not know the time of the answer");
    return (row) => timeOf(row);
  },
  sql: () => ({ text: ":as_of", rank: "atom" }),
};
