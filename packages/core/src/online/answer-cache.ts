/**
 * Caches recently computed answers. The cache does not decide whether an answer still holds: its
 * log tail's version and its times do.
 */
import { TidemarkError } from "../errors.ts";
import type { Status } from "../spi.ts";
import type { Value } from "../specs.ts";
import type { ResultWriter } from "../window/timed-rows.ts";

/** The answer of one view for one entity, feature by feature. */
export interface CachedAnswer {
  readonly tailKey: Uint8Array;
  /** The version of the log tail that the answer was computed from. */
  readonly version: number;
  /** The answer holds at from ≤ t ≤ until, µs. */
  readonly from: number;
  readonly until: number;
  readonly values: readonly Value[];
  readonly statuses: readonly Status[];
  readonly times: readonly number[];
  /**
   * The store's change counter when the log tail was last seen with this version; null: the counter
   * was not read.
   */
  seen: number | null;
}

/** The cached answers of one plan over one state of its source, by the text of the entity key. */
export interface CachedAnswers {
  get(key: string): CachedAnswer | undefined;
  set(key: string, answer: CachedAnswer): void;
  clear(): void;
}

export interface AnswerCache {
  forPlan(): CachedAnswers;
}

interface GenerationalCache extends CachedAnswers {
  /**
   * Makes the current generation the previous one and drops the old previous one. False: no answers
   * are left.
   */
  rotate(): boolean;
}

const DEFAULT_BYTES = 32 * 1024 * 1024;

/**
 * Checks the size of the answer cache.
 *
 * @throws STORE_OPTIONS_INVALID when the size is not a whole number of bytes from 0 on.
 */
export function checkedCacheBytes(given: number = DEFAULT_BYTES): number {
  if (Number.isSafeInteger(given) && given >= 0) return given;
  throw new TidemarkError(
    "STORE_OPTIONS_INVALID",
    "openStore: online.answerCache.maxBytes must be a whole number of bytes, 0 for none, " +
      `and is ${String(given)}`,
  );
}

/**
 * Creates a cache of about `bytes` that keeps the most recently requested answers. An answer
 * requested since the last rotation is in the current generation. An answer not requested since the
 * rotation before is dropped.
 */
export function createAnswerCache(bytes: number): AnswerCache {
  const nonEmpty = new Set<GenerationalCache>();
  let usedBytes = 0;

  function reserve(size: number): void {
    usedBytes += size;
    if (usedBytes <= bytes / 2) return;
    usedBytes = size;
    for (const one of nonEmpty) if (!one.rotate()) nonEmpty.delete(one);
  }

  return {
    forPlan() {
      let [current, previous] = [new Map<string, CachedAnswer>(), new Map<string, CachedAnswer>()];
      const plan: GenerationalCache = {
        get(key) {
          const found = current.get(key);
          if (found !== undefined || previous.size === 0) return found;
          const before = previous.get(key);
          if (before !== undefined) this.set(key, before);
          return before;
        },
        set(key, answer) {
          const size = answerBytes(key, answer);
          if (size > bytes / 16) return;
          reserve(size);
          current.set(key, answer);
          nonEmpty.add(plan);
        },
        clear() {
          current.clear();
          previous.clear();
          nonEmpty.delete(plan);
        },
        rotate() {
          [previous, current] = [current, new Map()];
          return previous.size > 0;
        },
      };
      return plan;
    },
  };
}

/** Copies row `row` of the result columns for the cache; null if a value is mutable bytes. */
export function cachedFrom(
  results: readonly ResultWriter[],
  row: number,
  validity: Pick<CachedAnswer, "tailKey" | "version" | "from" | "until" | "seen">,
): CachedAnswer | null {
  const values = results.map((result) => result.values[row]!);
  if (values.some(holdsBytes)) return null;
  return {
    ...validity,
    values,
    statuses: results.map((result) => result.statuses[row]!),
    times: results.map((result) => result.times[row]!),
  };
}

function holdsBytes(value: Value): boolean {
  if (Array.isArray(value)) return (value as readonly Value[]).some(holdsBytes);
  return value instanceof Uint8Array;
}

export function writeCached(
  { values, statuses, times }: CachedAnswer,
  results: readonly ResultWriter[],
  row: number,
): void {
  for (let f = 0; f < results.length; f++) {
    const result = results[f]!;
    result.values[row] = values[f]!;
    result.statuses[row] = statuses[f]!;
    result.times[row] = times[f]!;
  }
}

/** The estimated memory of an answer in V8, bytes. */
function answerBytes(key: string, { tailKey, values }: CachedAnswer): number {
  let size = 500 + key.length * 2 + tailKey.length + values.length * 56;
  for (const value of values) size += valueBytes(value);
  return size;
}

/** The estimated memory of what a value holds beside itself. */
function valueBytes(value: Value): number {
  if (typeof value === "string") return value.length * 2;
  if (!Array.isArray(value)) return 0;
  let size = 16;
  for (const part of value as readonly Value[]) size += 56 + valueBytes(part);
  return size;
}
