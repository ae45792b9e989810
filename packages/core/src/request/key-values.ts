/** Converts key values of entity columns to the types that their entity says, if they are exact. */
import type { ColumnSpec, Value } from "../specs.ts";
import { typeOf } from "../types/value-types.ts";

/** Converts a key; null if no key of the entity's type has exactly this value. */
export type KeyConverter = (value: Exclude<Value, null>) => Exclude<Value, null> | null;

/**
 * Returns the converter of keys held as `held` for an entity that says `wanted`; "as it is" if
 * there is nothing to convert; null if the two types have no values in common. Pandas turns whole
 * numbers into doubles where a row lacks one.
 */
export function keyConverter(
  held: ColumnSpec,
  wanted: ColumnSpec,
): KeyConverter | "as it is" | null {
  if (wanted.type === "float64" && held.type === "float64")
    return (value) => (Number.isFinite(value) ? (value as number) + 0 : null);
  if (held.type === wanted.type && (held.type === "int64" || held.type === "int32"))
    return "as it is";
  if (typeOf(wanted).isNumber && typeOf(held).isNumber) return numberConverter(held, wanted);
  if (held.type !== wanted.type) return null;
  if (wanted.type !== "timestamp") return "as it is";
  if (held.zoneless === true && held.zone === undefined) return null;
  return (value) => (Number.isSafeInteger(value) ? value : null);
}

function numberConverter(held: ColumnSpec, wanted: ColumnSpec): KeyConverter {
  const scale = held.type === "decimal" ? (held.scale ?? 0) : 0;
  return (value) => {
    if (typeof value === "number" && !Number.isSafeInteger(value)) return null;
    return numberAs(BigInt(value as number | bigint), scale, wanted);
  };
}

/** The number `unscaled` ÷ 10^scale as a value of the column; null if it is none. */
function numberAs(
  unscaled: bigint,
  scale: number,
  { type, scale: wantedScale = 0, precision = 38 }: ColumnSpec,
): number | bigint | null {
  const places = (type === "decimal" ? wantedScale : 0) - scale;
  const step = 10n ** BigInt(Math.abs(places));
  if (places < 0 && unscaled % step !== 0n) return null;
  const number = places < 0 ? unscaled / step : unscaled * step;
  if (type === "int64") return BigInt.asIntN(64, number) === number ? number : null;
  if (type === "decimal")
    return String(number).replace("-", "").length <= precision ? number : null;
  const isExact =
    type === "int32" ? BigInt.asIntN(32, number) === number : Number.isSafeInteger(Number(number));
  return isExact ? Number(number) : null;
}
