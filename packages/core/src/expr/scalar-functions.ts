/** The registry of scalar functions: the only place that knows them all. */
import { add, div, mod, mul, sub } from "./functions/arithmetic.ts";
import { and, isNotNull, isNull, not, or } from "./functions/boolean.ts";
import { eq, gt, gte, inList, lt, lte, ne } from "./functions/comparison.ts";
import { cast, hashBucket, jsonPath } from "./functions/conversion.ts";
import { caseWhen, clamp, coalesce, greatest, least, nullIf } from "./functions/conditional.ts";
import { avgOf, maxOf, minOf, quantileOf, slopeOf, stddevOf, sumOf } from "./functions/lists.ts";
import { binOf, exp, log, log1p, power, sqrt } from "./functions/math.ts";
import { contains, elementOf, member, struct, valueAt } from "./functions/parts.ts";
import { matches } from "./functions/matches.ts";
import { abs, ceil, floor, neg, round, sign } from "./functions/rounding.ts";
import {
  concat,
  endsWith,
  length,
  like,
  lower,
  splitPart,
  startsWith,
  substring,
  trim,
  upper,
} from "./functions/text.ts";
import {
  asOf,
  dateOf,
  dayOfMonth,
  dayOfWeek,
  daysBetween,
  elapsed,
  hourOf,
  isWeekend,
  minuteOfDay,
  monthOf,
  yearOf,
} from "./functions/time.ts";
import type { ScalarFunction } from "./scalar-function.ts";

/** All scalar functions, family by family. */
export const scalarFunctions: readonly ScalarFunction[] = [
  eq,
  ne,
  lt,
  lte,
  gt,
  gte,
  inList,
  and,
  or,
  not,
  isNull,
  isNotNull,
  caseWhen,
  coalesce,
  nullIf,
  least,
  greatest,
  clamp,
  add,
  sub,
  mul,
  div,
  mod,
  neg,
  abs,
  sign,
  floor,
  ceil,
  round,
  sqrt,
  exp,
  log,
  log1p,
  power,
  binOf,
  hashBucket,
  lower,
  upper,
  trim,
  substring,
  concat,
  length,
  startsWith,
  endsWith,
  like,
  matches,
  splitPart,
  hourOf,
  minuteOfDay,
  dayOfWeek,
  dayOfMonth,
  monthOf,
  yearOf,
  isWeekend,
  dateOf,
  elapsed,
  daysBetween,
  asOf,
  cast,
  jsonPath,
  struct,
  member,
  elementOf,
  contains,
  valueAt,
  sumOf,
  avgOf,
  minOf,
  maxOf,
  stddevOf,
  slopeOf,
  quantileOf,
];

/**
 * The functions by name. The map is made when the first one is asked for: made at once, it would
 * keep every function in the bundles of browsers.
 */
let byName: ReadonlyMap<string, ScalarFunction> | null = null;

/** The function of that name. */
export function scalarFunction(name: string): ScalarFunction {
  byName ??= new Map(scalarFunctions.map((one) => [one.name, one]));
  const found = byName.get(name);
  if (found === undefined) throw new TypeError(`there is no function ${name}`);
  return found;
}
