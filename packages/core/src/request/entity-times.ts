/**
 * Reads the event times of entity rows that come as columns (law 10: a bare number has no unit, and
 * a time without a zone needs a declared zone).
 */
import { valueAt, type Batch, type Vector } from "../columns/batch.ts";
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec, Value } from "../specs.ts";
import { formatTime, parseTime } from "../time/parse-time.ts";
import { bareNumberText } from "../time/time-problem.ts";
import { microsOfNumber, TIME_UNITS } from "../time/time-unit.ts";
import { zoneOf } from "../time/zone.ts";
import { typeOf } from "../types/value-types.ts";
import type { EntityColumns } from "./request-types.ts";

/** Reads the event times of entity columns, and shows the columns with times in UTC. */
export interface EventTimeReader {
  readonly columns: readonly ColumnSpec[];
  /** The times of the rows, as safe integers of µs. `before` is the number of rows before them. */
  read(batch: Batch, before: number): Float64Array;
  /** The batch with the times that were read, where the column held something else. */
  batch(batch: Batch, times: Float64Array): Batch;
}

const UNIT_NAMES = TIME_UNITS.map((unit) => JSON.stringify(unit)).join(", ");

/**
 * Makes the reader of the event times in column `index`.
 *
 * @throws TIME_INVALID when the column's type is no time, or its times lack a unit or a zone.
 */
export async function eventTimeReader(
  entities: EntityColumns,
  index: number,
  signal?: AbortSignal,
): Promise<EventTimeReader> {
  const { columns, timeUnit, zone } = entities;
  const column = columns[index]!;
  if (timeUnit !== undefined && !TIME_UNITS.includes(timeUnit))
    throw invalid(
      `entity columns: timeUnit is ${JSON.stringify(timeUnit)}; give one of ${UNIT_NAMES}`,
    );
  if (column.type === "timestamp") {
    if (column.zoneless !== true || column.zone !== undefined)
      return readerOf(columns, index, null, plainTime);
    if (zone === undefined)
      throw invalid(
        `entity columns: ${column.name} has times without a zone (as pandas writes them); name ` +
          'their zone, as in readParquet(file, { zone: "UTC" })',
      );
    return readerOf(columns, index, zone, (value) => timeInZone(value as number | bigint, zone));
  }
  if (column.type === "string")
    return readerOf(columns, index, zone ?? "UTC", (value) =>
      parseTime(value as string, zone ?? null),
    );
  if (!isWholeNumbers(column))
    throw invalid(
      `entity columns: ${column.name} is ${column.type}, which names no instant; ` +
        "give a timestamp",
    );
  if (timeUnit === undefined)
    throw invalid(
      `entity columns: ${column.name} is ${column.type}, and its ` +
        (await bareNumberIn(entities, index, signal)) +
        `; name its unit with timeUnit (${UNIT_NAMES}), or write timestamps`,
    );
  return readerOf(columns, index, "UTC", (value) =>
    typeof value === "number" && !Number.isSafeInteger(value)
      ? null
      : microsOfNumber(BigInt(value as number | bigint), timeUnit),
  );
}

function readerOf(
  columns: readonly ColumnSpec[],
  index: number,
  readIn: string | null,
  read: (value: Value) => number | null,
): EventTimeReader {
  const column = columns[index]!;
  const shown: readonly ColumnSpec[] =
    readIn === null ? columns : columns.with(index, { ...timeColumnOf(column), zone: "UTC" });
  return {
    columns: shown,
    read(batch, before) {
      const vector = batch.vectors[index]!;
      if (read === plainTime && isPlain(vector)) return vector.values.slice(0, batch.length);
      const times = new Float64Array(batch.length);
      for (let i = 0; i < times.length; i++) {
        const value = valueAt(vector, i);
        const time = value === null ? null : read(value);
        if (time === null || !Number.isSafeInteger(time))
          throw invalid(
            `entity row ${before + i}: ${column.name} is ${noTime(value, column, time)}`,
          );
        times[i] = time;
      }
      return times;
    },
    batch(batch, values) {
      if (readIn === null) return batch;
      const vector: Vector = { kind: "float64", values, valid: null };
      return { ...batch, columns: shown, vectors: batch.vectors.with(index, vector) };
    },
  };
}

function timeColumnOf({ name, database, nullable }: ColumnSpec): ColumnSpec {
  return { name, database, type: "timestamp", nullable };
}

/** Whether all values are there, and are safe integers. */
function isPlain(vector: Vector): vector is Vector & { readonly kind: "float64" } {
  return (
    vector.kind === "float64" && vector.valid === null && vector.values.every(Number.isSafeInteger)
  );
}

function plainTime(value: Value): number {
  return Number(value);
}

function timeInZone(micros: number | bigint, zone: string): number {
  const time = Number(micros);
  if (!Number.isSafeInteger(time)) return time;
  const seconds = Math.floor(time / 1e6);
  return zone === "UTC" ? time : zoneOf(zone).toUtc(seconds) * 1e6 + (time - seconds * 1e6);
}

function isWholeNumbers({ type, scale = 0 }: ColumnSpec): boolean {
  return typeOf({ type }).isNumber && (type !== "decimal" || scale === 0);
}

function noTime(value: Value, column: ColumnSpec, time: number | null): string {
  if (value === null) return "null; give every row a time";
  if (time !== null || typeof value === "bigint")
    return `${shown(value, column)}, beyond ±2^53 microseconds; give a time from 1684 to 2255`;
  if (typeof value === "number") return `${value}; give a whole number`;
  return parseTime(value as string, "UTC") === null
    ? `${JSON.stringify(value)} and no time; write it as "2026-01-31T09:30:00.125Z"`
    : `${JSON.stringify(value)}, a time without a zone; write Z or +07:00 behind it, or name its ` +
        'zone, as in readParquet(file, { zone: "UTC" })';
}

function shown(value: Value, { type }: ColumnSpec): string {
  return type === "timestamp" ? formatTime(BigInt(value as number | bigint)) : String(value);
}

/** Says what the column's first number would be in each unit. */
async function bareNumberIn(
  entities: EntityColumns,
  index: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  for await (const { length, vectors } of entities.batches({ signal })) {
    for (let i = 0; i < length; i++) {
      const value = valueAt(vectors[index]!, i);
      if (value !== null) return `first value ${value} is ${bareNumberText(String(value))}`;
    }
  }
  return `values are ${bareNumberText("NaN")}`;
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("TIME_INVALID", message);
}
