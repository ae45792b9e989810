/** Converts Parquet's times: timestamps to µs, and times of day to text. */
import type { DecodedArray, SchemaElement } from "hyparquet";

type TimestampUnit = "MILLIS" | "MICROS" | "NANOS";

/** The unit of a column of timestamps of 64 bits. */
function timestampUnit({
  logical_type: logical,
  converted_type: converted,
}: SchemaElement): TimestampUnit {
  if (logical?.type === "TIMESTAMP") return logical.unit;
  return converted === "TIMESTAMP_MILLIS" ? "MILLIS" : "MICROS";
}

/**
 * Converts times to whole µs as doubles; digits beyond µs are floored (law 10: times are integers
 * of µs), and `onFloored` is called for them. NaN marks a time that is no safe integer.
 */
export function timeConverter(
  element: SchemaElement,
  onFloored: () => void,
): (values: DecodedArray) => Float64Array {
  if (element.type === "INT96") return (values) => julianTimes(values, onFloored);
  const unit = timestampUnit(element);
  return (values) => {
    const out = new Float64Array(values.length);
    const wide = values instanceof BigInt64Array ? values : BigInt64Array.from(values as bigint[]);
    if (unit === "NANOS") {
      for (let i = 0; i < out.length; i++) {
        const nanos = wide[i]!;
        if (nanos % 1000n !== 0n) onFloored();
        out[i] = Number(floored(nanos, 1000n));
      }
      return out;
    }
    const scale = unit === "MILLIS" ? 1000 : 1;
    const halves = new Int32Array(wide.buffer, wide.byteOffset, wide.length * 2);
    // the high halves of safe integers, but for the least ones
    const most = scale === 1 ? 0x20_0000 : 0;
    for (let i = 0; i < out.length; i++) {
      const high = halves[2 * i + 1]!;
      const value = (high * 0x1_0000_0000 + (halves[2 * i]! >>> 0)) * scale;
      out[i] = (high > -most && high < most) || Number.isSafeInteger(value) ? value : NaN;
    }
    return out;
  };
}

/** Converts times to whole µs without a limit, which takes a bigint for each. */
export function farTimeConverter(element: SchemaElement): (values: DecodedArray) => bigint[] {
  if (element.type === "INT96")
    return (values) => Array.from(values as ArrayLike<bigint>, julianMicros);
  const unit = timestampUnit(element);
  return (values) =>
    Array.from(values as ArrayLike<bigint>, (value) =>
      unit === "NANOS" ? floored(value, 1000n) : unit === "MILLIS" ? value * 1000n : value,
    );
}

/**
 * Converts INT96, which older Spark writes: nanoseconds of the day in the low bytes, the Julian day
 * in the high bytes.
 */
function julianTimes(values: DecodedArray, onFloored: () => void): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    if (((values[i] as bigint) & 0xffff_ffff_ffff_ffffn) % 1000n !== 0n) onFloored();
    const micros = Number(julianMicros(values[i] as bigint));
    out[i] = Number.isSafeInteger(micros) ? micros : NaN;
  }
  return out;
}

function julianMicros(value: bigint): bigint {
  const [day, nanos] = [value >> 64n, value & 0xffff_ffff_ffff_ffffn];
  return (day - 2_440_588n) * 86_400_000_000n + nanos / 1000n;
}

function floored(value: bigint, step: bigint): bigint {
  return (value - (((value % step) + step) % step)) / step;
}

/** True for a time of day. */
export function isTimeOfDay({
  logical_type: logical,
  converted_type: converted,
}: SchemaElement): boolean {
  return logical?.type === "TIME" || converted === "TIME_MILLIS" || converted === "TIME_MICROS";
}

const DIGITS: Readonly<Record<TimestampUnit, number>> = { MILLIS: 3, MICROS: 6, NANOS: 9 };

/** Converts times of day to text such as `09:30:00.125000`, with every digit of the unit. */
export function timeOfDayTexts(element: SchemaElement): (values: DecodedArray) => string[] {
  const { logical_type: logical, converted_type: converted } = element;
  const unit =
    logical?.type === "TIME" ? logical.unit : converted === "TIME_MILLIS" ? "MILLIS" : "MICROS";
  const digits = DIGITS[unit];
  const second = 10n ** BigInt(digits);
  return (values) =>
    Array.from(values as ArrayLike<number | bigint>, (value) => {
      const time = BigInt(value);
      if (time < 0n) throw new Error("a time of day is negative");
      const seconds = time / second;
      const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n].map((part) =>
        String(part).padStart(2, "0"),
      );
      return `${clock.join(":")}.${String(time % second).padStart(digits, "0")}`;
    });
}
