/** What functions of one number, of texts and of times answer, naively. It shares only types. */
import type { CallExpression, TypeSpec, Value } from "../../../packages/core/src/specs.ts";
import { converted } from "./conversions.ts";
import { heldAs, nearestDouble, order, rationalOf, rounded, type Rational } from "./rationals.ts";
import { regExpOf } from "./patterns.ts";

type Present = Exclude<Value, null>;

const floored = ({ n, d }: Rational): Rational => {
  const quotient = n / d;
  return { n: n % d < 0n ? quotient - 1n : quotient, d: 1n };
};

/** Answers a call whose first argument is there; undefined for other functions. */
export function singleAnswer(call: CallExpression, values: readonly Present[]): Value | undefined {
  const { function: name, options = {}, arguments: of } = call;
  const [first] = values as readonly [Present];
  const conversion = converted(call, first);
  if (conversion !== undefined) return conversion;
  for (const answer of [
    ofNumber(name, first, of[0]!, call),
    ofText(name, values, options),
    ofTime(name, values, options),
  ])
    if (answer !== undefined) return answer;
  return undefined;
}

function ofNumber(
  name: string,
  value: Present,
  of: TypeSpec,
  call: CallExpression,
): Value | undefined {
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  const a = (): Rational => rationalOf(value, of);
  switch (name) {
    case "neg":
      return heldAs({ n: -a().n, d: a().d }, call);
    case "abs":
      return heldAs({ n: a().n < 0n ? -a().n : a().n, d: a().d }, call);
    case "sign":
      return heldAs({ n: BigInt(order(a(), { n: 0n, d: 1n })), d: 1n }, call);
    case "floor":
      return heldAs(floored(a()), call);
    case "ceil": {
      const { n } = floored({ n: -a().n, d: a().d });
      return heldAs({ n: -n, d: 1n }, call);
    }
    case "round":
      return heldAs(rounded(a(), Number(call.options!["digits"])), call);
    case "sqrt": {
      const double = rationalOf(nearestDouble(a()), { type: "float64", nullable: false });
      return double.n < 0n ? null : rootOf(double);
    }
    case "binOf":
      return String(call.options!["edges"])
        .split(" ")
        .filter(
          (edge) => order(rationalOf(Number(edge), { type: "float64", nullable: false }), a()) <= 0,
        ).length;
    default:
      return undefined;
  }
}

/** The double nearest to the root. A root with more digits than were kept is no tie. */
function rootOf({ n, d }: Rational): number {
  const radicand = (n << 2400n) / d;
  let root = 0n;
  for (let bit = 1n << BigInt(Math.ceil(radicand.toString(2).length / 2)); bit > 0n; bit >>= 1n)
    if ((root | bit) ** 2n <= radicand) root |= bit;
  const isExact = root ** 2n === radicand && (n << 2400n) % d === 0n;
  return nearestDouble({ n: 2n * root + (isExact ? 0n : 1n), d: 1n << 1201n });
}

function ofText(
  name: string,
  [first, second]: readonly Present[],
  options: { readonly [name: string]: string | number | boolean },
): Value | undefined {
  if (name === "length")
    return first instanceof Uint8Array ? first.length : [...(first as string)].length;
  if (typeof first !== "string") return undefined;
  const points = [...first];
  const option = (of: string): string[] => [...String(options[of])];
  const beginsWith = (all: readonly string[], wanted: readonly string[]): boolean =>
    wanted.every((point, i) => all[i] === point);
  switch (name) {
    case "trim": {
      const kept = points.map((point) => !" \t\n\v\f\r".includes(point));
      const from = kept.indexOf(true);
      return from < 0 ? "" : points.slice(from, kept.lastIndexOf(true) + 1).join("");
    }
    case "substring": {
      const start = Number(options["start"]);
      const length = options["length"];
      return points
        .slice(start, length === undefined ? undefined : start + Number(length))
        .join("");
    }
    case "concat":
      return [first, second].join("");
    case "startsWith":
      return beginsWith(points, option("prefix"));
    case "endsWith":
      return beginsWith(points.toReversed(), option("suffix").toReversed());
    case "like":
      return fits(option("pattern"), points);
    case "matches":
      return regExpOf(String(options["pattern"])).test(first);
    case "splitPart": {
      const separator = option("separator");
      const parts = [""];
      for (let i = 0; i < points.length;)
        if (beginsWith(points.slice(i), separator)) {
          parts.push("");
          i += separator.length;
        } else parts.push(parts.pop()! + points[i++]!);
      return parts[Number(options["index"])] ?? null;
    }
    default:
      return undefined;
  }
}

/** Says whether a text fits a pattern, by all ways to read it. */
function fits(pattern: readonly string[], points: readonly string[]): boolean {
  const [sign, ...rest] = pattern;
  if (sign === undefined) return points.length === 0;
  if (sign === "%") return points.some((_, i) => fits(rest, points.slice(i))) || fits(rest, []);
  if (points.length === 0) return false;
  if (sign === "_") return fits(rest, points.slice(1));
  const wanted = sign === "\\" ? rest[0]! : sign;
  return points[0] === wanted && fits(sign === "\\" ? rest.slice(1) : rest, points.slice(1));
}

const units: { readonly [unit: string]: bigint } = {
  seconds: 1_000_000n,
  minutes: 60_000_000n,
  hours: 3_600_000_000n,
  days: 86_400_000_000n,
};

function ofTime(
  name: string,
  [first, second]: readonly Present[],
  options: { readonly [name: string]: string | number | boolean },
): Value | undefined {
  if (name === "elapsed")
    return nearestDouble({
      n: BigInt(second as number) - BigInt(first as number),
      d: units[String(options["unit"])]!,
    });
  if (name === "daysBetween") {
    const days = (second as number) - (first as number);
    return Math.min(Math.max(days, -(2 ** 31)), 2 ** 31 - 1);
  }
  if (options["zone"] === undefined) return undefined;
  const shown = clockOf(first as number, String(options["zone"]));
  const midnight = new Date(0);
  midnight.setUTCFullYear(shown.year, shown.month - 1, shown.day);
  switch (name) {
    case "hourOf":
      return shown.hour;
    case "minuteOfDay":
      return shown.hour * 60 + shown.minute;
    case "dayOfWeek":
      return midnight.getUTCDay() === 0 ? 7 : midnight.getUTCDay();
    case "isWeekend":
      return midnight.getUTCDay() % 6 === 0;
    case "dayOfMonth":
      return shown.day;
    case "monthOf":
      return shown.month;
    case "yearOf":
      return shown.year;
    case "dateOf":
      return midnight.getTime() / 86_400_000;
    default:
      return undefined;
  }
}

/** What the clock of a zone shows, as Intl says for this instant. */
function clockOf(micros: number, zone: string): { readonly [part: string]: number } & Clock {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(Math.floor(micros / 1000));
  const part = (type: string): string => parts.find((one) => one.type === type)!.value;
  return {
    year: Number(part("year")),
    month: Number(part("month")),
    day: Number(part("day")),
    hour: Number(part("hour")),
    minute: Number(part("minute")),
  };
}

interface Clock {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}
