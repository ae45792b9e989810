/** Wraps the calls of a store that people and programs start, so that the audit has them. */
import { isOfOtherHistory, outcomeOf } from "../audit/outcome.ts";
import type { Audit } from "../audit/audit.ts";
import type { AuditedAction } from "../audit/audit-types.ts";
import type { Definitions } from "../define/collect-definitions.ts";
import { definitionOf } from "../define/definition.ts";
import type { ErasureReceipt } from "../erase/erase-types.ts";
import type { MaterializeOptions, MaterializedView } from "../materialize/types.ts";
import type { Pushable } from "../define/push-source.ts";
import type { PushOptions, PushResult } from "../push/push-types.ts";
import type { Store } from "./store-types.ts";

/** What an action says of itself, beside how it ended. */
type Details = Omit<AuditedAction, "at" | "seconds" | "outcome" | "code">;

/** The store, with an audit of its calls. */
export function auditedStore(
  store: Store,
  {
    audit,
    definitions,
    clock,
  }: { readonly audit: Audit; readonly definitions: Definitions; readonly clock: () => number },
): Store {
  /**
   * Runs a call and records it. `asked` is what is known before the call, `did` what its result
   * adds.
   */
  async function recorded<Result>(
    call: () => Promise<Result>,
    asked: Details,
    did: (result: Result) => Partial<Details>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const [at, began] = [clock(), performance.now()];
    const timed = () => ({ at, seconds: (performance.now() - began) / 1000 });
    try {
      const result = await call();
      await audit.record({ ...asked, ...did(result), outcome: "done", ...timed() });
      return result;
    } catch (error) {
      if (!isOfOtherHistory(error))
        await audit.record({ ...asked, ...outcomeOf(error, signal), ...timed() });
      throw error;
    }
  }

  /** Those names that are of sources. Others may be anything, so they are left out. */
  const sourcesNamed = (names: readonly unknown[]): readonly string[] =>
    names.filter((name) => typeof name === "string" && definitions.sources.has(name)) as string[];

  async function push(
    source: unknown,
    rows: readonly unknown[],
    options: PushOptions<Pushable> = {},
  ): Promise<PushResult> {
    const [at, began] = [clock(), performance.now()];
    const { caller, deletes } = options;
    const ended = (how: Pick<AuditedAction, "outcome" | "code">): void => {
      audit.pushed({
        action: "push",
        ...how,
        ...caller,
        sources: sourcesNamed([nameOf(source)]),
        counts: { calls: 1, rows: lengthOf(rows), deletes: lengthOf(deletes) },
        at,
        seconds: (performance.now() - began) / 1000,
      });
    };
    try {
      const result = await store.push(source as never, rows as never, options as never);
      ended({ outcome: "done" });
      return result;
    } catch (error) {
      if (!isOfOtherHistory(error)) ended(outcomeOf(error, options.signal));
      throw error;
    }
  }

  return {
    ...store,
    push: push as Store["push"],
    apply: (options = {}) =>
      recorded(
        () => store.apply(options),
        { action: "apply", by: options.by, from: options.from },
        ({ version, changes }) => ({ version, counts: { changes: changes.length } }),
        options.signal,
      ),
    backfill: (options = {}) =>
      recorded(
        () => store.backfill(options),
        {
          action: "backfill",
          sources: sourcesNamed(options.sources ?? [...definitions.sources.keys()]),
        },
        ({ changes }) => ({ counts: { changes } }),
        options.signal,
      ),
    erase: (options) =>
      options.dryRun === true
        ? store.erase(options)
        : recorded(
            () => store.erase(options),
            {
              action: "erase",
              by: options.by,
              entity: definitions.entities.has(options.entity) ? options.entity : undefined,
              counts: { keys: options.keys?.length ?? 1 },
            },
            (receipt) => ({
              receipt: receipt.id,
              counts: { keys: receipt.keyHashes.length, rows: erasedRows(receipt) },
            }),
            options.signal,
          ),
    materialize: (options) =>
      recorded(
        () => store.materialize(options),
        { action: "materialize", ...options.caller, views: viewsNamed(definitions, options.views) },
        ({ views }) => ({
          views: views.map(({ view }) => view),
          counts: { days: sumOf(views.map(({ dates }) => dates.length)), rows: rowsOfDays(views) },
        }),
        options.signal,
      ),
    resnapshot: (source, changes, options = {}) =>
      recorded(
        () => store.resnapshot(source, changes, options),
        { action: "resnapshot", sources: sourcesNamed([source]) },
        (result) => ({ counts: { changes: result.changes } }),
        options.signal,
      ),
    retry: (changes, options = {}) =>
      options.dryRun === true
        ? store.retry(changes, options)
        : recorded(
            () => store.retry(changes, options),
            {
              action: "retry",
              sources: sourcesNamed(options.sources ?? [...definitions.sources.keys()]),
            },
            ({ taken }) => ({ counts: { changes: taken } }),
            options.signal,
          ),
  };
}

function nameOf(definition: unknown): unknown {
  if (typeof definition === "string") return definition;
  try {
    const found = definitionOf(definition);
    return found?.kind === "source" || found?.kind === "view" ? found.spec.name : undefined;
  } catch {
    return undefined; // of another version; the call itself refuses it
  }
}

function viewsNamed({ views }: Definitions, asked: MaterializeOptions["views"]): readonly string[] {
  if (!Array.isArray(asked)) return [...views.keys()];
  return asked.map(nameOf).filter((name): name is string => views.has(name as string));
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

function rowsOfDays(views: readonly MaterializedView[]): number {
  return sumOf(views.flatMap(({ dates }) => dates.map(({ rows }) => rows)));
}

function erasedRows({ tables, online }: ErasureReceipt): number {
  return (
    sumOf(tables.map(({ removed, reduced }) => removed + reduced)) +
    sumOf(online.map(({ rows, cells }) => rows + cells))
  );
}
