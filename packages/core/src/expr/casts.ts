/** Conversions between value types. What does not fit the other type is null. */
import { fromBase64 } from "../bytes/bytes-text.ts";
import type { CallOptions, ColumnSpec, TypeSpec, Value, ValueType } from "../specs.ts";
import { parseDate, parseTime } from "../time/parse-time.ts";
import { parseDecimal } from "../types/decimal-text.ts";
import type { PresentValue } from "../types/vector.ts";
import {
  convertNumber,
  exactFloat,
  finiteOrNull,
  powerOfTen,
  roundedQuotient,
  type HeldNumber,
} from "./numbers.ts";
import { scaleOf } from "./number-types.ts";
import { textWriter } from "./value-text.ts";

/** Converts a value that is there. */
type Converter = (value: PresentValue) => Value;

/** The type that the options of a call name. Its values may be null, and so may their parts. */
export function typeOfOptions(options: CallOptions): TypeSpec {
  const { type, precision, scale, mode } = options;
  const parts = partsOfOptions(options);
  return {
    type: type as ValueType,
    nullable: true,
    ...(type === "list" ? { element: typeOfOptions(parts[0]!) } : {}),
    ...(type === "struct"
      ? { fields: parts.map((part) => ({ ...typeOfOptions(part), name: String(part["name"]) })) }
      : {}),
    ...(precision === undefined ? {} : { precision: Number(precision), scale: Number(scale) }),
    ...(mode === undefined ? {} : { mode: mode as NonNullable<TypeSpec["mode"]> }),
  };
}

/** The types of the parts, as options: that of elements, or of fields with their names. */
export function partsOfOptions({ parts = "[]" }: CallOptions): readonly CallOptions[] {
  return JSON.parse(String(parts)) as readonly CallOptions[];
}

/** The zones of times without one in a type that options name. */
export function zonesOfOptions(options: CallOptions): readonly string[] {
  const { zone } = options;
  const own = zone === undefined ? [] : [String(zone)];
  return [...own, ...partsOfOptions(options).flatMap(zonesOfOptions)];
}

/** The options of a call that name a type. A field has its name in JSON beside its own. */
export function typeOptions(of: TypeSpec): CallOptions {
  const { type, precision, scale, zone, mode, encoding, element, fields } = of;
  const parts =
    element === undefined
      ? (fields as readonly ColumnSpec[] | undefined)?.map(({ name, database, ...field }) => ({
          name,
          ...(database === "" ? {} : { json: database }),
          ...typeOptions(field),
        }))
      : [typeOptions(element)];
  return {
    type,
    ...(parts === undefined ? {} : { parts: JSON.stringify(parts) }),
    ...(precision === undefined ? {} : { precision, scale: scale ?? 0 }),
    ...(zone === undefined ? {} : { zone }),
    ...(mode === undefined ? {} : { mode }),
    ...(type === "bytes" && encoding !== undefined ? { encoding } : {}),
  };
}

/** The types to which values of a type are cast. */
export function castTargets(from: ValueType): readonly ValueType[] {
  switch (from) {
    case "string":
      return [...numbers, "string", "boolean", "timestamp", "date", "bytes", "json"];
    case "int32":
    case "int64":
    case "float64":
    case "decimal":
      return [...numbers, "string"];
    case "boolean":
      return [...numbers, "string", "boolean"];
    case "json":
    case "list":
    case "map":
    case "struct":
      return [];
    default:
      return ["string", from];
  }
}
const numbers: readonly ValueType[] = ["int32", "int64", "float64", "decimal"];

/** Makes the conversion of a cast. */
export function converter(from: TypeSpec, options: CallOptions): Converter {
  const to = typeOfOptions(options);
  if (from.type === to.type && from.type !== "decimal") return (value) => value;
  if (to.type === "string") return textWriter(from);
  if (from.type === "string") return textReader(options);
  if (from.type === "boolean") {
    const [no, yes] = [0, 1].map((digit) => numberOf(to)(BigInt(digit), 0));
    return (value) => (value === true ? yes! : no!);
  }
  return numberConverter(from, to);
}

/** Rounds halves away from zero. */
function numberConverter(from: TypeSpec, to: TypeSpec): Converter {
  if (to.type === "float64") {
    const convert = convertNumber(from, to);
    return (value) => convert(value as HeldNumber);
  }
  const fit = fitting(to);
  if (from.type !== "float64") {
    const exact = numberOf(to);
    const scale = scaleOf(from)!;
    return (value) => exact(BigInt(value as HeldNumber), scale);
  }
  const unit = powerOfTen(scaleOf(to)!);
  return (value) => {
    const { numerator, shift } = exactFloat(value as number);
    return fit(roundedQuotient(numerator * unit, 1n << BigInt(shift)));
  };
}

/** Makes a number of the type out of `digits` ÷ 10^scale. The scale may be negative. */
export function numberOf(to: TypeSpec): (digits: bigint, scale: number) => Value {
  if (to.type === "float64") return (digits, scale) => finiteOrNull(Number(`${digits}e${-scale}`));
  const fit = fitting(to);
  const places = scaleOf(to)!;
  return (digits, scale) => {
    const by = places - scale;
    return fit(by >= 0 ? digits * powerOfTen(by) : roundedQuotient(digits, powerOfTen(-by)));
  };
}

/** Holds digits at the type's scale, or null beyond its bounds. */
function fitting({ type, precision }: TypeSpec): (digits: bigint) => Value {
  if (type === "int32")
    return (digits) => (digits === BigInt.asIntN(32, digits) ? Number(digits) : null);
  if (type === "int64") return (digits) => (digits === BigInt.asIntN(64, digits) ? digits : null);
  const limit = powerOfTen(precision!);
  return (digits) => (digits < limit && digits > -limit ? digits : null);
}

const INTEGER = /^-?\d+$/;
const NUMERAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reads text as a value of the type, in the forms of laws 9 and 10. */
export function textReader(options: CallOptions): (text: PresentValue) => Value {
  const to = typeOfOptions(options);
  switch (to.type) {
    case "string":
      return (text) => text;
    case "boolean":
      return (text) => (text === "true" ? true : text === "false" ? false : null);
    case "int32":
    case "int64": {
      const fit = fitting(to);
      return (text) => (INTEGER.test(text as string) ? fit(BigInt(text as string)) : null);
    }
    case "decimal":
      return (text) =>
        (text as string).startsWith("+")
          ? null
          : parseDecimal(text as string, to.precision!, to.scale!);
    case "float64":
      return (text) => (NUMERAL.test(text as string) ? finiteOrNull(Number(text)) : null);
    case "timestamp": {
      const zone = options["zone"];
      return (text) => parseTime(text as string, zone === undefined ? null : String(zone));
    }
    case "date":
      return (text) => {
        const days = parseDate(text as string);
        return days === null || days === (days | 0) ? days : null;
      };
    case "bytes":
      return (text) => bytesOf(text as string, options["encoding"]);
    case "json":
      return (text) => (isJson(text as string) ? text : null);
    default:
      throw new TypeError(`nothing is cast to a ${to.type}`);
  }
}

const HEX = /^(?:[0-9a-f]{2})*$/i;
const BASE64URL = /^[A-Za-z0-9_-]*={0,2}$/;

function bytesOf(text: string, encoding: unknown): Uint8Array | null {
  if (encoding === "hex")
    return HEX.test(text)
      ? Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
      : null;
  if (encoding !== "base64url") return fromBase64(text);
  if (!BASE64URL.test(text)) return null;
  // The padding may be left out.
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  const padding = text.endsWith("=") ? 0 : (4 - (text.length % 4)) % 4;
  return padding === 3 ? null : fromBase64(standard + "=".repeat(padding));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
