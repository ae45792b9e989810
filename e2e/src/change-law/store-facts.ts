/** What is known of a store's data: the definitions under which it was made complete. */
import type { DefinitionSet } from "@tidemark/testkit";

/** What is known of a store's data. */
export interface StoreFacts {
  /**
   * The definitions that complete data was made under, by source. There are several where a killed
   * process may have replaced them or not.
   */
  readonly madeUnder: Map<string, readonly DefinitionSet[]>;
  /** The definitions of the processes that may have begun to fill the store, by source. */
  readonly begunUnder: Map<string, readonly DefinitionSet[]>;
  /** The sources that a killed backfill began to fill. They need another backfill. */
  readonly halfFilled: Set<string>;
  /** The sources that were level once with the log or the history. */
  readonly level: Set<string>;
  /** The offsets that the history had at the last run, by source and partition. */
  readonly history: Map<string, ReadonlyMap<string, number>>;
}

/** The facts of a store without data. */
export const noFacts = (): StoreFacts => ({
  madeUnder: new Map(),
  begunUnder: new Map(),
  halfFilled: new Set(),
  level: new Set(),
  history: new Map(),
});

export const copyOfFacts = ({
  madeUnder,
  begunUnder,
  halfFilled,
  level,
  history,
}: StoreFacts): StoreFacts => ({
  madeUnder: new Map(madeUnder),
  begunUnder: new Map(begunUnder),
  halfFilled: new Set(halfFilled),
  level: new Set(level),
  history: new Map(history),
});

/** Notes that a run came to the end of the topic, with changes of the source or without. */
export function noteLevel(
  { madeUnder, begunUnder, halfFilled, level }: StoreFacts,
  source: string,
  definitions: DefinitionSet,
  hasChanges: boolean,
): void {
  level.add(source);
  const begun = begunUnder.get(source) ?? [definitions];
  if (!hasChanges) begunUnder.set(source, begun);
  else if (!halfFilled.has(source) && !madeUnder.has(source))
    madeUnder.set(source, [...new Set([...begun, definitions])]);
}

/** Notes that a backfill has ended, with a history of the source or without. */
export function noteFilled(
  { madeUnder, begunUnder, halfFilled, level }: StoreFacts,
  source: string,
  definitions: DefinitionSet,
  hasHistory: boolean,
): void {
  if (hasHistory) {
    level.add(source);
    madeUnder.set(source, [definitions]);
    halfFilled.delete(source);
  } else if (madeUnder.has(source)) madeUnder.set(source, [...madeUnder.get(source)!, definitions]);
  else begunUnder.set(source, [...(begunUnder.get(source) ?? []), definitions]);
}

/** Notes that a process was killed, so that the data may be its own or not. */
export function noteKilled(
  { madeUnder, begunUnder, halfFilled }: StoreFacts,
  source: string,
  definitions: DefinitionSet,
  during: "run" | "backfill",
): void {
  const made = madeUnder.get(source);
  if (made === undefined) {
    begunUnder.set(source, [...(begunUnder.get(source) ?? []), definitions]);
    if (during === "backfill") halfFilled.add(source);
  } else if (during === "backfill") madeUnder.set(source, [...made, definitions]);
}
