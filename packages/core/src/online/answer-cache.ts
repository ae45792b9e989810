/**
 * Answers that were computed lately. They are only kept here: whether one still holds is told by
 * its head's version and its times.
 */
import { TidemarkError } from "../errors.ts";
import type { Status } from "../spi.ts";
import type { Value } from "../specs.ts";
import type { AnswerSheet } from "../window/timed-rows.ts";

/** What one view answers for one entity, feature by feature. */
export interface KeptAnswer {
  readonly headKey: Uint8Array;
  /** Of the head that it was computed from. */
  readonly version: number;
  /** It holds at from ≤ t ≤ until, µs. */
  readonly from: number;
  readonly until: number;
  readonly values: readonly Value[];
  readonly statuses: readonly Status[];
  readonly times: readonly number[];
  /**
   * The store's stamp when its head was last seen to have this version; null: it was never asked
   * for.
   */
  seen: number | null;
}

/** Of one plan over one state of its source, by the text of the entity's key. */
export interface KeptAnswers {
  get(key: string): KeptAnswer | undefined;
  keep(key: string, answer: KeptAnswer): void;
  clear(): void;
}

export interface AnswerMemory {
  forPlan(): KeptAnswers;
}

interface Generations extends KeptAnswers {
  /** The young become the old, and the old are forgotten; false: there are none left. */
  turn(): boolean;
}

const USUAL = 32 * 1024 * 1024;

/** Throws `STORE_OPTIONS_INVALID`. */
export function bytesKept(given: number = USUAL): number {
  if (Number.isSafeInteger(given) && given >= 0) return given;
  throw new TidemarkError(
    "STORE_OPTIONS_INVALID",
    `openStore: keepAnswers must be a whole number of bytes, 0 for none, and is ${String(given)}`,
  );
}

/**
 * Keeps answers in up to about `bytes`, those asked last: what was asked since the last turn is
 * young, what was not asked since the one before is forgotten.
 */
export function answerMemory(bytes: number): AnswerMemory {
  const filled = new Set<Generations>();
  let held = 0;

  function hold(weight: number): void {
    held += weight;
    if (held <= bytes / 2) return;
    held = weight;
    for (const one of filled) if (!one.turn()) filled.delete(one);
  }

  return {
    forPlan() {
      let [young, old] = [new Map<string, KeptAnswer>(), new Map<string, KeptAnswer>()];
      const plan: Generations = {
        get(key) {
          const found = young.get(key);
          if (found !== undefined || old.size === 0) return found;
          const before = old.get(key);
          if (before !== undefined) this.keep(key, before);
          return before;
        },
        keep(key, answer) {
          const weight = weightOf(key, answer);
          if (weight > bytes / 16) return;
          hold(weight);
          young.set(key, answer);
          filled.add(plan);
        },
        clear() {
          young.clear();
          old.clear();
          filled.delete(plan);
        },
        turn() {
          [old, young] = [young, new Map()];
          return old.size > 0;
        },
      };
      return plan;
    },
  };
}

/** Row `row` of the sheets, to be kept; null where a value is one that its reader might change. */
export function keptFrom(
  sheets: readonly AnswerSheet[],
  row: number,
  of: Pick<KeptAnswer, "headKey" | "version" | "from" | "until" | "seen">,
): KeptAnswer | null {
  const values = sheets.map((sheet) => sheet.values[row]!);
  if (values.some((value) => value instanceof Uint8Array)) return null;
  return {
    ...of,
    values,
    statuses: sheets.map((sheet) => sheet.statuses[row]!),
    times: sheets.map((sheet) => sheet.times[row]!),
  };
}

export function writeKept(
  { values, statuses, times }: KeptAnswer,
  sheets: readonly AnswerSheet[],
  row: number,
): void {
  for (let f = 0; f < sheets.length; f++) {
    const sheet = sheets[f]!;
    sheet.values[row] = values[f]!;
    sheet.statuses[row] = statuses[f]!;
    sheet.times[row] = times[f]!;
  }
}

/** About what V8 takes for it, bytes. */
function weightOf(key: string, { headKey, values }: KeptAnswer): number {
  let weight = 500 + key.length * 2 + headKey.length + values.length * 56;
  for (const value of values) if (typeof value === "string") weight += value.length * 2;
  return weight;
}
