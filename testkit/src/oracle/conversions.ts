/** What casts, JSON paths, letter case and hashes answer, naively. It shares only types. */
import { createHash } from "node:crypto";
import type {
  CallExpression,
  CallOptions,
  TypeSpec,
  Value,
} from "../../../packages/core/src/specs.ts";
import { nearestDouble, order, rationalOf, rounded, type Rational } from "./rationals.ts";

type Present = Exclude<Value, null>;

/** Answers a call of a conversion; undefined for other functions. */
export function converted(call: CallExpression, value: Present): Value | undefined {
  const { function: name, options = {}, arguments: of } = call;
  switch (name) {
    case "lower":
      return [...(value as string)].map((point) => mapped(point, "lower")).join("");
    case "upper":
      return [...(value as string)].map((point) => mapped(point, "upper")).join("");
    case "hashBucket": {
      const digest = createHash("md5").update(textOf(value, of[0]!)).digest("hex");
      return Number(BigInt(`0x${digest.slice(0, 16)}`) % BigInt(Number(options["buckets"])));
    }
    case "cast":
      return castValue(value, of[0]!, call);
    case "jsonPath":
      return pathValue(value as string, call);
    default:
      return undefined;
  }
}

/** Letters of one code point whose capital in JavaScript has two. */
const greek = { lower: "ᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾳῃῳ", upper: "ᾈᾉᾊᾋᾌᾍᾎᾏᾘᾙᾚᾛᾜᾝᾞᾟᾨᾩᾪᾫᾬᾭᾮᾯᾼῌῼ" };

function mapped(point: string, to: "lower" | "upper"): string {
  const full = to === "lower" ? point.toLowerCase() : point.toUpperCase();
  if ([...full].length === 1) return full;
  if (to === "lower") return "i"; // Of İ.
  const found = [...greek.lower].indexOf(point);
  return found < 0 ? point : [...greek.upper][found]!;
}

const numbers: readonly string[] = ["int32", "int64", "float64", "decimal"];

/** The text of a value in JSON, without quotes. */
export function textOf(value: Present, { type, scale = 0 }: TypeSpec): string {
  switch (type) {
    case "decimal": {
      const digits = String(value)
        .replace("-", "")
        .padStart(scale + 1, "0");
      const point = digits.length - scale;
      const sign = (value as bigint) < 0n ? "-" : "";
      return sign + digits.slice(0, point) + (scale === 0 ? "" : `.${digits.slice(point)}`);
    }
    case "timestamp": {
      const micros = BigInt(value as number);
      const below = ((micros % 1000n) + 1000n) % 1000n;
      const shown = new Date(Number((micros - below) / 1000n)).toISOString();
      return shown.replace("Z", `${String(below).padStart(3, "0")}Z`);
    }
    case "date":
      return dateOf(value as number);
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return String(value);
  }
}

/** A date. The calendar repeats after 146097 days, which are 400 years. */
function dateOf(days: number): string {
  const rest = ((days % 146_097) + 146_097) % 146_097;
  const date = new Date(rest * 86_400_000);
  const year = date.getUTCFullYear() + ((days - rest) / 146_097) * 400;
  const digits = String(Math.abs(year));
  const years =
    year > 0 && year < 10_000
      ? digits.padStart(4, "0")
      : (year < 0 ? "-" : "+") + digits.padStart(6, "0");
  return years + date.toISOString().slice(4, 10);
}

function castValue(value: Present, from: TypeSpec, call: CallExpression): Value {
  if (call.type === "string") return textOf(value, from);
  if (from.type === "string") return fromText(value as string, call);
  if (!numbers.includes(call.type)) return value;
  if (from.type === "boolean") return held({ n: value === true ? 1n : 0n, d: 1n }, call);
  return held(rationalOf(value, from), call);
}

/** The number, rounded to the type, or null where it does not fit. */
function held(exact: Rational, { type, precision, scale = 0 }: TypeSpec): Value {
  if (type === "float64") {
    const double = nearestDouble(exact);
    return Number.isFinite(double) ? double : null;
  }
  const { n } = rounded(exact, type === "decimal" ? scale : 0);
  const limit =
    type === "decimal" ? 10n ** BigInt(precision!) : 2n ** (type === "int32" ? 31n : 63n);
  if (n >= limit || n < -limit || (type === "decimal" && n === -limit)) return null;
  return type === "int32" ? Number(n) : n;
}

/** Reads digits, a point and an exponent, exactly. */
function rationalOfText(text: string): Rational {
  const [mantissa, exponent = "0"] = text.toLowerCase().split("e");
  const [whole, fraction = ""] = mantissa!.split(".");
  const power = BigInt(exponent) - BigInt(fraction.length);
  const n = BigInt(whole!.replace("-", "") + fraction) * (text.startsWith("-") ? -1n : 1n);
  return power < 0n ? { n, d: 10n ** -power } : { n: n * 10n ** power, d: 1n };
}

function fromText(text: string, call: CallExpression): Value {
  const options = call.options!;
  switch (call.type) {
    case "string":
      return text;
    case "boolean":
      return ({ true: true, false: false } as Record<string, boolean>)[text] ?? null;
    case "int32":
    case "int64":
      return /^-?[0-9]+$/.test(text) ? held(rationalOfText(text), call) : null;
    case "decimal": {
      if (!/^-?[0-9]+(\.[0-9]+)?$/.test(text)) return null;
      const { length } = text.split(".")[1] ?? "";
      return length > (call.scale ?? 0) ? null : held(rationalOfText(text), call);
    }
    case "float64":
      return /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text)
        ? held(rationalOfText(text), call)
        : null;
    case "timestamp":
      return instantOf(text, options["zone"]);
    case "date": {
      const found = /^(\d{4}|[+-]\d{6,7})-(\d\d)-(\d\d)$/.exec(text);
      return found === null ? null : dayOf(Number(found[1]), Number(found[2]), Number(found[3]));
    }
    case "bytes":
      return bytesOf(text, options);
    case "json":
      try {
        JSON.parse(text);
        return text;
      } catch {
        return null;
      }
    default:
      throw new TypeError(`nothing is cast to a ${call.type}`);
  }
}

/** Days since 1970 of a date that the calendar has; null for another. */
function dayOf(year: number, month: number, day: number): number | null {
  const cycles = Math.floor((year - 2000) / 400);
  const near = new Date(0);
  near.setUTCFullYear(year - cycles * 400, month - 1, day);
  const exists = near.getUTCMonth() === month - 1 && near.getUTCDate() === day && month > 0;
  return exists ? near.getTime() / 86_400_000 + cycles * 146_097 : null;
}

const TIME = new RegExp(
  String.raw`^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?` +
    String.raw`(Z|[+-]\d\d(?::?\d\d)?)?$`,
);

function instantOf(text: string, zone: string | number | boolean | undefined): number | null {
  const found = TIME.exec(text);
  if (found === null) return null;
  const [year, month, day, hour, minute, second] = found
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const date = year === 0 ? null : dayOf(year!, month!, day!);
  if (date === null || hour! > 23 || minute! > 59 || second! > 59) return null;
  const local = date * 86_400 + hour! * 3600 + minute! * 60 + second!;
  const micros = Number((found[7] ?? "").padEnd(6, "0").slice(0, 6));
  const offset = found[8];
  let seconds: number;
  if (offset === undefined) {
    if (zone === undefined) return null;
    seconds = instantInZone(local, String(zone));
  } else if (offset === "Z") seconds = local;
  else {
    const [hours, minutes = "0"] = offset.slice(1).match(/\d\d/g)!;
    const shift = Number(hours) * 3600 + Number(minutes) * 60;
    seconds = offset.startsWith("-") ? local + shift : local - shift;
  }
  return seconds * 1e6 + micros;
}

/** The first instant at which the zone's clock shows it; else the time behind the gap. */
function instantInZone(local: number, zone: string): number {
  const offsetAt = (utc: number): number => {
    const shown = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    }).formatToParts(utc * 1000);
    const part = (type: string): number => Number(shown.find((one) => one.type === type)!.value);
    const clock = Date.UTC(
      part("year"),
      part("month") - 1,
      part("day"),
      part("hour"),
      part("minute"),
      part("second"),
    );
    return clock / 1000 - utc;
  };
  const before = offsetAt(local - 86_400);
  const after = offsetAt(local + 86_400);
  const showing = [local - before, local - after].filter((utc) => utc + offsetAt(utc) === local);
  return showing.length === 0 ? local - before : Math.min(...showing);
}

function bytesOf(text: string, options: CallOptions): Uint8Array | null {
  const encoding = options["encoding"] === "hex" ? "hex" : "base64";
  const bytes = Buffer.from(text, encoding);
  const again = bytes.toString(encoding);
  // Bits behind the last byte may be set.
  const same = encoding === "hex" ? again === text.toLowerCase() : again.length === text.length;
  return same && /^[A-Za-z0-9+/]*=*$/.test(text) ? new Uint8Array(bytes) : null;
}

/** A JSON number with its digits. */
class Numeral {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

type Parse = (
  text: string,
  revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

function pathValue(document: string, call: CallExpression): Value {
  const tree = (JSON.parse as Parse)(document, (_, value, { source }) =>
    typeof value === "number" ? new Numeral(source!) : value,
  );
  const path = String(call.options!["path"]);
  let found: unknown = tree;
  for (const [, name, index, quoted] of path.matchAll(
    /\.([\w-]+)|\[(\d+)\]|\[("(?:\\.|[^"])*")\]/g,
  )) {
    if (typeof found !== "object" || found === null || found instanceof Numeral) return null;
    if (Array.isArray(found) !== (index !== undefined)) return null;
    const key = quoted === undefined ? (name ?? index!) : (JSON.parse(quoted) as string);
    if (!Object.hasOwn(found, key)) return null;
    found = (found as Record<string, unknown>)[key];
  }
  return jsonValue(found, call);
}

/** The most elements of a list in a row. */
const MOST_ELEMENTS = 1000;

/** A value of a parsed document as one of the type that the options of the call name. */
function jsonValue(found: unknown, call: CallExpression): Value {
  const { type } = call;
  if (type === "list" || type === "struct") {
    const parts = (JSON.parse(String(call.options!["parts"])) as readonly CallOptions[]).map(
      (options) => ({ ...call, ...(options as object), options }) as CallExpression,
    );
    if (type === "list")
      return Array.isArray(found)
        ? found.slice(0, MOST_ELEMENTS).map((one) => jsonValue(one, parts[0]!))
        : null;
    if (typeof found !== "object" || found === null || Array.isArray(found)) return null;
    if (found instanceof Numeral) return null;
    return parts.map((part) => {
      const name = String(part.options!["json"] ?? part.options!["name"]);
      return Object.hasOwn(found, name)
        ? jsonValue((found as Record<string, unknown>)[name], part)
        : null;
    });
  }
  if (numbers.includes(type))
    return found instanceof Numeral ? numeralAs(found.digits, call) : null;
  if (type === "boolean") return typeof found === "boolean" ? found : null;
  return typeof found === "string" ? fromText(found, call) : null;
}

function numeralAs(numeral: string, call: CallExpression): Value {
  const exponent = Number(/e([+-]?\d+)$/i.exec(numeral)?.[1] ?? 0);
  // Numbers of that size are not written out. They are beyond every type, or round to 0.
  if (Math.abs(exponent) < 2000) return held(rationalOfText(numeral), call);
  const isZero = order(rationalOfText(numeral.replace(/e.*$/i, "")), { n: 0n, d: 1n }) === 0;
  return isZero || exponent < 0 ? held({ n: 0n, d: 1n }, call) : null;
}
