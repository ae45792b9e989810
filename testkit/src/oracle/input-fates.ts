/**
 * Says what must be taken of each message of a log, and what must be told: messages given = taken +
 * told (law 11).
 */
import type { SourceSpec, Value } from "../../../packages/core/src/specs.ts";
import type { Change } from "../../../packages/core/src/spi.ts";

/** What must become of one message. */
export type InputFate =
  /** The message is taken, and this is its change. */
  | { readonly kind: "taken"; readonly change: Change }
  /**
   * The message cannot be read. `change` takes its row out of all windows; null: no key can be
   * read, so no row changes. `reason` is the code; null: any code.
   */
  | {
      readonly kind: "undecodable";
      readonly source: string;
      readonly change: Change | null;
      readonly reason: string | null;
    }
  /** The message is of no row of the sources. */
  | { readonly kind: "skipped"; readonly reason: string };

/** What a run must say of a log. */
export interface ExpectedReport {
  readonly messages: number;
  readonly skipped: number;
  readonly undecodable: number;
  /** Values that are missing in their rows, by `source.column`. */
  readonly invalid: ReadonlyMap<string, number>;
  /** Messages by their reason, where the reason is known. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Sources with messages of which none can be read. */
  readonly unreadableSources: readonly string[];
}

/** The fate of a message that was not mutated. */
export function fateOf(change: Change): InputFate {
  return change.undecodable === null
    ? { kind: "taken", change }
    : { kind: "undecodable", source: change.source, change, reason: null };
}

/** The changes that the answers must hold. */
export function appliedChanges(fates: readonly InputFate[]): Change[] {
  return fates.flatMap((fate) =>
    fate.kind === "skipped" || fate.change === null ? [] : [fate.change],
  );
}

/** Counts what a run must say. */
export function expectedReport(fates: readonly InputFate[]): ExpectedReport {
  const invalid = new Map<string, number>();
  const reasons = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string, by = 1): void => {
    if (by > 0) counts.set(name, (counts.get(name) ?? 0) + by);
  };
  const read = new Map<string, { readable: number; undecodable: number }>();
  const countsOf = (source: string) => {
    const counts = read.get(source) ?? { readable: 0, undecodable: 0 };
    read.set(source, counts);
    return counts;
  };
  for (const fate of fates) {
    if (fate.kind !== "taken" && fate.reason !== null) count(reasons, fate.reason);
    if (fate.kind === "undecodable") countsOf(fate.source).undecodable++;
    if (fate.kind !== "taken") continue;
    const { source, kind, invalidColumns, nonFinite } = fate.change;
    if (kind !== "none") countsOf(source).readable++;
    for (const { column } of invalidColumns) count(invalid, `${source}.${column}`);
    count(invalid, `${source}.null`, nonFinite);
  }
  const of = (kind: InputFate["kind"]): number => fates.filter((one) => one.kind === kind).length;
  return {
    messages: fates.length,
    skipped: of("skipped"),
    undecodable: of("undecodable"),
    invalid,
    reasons,
    unreadableSources: [...read]
      .filter(([, { readable, undecodable }]) => readable === 0 && undecodable > 0)
      .map(([source]) => source),
  };
}

/** What is known of a message besides the change that it held. */
interface Undecodable {
  readonly change: Change;
  readonly source: SourceSpec;
  readonly timestamp: number;
  readonly reason: string | null;
  /** Whether the message's key can be read. */
  readonly keyed: boolean;
  /** Whether the log order and the commit time can be read. */
  readonly origin: boolean;
}

/**
 * The fate of a message whose content cannot be read. With a readable key its row leaves all
 * windows (law 9). Without a commit time the broker's time counts.
 */
export function undecodableFate(given: Undecodable): InputFate {
  const { change, source, timestamp, reason, keyed, origin } = given;
  const fate = { kind: "undecodable", source: source.name, reason } as const;
  if (!keyed || change.values === null) return { ...fate, change: null };
  const values = source.columns.map(({ name }, i): Value =>
    source.primaryKey.includes(name) ? change.values![i]! : null,
  );
  return {
    ...fate,
    change: {
      ...change,
      kind: "upsert",
      values,
      oldKey: null,
      unavailable: [],
      invalidColumns: [],
      nonFinite: 0,
      undecodable: { reason: reason ?? "UNDECODABLE", message: "" },
      ...(origin
        ? {}
        : {
            order: null,
            committedAfter: undefined,
            committed: timestamp * 1000 + 999,
            snapshot: false,
          }),
    },
  };
}
