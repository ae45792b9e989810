/**
 * Entity rows in passes: a pass asks for a share of the entities, so that the events it gathers fit
 * in memory however long the history is. History is scanned once per pass.
 */
import { keyText } from "../columns/key-bytes.ts";
import type { ViewSpec } from "../specs.ts";
import type { Answers, EntityRows, Status, Value } from "../spi.ts";

/** About how many events a pass may gather. */
export const EVENTS_PER_PASS = 4_000_000;

export interface EntityPass {
  readonly rows: EntityRows;
  /** The number of a key's entity in this pass, −1 where the pass does not ask for it. */
  readonly entityOf: (text: string) => number;
  /** The places of the pass's rows among all. */
  readonly places: Int32Array;
  readonly earliest: number;
  readonly latest: number;
}

/** The rows as `count` passes; the rows of one entity are all in one of them. */
export function entityPasses(
  view: ViewSpec,
  keys: readonly Readonly<Record<string, Value>>[],
  times: Float64Array,
  count: number,
): readonly EntityPass[] {
  const codes = new Map<string, number>();
  const entity = Int32Array.from(keys, (key) => {
    const text = keyText(
      view.entity.keys,
      view.entity.keys.map((column) => key[column.name]!),
    );
    let code = codes.get(text);
    if (code === undefined) codes.set(text, (code = codes.size));
    return code;
  });
  return Array.from({ length: count }, (_, pass) => {
    const places = Int32Array.from(entity.keys()).filter((row) => entity[row]! % count === pass);
    const asked = Float64Array.from(places, (row) => times[row]!);
    return {
      rows: {
        length: places.length,
        keys: Math.ceil((codes.size - pass) / count),
        entity: places.map((row) => Math.floor(entity[row]! / count)),
        time: asked,
      },
      entityOf: (text) => {
        const code = codes.get(text);
        return code === undefined || code % count !== pass ? -1 : Math.floor(code / count);
      },
      places,
      earliest: asked.reduce((least, time) => Math.min(least, time), Infinity),
      latest: asked.reduce((most, time) => Math.max(most, time), -Infinity),
    };
  });
}

/** The answers of every pass, each row in its place among all (law 8). */
export function joinPasses(
  passes: readonly { readonly places: Int32Array; readonly answers: readonly Answers[] }[],
  length: number,
): readonly Answers[] {
  if (passes.length === 1) return passes[0]!.answers;
  return passes[0]!.answers.map((_, f) => {
    const all = {
      values: new Array<Value>(length),
      statuses: new Array<Status>(length),
      times: new Float64Array(length),
    };
    for (const { places, answers } of passes) {
      places.forEach((row, i) => {
        all.values[row] = answers[f]!.values[i]!;
        all.statuses[row] = answers[f]!.statuses[i]!;
        all.times[row] = answers[f]!.times[i]!;
      });
    }
    return all;
  });
}
