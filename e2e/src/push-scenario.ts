/**
 * Runs a scenario whose sources are pushed. Two stores that die now and then push the rows of its
 * log.
 */
import { isTidemarkError, micros, openStore, type PushResult, type Store } from "@tidemark/core";
import {
  valueAt,
  type Change,
  type ColumnSpec,
  type OfflineStore,
  type OnlineStore,
  type SourceSpec,
  type Value,
} from "@tidemark/core/spi";
import { toUser } from "@tidemark/core/internal";
import {
  generateScenario,
  Random,
  scenarioDefinitions,
  scenarioWith,
  type Scenario,
  UNMERGED_LAYOUT,
} from "@tidemark/testkit";
import {
  SimulatedCrash,
  failingOffline,
  failingOnline,
  type WriteCount,
} from "./failing-stores.ts";

export interface PushStores {
  readonly online: OnlineStore | undefined;
  readonly offline: OfflineStore | undefined;
}

export interface PushRun {
  readonly seed: number;
  /** Two handles on the same stores, as two processes have them. */
  readonly stores: () => PushStores;
  readonly pushes: number;
  /** The probability that a push kills its store. */
  readonly crashChance: number;
  /** The probability that both stores push at once. */
  readonly concurrentChance: number;
  /**
   * Called after a push that was taken, with its source. Another source's history may hold a push
   * that no caller was told of.
   */
  readonly onPushed?:
    | ((scenario: Scenario, truth: readonly Change[], store: Store) => Promise<void>)
    | undefined;
}

export interface PushRunResult {
  readonly scenario: Scenario;
  readonly truth: readonly Change[];
  readonly crashes: number;
  readonly retries: number;
  readonly refused: number;
  open(): Promise<Store>;
}

export interface AnsweredPush {
  readonly push: Push;
  readonly result: PushResult;
}

export interface Push {
  readonly id: string;
  readonly source: SourceSpec;
  /** The rows as they are to be stored, upserts before deletes. */
  readonly rows: readonly {
    readonly kind: "upsert" | "delete";
    readonly values: readonly Value[];
  }[];
}

const traits = { changes: 60, partitions: 1, unreadableMessages: false, tailCut: false };

/** Makes the scenario of a seed, whose sources are fed by push. */
export function pushScenario(seed: number): Scenario {
  const scenario = generateScenario(seed, { traits });
  const pushed = new Map(
    scenario.sources.map((source) => [
      source.name,
      {
        ...source,
        table: "",
        push: true as const,
        eventTime:
          source.eventTime.kind === "committed"
            ? { kind: "committed" as const, since: null }
            : source.eventTime,
      },
    ]),
  );
  const views = new Map(
    scenario.views.map((view) => [view, { ...view, source: pushed.get(view.source.name)! }]),
  );
  return {
    ...scenario,
    sources: [...pushed.values()],
    views: [...views.values()],
    selected: scenario.selected.map((one) => ({ ...one, view: views.get(one.view)! })),
    truth: [],
  };
}

/** Returns the changes of rows in the scenario's log. */
export function logRows(seed: number): readonly Change[] {
  return generateScenario(seed, { traits }).truth.filter(
    ({ values, kind }) => values !== null && (kind === "upsert" || kind === "delete"),
  );
}

/** Makes a push of some of those rows of one source, with the commit time of the first. */
export function makePush(
  scenario: Scenario,
  candidates: readonly Change[],
  random: Random,
  id: string,
): { readonly push: Push; readonly committed: number | null } {
  const first = random.pick(candidates);
  const source = scenario.sources.find(({ name }) => name === first.source)!;
  const mine = candidates.filter((change) => change.source === source.name);
  const some = Array.from({ length: random.between(1, 6) }, () => random.pick(mine));
  const upserts = some
    .filter(({ kind }) => kind === "upsert")
    .flatMap(({ values }) => {
      const row = values!.map((value, i) => storedValue(source.columns[i]!, value));
      return isAcceptable(scenario, source, row) ? [{ kind: "upsert" as const, values: row }] : [];
    });
  const deletes = some
    .filter(({ kind }) => kind === "delete" || random.chance(0.15))
    .map(({ values }) => ({
      kind: "delete" as const,
      values: values!.map((value, i) =>
        source.primaryKey.includes(source.columns[i]!.name) ? value : null,
      ),
    }));
  return { push: { id, source, rows: [...upserts, ...deletes] }, committed: first.committed };
}

export function sendPush(
  store: Store,
  { id, source, rows }: Push,
  random: Random,
  named = true,
): Promise<PushResult> {
  const upserts = rows
    .filter(({ kind }) => kind === "upsert")
    .map(({ values }) => userRow(source, values, random));
  const deletes = rows
    .filter(({ kind }) => kind === "delete")
    .map(({ values }) => userKey(source, values));
  return store.push(source.name, upserts, { deletes, ...(named ? { id } : {}) });
}

export async function pushRun(run: PushRun): Promise<PushRunResult> {
  const { seed } = run;
  const scenario = pushScenario(seed);
  const rowsToPush = logRows(seed);
  const random = new Random(seed);
  let now = Math.min(...rowsToPush.map(({ committed }) => committed ?? Infinity));
  const definitions = scenarioDefinitions(scenario);
  const open = ({ online, offline }: PushStores): Promise<Store> =>
    openStore({
      definitions,
      ...(online === undefined
        ? {}
        : { online: { store: online, retention: "forever", logRetention: "forever" } }),
      ...(offline === undefined
        ? {}
        : { offline: { store: offline, layoutLimits: UNMERGED_LAYOUT } }),
      clock: () => new Date(Math.floor(now / 1000)),
    });
  const named = run.stores().online !== undefined;
  let [crashes, retries, refused, pushes] = [0, 0, 0, 0];
  const sent = new Map<string, Push>();
  const resolved: AnsweredPush[] = [];

  /** Opens a store that may die at one of its next writes. */
  const openFailingStore = async (): Promise<Store> => {
    const { online, offline } = run.stores();
    const count: WriteCount = {
      writes: 0,
      crashAt: random.chance(run.crashChance) ? random.int(8) : null,
      crashAfterWrite: random.chance(0.5),
    };
    return open({
      online: online && failingOnline(online, count),
      offline: offline && failingOffline(offline, count),
    });
  };
  const stores = [await openFailingStore(), await openFailingStore()];

  function nextPush(): Push {
    const { push: one, committed } = makePush(scenario, rowsToPush, random, `push ${++pushes}`);
    // the clock follows the log's commit times, so it goes back at times
    now = random.chance(0.8) ? Math.max(now, committed ?? now) : (committed ?? now);
    return one;
  }

  /**
   * Pushes until the push is taken. A client that lost the answer repeats the push on any store.
   */
  async function push(which: number, one: Push): Promise<void> {
    sent.set(one.id, one);
    for (let at = which; ; at = random.int(2)) {
      try {
        const store = stores[at]!;
        const result = await sendPush(store, one, random, named);
        resolved.push({ push: one, result });
        // without an online store no ids are remembered
        if (named && random.chance(0.1)) {
          retries++;
          assertSame(
            await sendPush(stores[random.int(2)]!, one, random).catch((error: unknown) => {
              if (!isSimulatedCrash(error)) throw error;
              return result;
            }),
            result,
            "pushed again",
          );
        }
        return;
      } catch (error) {
        if (!isSimulatedCrash(error)) throw error;
        crashes++;
        // a restarted process has its own handles
        stores[at] = await openFailingStore();
        if (random.chance(0.2)) return;
        retries++;
      }
    }
  }

  while (pushes < run.pushes) {
    if (random.chance(0.1)) {
      await refuseOne(stores[0]!, scenario, random);
      refused++;
    }
    if (random.chance(run.concurrentChance))
      await Promise.all([push(0, nextPush()), push(1, nextPush()), push(1, nextPush())]);
    else {
      const which = random.int(2);
      const one = nextPush();
      await push(which, one);
      // a push without rows is taken by no store, and does not deliver what another store left in
      // the log alone
      if (run.onPushed !== undefined && one.rows.length > 0 && resolved.at(-1)?.push === one) {
        const after = run.stores();
        const asked = scenarioWith(scenario, ({ source }) => source.name === one.source.name);
        if (after.offline !== undefined)
          await run.onPushed(
            asked,
            await truthOfLog(scenario, sent, after.offline, resolved),
            stores[which]!,
          );
      }
    }
  }
  const last = run.stores();
  const truth =
    last.offline === undefined || last.online === undefined
      ? truthOfResults(resolved)
      : await truthOfLog(scenario, sent, last.offline, resolved);
  return { scenario, truth, crashes, retries, refused, open: () => open(run.stores()) };
}

function isSimulatedCrash(error: unknown): boolean {
  return (
    error instanceof SimulatedCrash ||
    (isTidemarkError(error, "PUSH_NOT_ONLINE_YET") && error.cause instanceof SimulatedCrash)
  );
}

/**
 * Returns what was pushed, in the log's order and with its commit times. Checks that the log holds
 * each push once, whole, and as it was answered.
 */
export async function truthOfLog(
  scenario: Scenario,
  sent: ReadonlyMap<string, Push>,
  offline: OfflineStore,
  resolved: readonly AnsweredPush[],
): Promise<readonly Change[]> {
  const truth: Change[] = [];
  const loggedIds = new Set<string>();
  for (const source of scenario.sources) {
    const table = `${source.name}/changes`;
    if ((await offline.state(table)) === null) continue;
    const rows: {
      readonly offset: number;
      readonly committed: number;
      readonly id: string;
      readonly kind: string;
    }[] = [];
    for await (const {
      length,
      vectors: [offset, committed, id, kind],
    } of offline.scan(table, { columns: ["_offset", "_committed", "_transaction", "_kind"] })) {
      for (let i = 0; i < length; i++) {
        rows.push({
          offset: Number(valueAt(offset!, i)),
          committed: valueAt(committed!, i) as number,
          id: valueAt(id!, i) as string,
          kind: valueAt(kind!, i) as string,
        });
      }
    }
    rows.sort((a, b) => a.offset - b.offset);
    rows.forEach((row, i) => {
      if (row.offset !== i || (i > 0 && row.committed < rows[i - 1]!.committed))
        throw new Error(
          `${table}: row ${i} has offset ${row.offset}, ` +
            `committed ${row.committed} after ${rows[i - 1]?.committed}`,
        );
    });
    const seen = new Map<string, number>();
    for (const { id, offset, committed, kind } of rows) {
      const rowIndex = seen.get(id) ?? 0;
      seen.set(id, rowIndex + 1);
      const row = sent.get(id)!.rows[rowIndex];
      if (row === undefined || row.kind !== kind)
        throw new Error(
          `${table}: ${id} has a row ${rowIndex} that was not pushed so, ` +
            `a ${kind} at offset ${offset}`,
        );
      truth.push(changeOf(source, row, offset, committed));
    }
    for (const id of seen.keys()) loggedIds.add(id);
    for (const [id, count] of seen)
      if (count !== sent.get(id)!.rows.length)
        throw new Error(`${table}: ${count} of ${sent.get(id)!.rows.length} rows of ${id}`);
    for (const { push, result } of resolved.filter(
      (one) => one.push.source.name === source.name && one.push.rows.length > 0,
    )) {
      const last = rows[result.position!];
      if (last?.id !== push.id)
        throw new Error(
          `${table}: ${push.id} was said to end at ${result.position}, where ${last?.id} is`,
        );
    }
  }
  const lost = resolved.find(({ push }) => push.rows.length > 0 && !loggedIds.has(push.id));
  if (lost !== undefined) throw new Error(`${lost.push.id} was taken, and the log lacks it`);
  return truth;
}

/** Derives the order from the answers, where the log does not name each push. */
function truthOfResults(resolved: readonly AnsweredPush[]): readonly Change[] {
  const micro = (time: string): number => Date.parse(time.replace(/(\.\d{3})\d{3}Z/, "$1Z")) * 1000;
  return resolved.flatMap(({ push, result }) =>
    push.rows.map((row, i) =>
      changeOf(
        push.source,
        row,
        result.position! - push.rows.length + 1 + i,
        micro(result.committed!),
      ),
    ),
  );
}

function changeOf(
  source: SourceSpec,
  { kind, values }: Push["rows"][number],
  offset: number,
  committed: number,
): Change {
  return {
    source: source.name,
    topic: "pushed",
    partition: 0,
    offset,
    kind,
    values,
    oldKey: null,
    unavailable: [],
    invalidColumns: [],
    undecodable: null,
    nonFinite: 0,
    order: null,
    committed,
    snapshot: false,
    op: null,
    timestamp: null,
    transaction: null,
  };
}

/**
 * Pushes a row with a missing key, a missing event time or a value of another type. The push must
 * be refused by name, and none of its rows taken.
 */
async function refuseOne(store: Store, scenario: Scenario, random: Random): Promise<void> {
  const source = random.pick(scenario.sources);
  const needed = source.columns.filter(
    (column) =>
      !isAcceptable(
        scenario,
        source,
        source.columns.map((one) => (one === column ? null : 1)),
      ),
  );
  const column = random.pick(needed);
  const row = Object.fromEntries(
    source.columns.map((one) => [one.name, one.nullable ? null : example(one)]),
  );
  const error: unknown = await store.push(source.name, [{ ...row, [column.name]: null }]).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isTidemarkError(error, "PUSH_INVALID"))
    throw new Error(
      `a row of ${source.name} without ${column.name} was not refused: ${String(error)}`,
    );
}

function example(column: ColumnSpec): unknown {
  switch (column.type) {
    case "string":
    case "json":
      return "x";
    case "boolean":
      return true;
    case "int32":
    case "float64":
      return 1;
    case "int64":
      return 1n;
    case "decimal":
      return "1";
    case "timestamp":
      return micros(1);
    case "date":
      return "2026-01-01";
    case "bytes":
      return new Uint8Array([1]);
  }
}

function isAcceptable(scenario: Scenario, source: SourceSpec, row: readonly Value[]): boolean {
  const keys = scenario.views
    .filter((view) => view.source.name === source.name)
    .flatMap((view) => view.keyColumns);
  return source.columns.every(
    (column, i) =>
      row[i] !== null ||
      (!keys.includes(column.name) &&
        !(source.eventTime.kind === "column" && source.eventTime.column === column.name) &&
        (column.nullable || column.type === "float64")),
  );
}

/** Returns a pushed value as the store holds it: a JSON document is written anew. */
function storedValue(column: ColumnSpec, value: Value): Value {
  return column.type === "json" && value !== null
    ? JSON.stringify(JSON.parse(value as string))
    : value;
}

/** Returns a row as a user writes it. A missing double may be a NaN. */
function userRow(
  source: SourceSpec,
  values: readonly Value[],
  random: Random,
): Record<string, unknown> {
  return Object.fromEntries(
    source.columns.flatMap((column, i): [string, unknown][] => {
      const value = values[i]!;
      if (value === null)
        return column.type === "float64" && (!column.nullable || random.chance(0.5))
          ? [[column.name, random.pick([NaN, Infinity, -Infinity])]]
          : random.chance(0.5)
            ? [[column.name, null]]
            : [];
      return [[column.name, userValue(column, value)]];
    }),
  );
}

function userKey(source: SourceSpec, values: readonly Value[]): Record<string, unknown> {
  return Object.fromEntries(
    source.columns.flatMap((column, i) =>
      source.primaryKey.includes(column.name) ? [[column.name, userValue(column, values[i]!)]] : [],
    ),
  );
}

function userValue(column: ColumnSpec, value: Value): unknown {
  return column.type === "timestamp"
    ? micros(value as number)
    : toUser(value, { ...column, mode: undefined });
}

function assertSame(a: PushResult, b: PushResult, what: string): void {
  if (JSON.stringify(a) !== JSON.stringify(b))
    throw new Error(`${what}: ${JSON.stringify(a)}, first ${JSON.stringify(b)}`);
}
