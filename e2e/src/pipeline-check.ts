/**
 * Compares PostgreSQL's final tables with the online store and the history. Every row by primary
 * key, every column, and the features at many times must agree bit for bit.
 */
import { type Knowledge, micros, type Store } from "@tidemark/core";
import { historyChanges } from "@tidemark/core/internal";
import { type OfflineStore, type SourceSpec, type Value, valueAt } from "@tidemark/core/spi";
import { type Random } from "@tidemark/testkit";
import type { Client } from "pg";
import type {
  UntypedSelection,
  CheckedDefinitions,
  CheckedSource,
} from "./pipeline-definitions.ts";
import { expectedAnswers } from "./pipeline-expected.ts";
import { keyOf, tableRows, textOf, type TableRow } from "./pipeline-tables.ts";

const DAY = 86_400e6;
const WEEK = 7 * DAY;
/** A time after every event time in the tables, including future ones. */
const FAR_FUTURE = Date.UTC(2090, 0) * 1000;
const UNKNOWN_USER = "nobody";

export interface CheckOptions {
  readonly checked: CheckedDefinitions;
  readonly database: Client;
  readonly store: Store;
  readonly offline: OfflineStore;
  readonly random: Random;
  /** The number of times at which the features are compared. */
  readonly times?: number | undefined;
  /** The greatest number of users whose features are compared; only users with rows count. */
  readonly users?: number | undefined;
}

export interface CheckResult {
  readonly rows: number;
  readonly deleted: number;
  readonly messages: number;
  readonly users: number;
  readonly times: number;
  readonly answers: number;
  /** The differences in words; empty if all agree. */
  readonly differences: readonly string[];
}

/**
 * Compares the stores with the tables. The stores must have taken everything, and the tables must
 * not change.
 */
export async function checkPipeline(options: CheckOptions): Promise<CheckResult> {
  const { checked, database, store } = options;
  await store.compact();
  const differences: string[] = [];
  const tables = new Map<string, readonly TableRow[]>();
  let [rows, deleted, messages] = [0, 0, 0];
  for (const source of checked.sources) {
    const { spec } = source;
    const databaseRows = await tableRows(database, spec);
    tables.set(spec.name, databaseRows);
    rows += databaseRows.length;
    const log = await keysInChangeLog(options.offline, spec);
    messages += log.messages;
    if (log.duplicates > 0)
      differences.push(`${spec.name}/changes holds ${log.duplicates} messages twice`);
    const presentKeys = new Set(databaseRows.map(({ key }) => key));
    const gone = [...log.keys].flatMap(([key, values]) => (presentKeys.has(key) ? [] : [values]));
    deleted += gone.length;
    differences.push(
      ...(await onlineRows(store, source, databaseRows, gone)),
      ...(await openVersions(options.offline, spec, databaseRows)),
      ...(await quarantined(store, checked, spec, databaseRows)),
    );
  }
  const features = await compareFeatures(options, tables);
  return {
    rows,
    deleted,
    messages,
    ...features,
    differences: [...differences, ...features.differences],
  };
}

export function checkText({ rows, deleted, messages, users, times, answers }: CheckResult): string {
  return (
    `${rows} rows and ${deleted} deleted ones, ${messages} messages in the history, ` +
    `${answers} answers for ${users} users at ${times} times`
  );
}

/** Returns every primary key in the change log. */
async function keysInChangeLog(
  offline: OfflineStore,
  source: SourceSpec,
): Promise<{
  readonly keys: ReadonlyMap<string, readonly Value[]>;
  readonly messages: number;
  readonly duplicates: number;
}> {
  const keys = new Map<string, readonly Value[]>();
  const messageIds = new Set<string>();
  let messages = 0;
  for await (const change of historyChanges(offline, source)) {
    messageIds.add([change.topic, change.partition, change.offset].join(":"));
    messages++;
    if (change.values !== null) keys.set(keyOf(source, change.values), change.values);
  }
  return { keys, messages, duplicates: messages - messageIds.size };
}

/** Checks each row by primary key: present with these columns or absent, and never twice. */
async function onlineRows(
  store: Store,
  { spec, row, rows }: CheckedSource,
  databaseRows: readonly TableRow[],
  gone: readonly (readonly Value[])[],
): Promise<string[]> {
  const found: string[] = [];
  const asked = [
    ...databaseRows.map(({ values }) => ({ values, there: inWindows(spec, values) })),
    ...gone.map((values) => ({ values, there: false })),
  ];
  const columnOf = (name: string): number =>
    spec.columns.findIndex((column) => column.name === name);
  for (let from = 0; from < asked.length; from += 500) {
    const batch = asked.slice(from, from + 500);
    const entities = batch.map(({ values }) =>
      Object.fromEntries(spec.primaryKey.map((name) => [name, values[columnOf(name)]])),
    );
    const answers = await store.getOnlineBatch({
      features: row,
      entities,
      asOf: micros(FAR_FUTURE),
    });
    const counts =
      rows === null
        ? null
        : await store.getOnlineBatch({ features: rows, entities, asOf: micros(FAR_FUTURE) });
    batch.forEach(({ values, there }, i) => {
      const key = keyOf(spec, values);
      spec.columns.forEach((column, c) => {
        const expected = there ? textOf(values[c]!, column) : "null";
        const answer = textOf(valueAt(answers.vectors[c]!, i), column);
        if (answer !== expected)
          found.push(
            `online, ${spec.name} ${key}, ${column.name}: ` +
              `PostgreSQL holds ${there ? expected : "no such row"}, the store ${answer}`,
          );
      });
      if (counts !== null && Number(valueAt(counts.vectors[0]!, i)) !== Number(there))
        found.push(
          `online, ${spec.name} ${key}: ${String(valueAt(counts.vectors[0]!, i))} rows, ` +
            `not ${Number(there)}`,
        );
    });
  }
  return found;
}

/** Returns false for a row without an event time, which is in no window (law 9). */
function inWindows({ eventTime, columns }: SourceSpec, values: readonly Value[]): boolean {
  return (
    eventTime.kind === "committed" ||
    values[columns.findIndex(({ name }) => name === eventTime.column)] !== null
  );
}

/** Checks that the open versions are the rows of the table, including rows in no window. */
async function openVersions(
  offline: OfflineStore,
  spec: SourceSpec,
  databaseRows: readonly TableRow[],
): Promise<string[]> {
  const found: string[] = [];
  const left = new Map(databaseRows.map((row) => [row.key, row.values]));
  const declared = spec.columns.map(({ name }) => name);
  for await (const batch of offline.scan(`${spec.name}/versions`, {
    columns: [...declared, "_known_to", "_deleted", "_quarantine"],
  })) {
    for (let i = 0; i < batch.length; i++) {
      const row = batch.vectors.map((vector) => valueAt(vector, i));
      if (row[declared.length] !== null || row[declared.length + 1] === true) continue;
      const key = keyOf(spec, row);
      const expected = left.get(key);
      left.delete(key);
      if (expected === undefined) {
        found.push(
          `history, ${spec.name} ${key}: a version stands that PostgreSQL does not hold, or twice`,
        );
        continue;
      }
      spec.columns.forEach((column, c) => {
        const [wanted, stored] = [textOf(expected[c]!, column), textOf(row[c]!, column)];
        if (wanted !== stored)
          found.push(
            `history, ${spec.name} ${key}, ${column.name}: PostgreSQL holds ${wanted}, ` +
              `the open version ${stored}`,
          );
      });
      if ((row.at(-1) === null) !== inWindows(spec, expected))
        found.push(`history, ${spec.name} ${key}: quarantine ${String(row.at(-1))}`);
    }
  }
  for (const key of left.keys())
    found.push(`history, ${spec.name} ${key}: no version stands, and PostgreSQL holds the row`);
  return found;
}

/**
 * Checks that the quarantine lists the rows without an event time, and those without the key of
 * some view.
 */
async function quarantined(
  store: Store,
  { views }: CheckedDefinitions,
  spec: SourceSpec,
  databaseRows: readonly TableRow[],
): Promise<string[]> {
  const keys = views
    .filter(({ spec: view }) => view.source.name === spec.name)
    .flatMap(({ spec: view }) => view.keyColumns);
  const at = (name: string): number => spec.columns.findIndex((column) => column.name === name);
  const expected = databaseRows
    .filter(
      ({ values }) => !inWindows(spec, values) || keys.some((name) => values[at(name)] === null),
    )
    .map(({ key }) => key)
    .sort();
  // a message without a readable key is of no row
  const listed = (await store.quarantine(spec.name))
    .filter(({ key }) => spec.primaryKey.every((name) => key[name] !== undefined))
    .map(({ key }) => spec.primaryKey.map((name) => String(key[name])).join(" | "))
    .sort();
  return listed.join("\n") === expected.join("\n")
    ? []
    : [`quarantine of ${spec.name}: expected ${expected.join(", ")}; listed ${listed.join(", ")}`];
}

async function compareFeatures(
  options: CheckOptions,
  tables: ReadonlyMap<string, readonly TableRow[]>,
): Promise<Pick<CheckResult, "users" | "times" | "answers" | "differences">> {
  const {
    checked: { views },
    store,
    random,
  } = options;
  const found: string[] = [];
  const everybody = new Set<string>();
  const eventTimes: number[] = [];
  for (const {
    spec: { source, keyColumns },
  } of views) {
    const at = (name: string): number => source.columns.findIndex((column) => column.name === name);
    for (const { values } of tables.get(source.name)!) {
      const user = values[at(keyColumns[0]!)];
      if (typeof user === "string") everybody.add(user);
      const time = source.eventTime.kind === "column" ? values[at(source.eventTime.column)] : null;
      if (typeof time === "number") eventTimes.push(time);
    }
  }
  const users = [...random.sample([...everybody].sort(), options.users ?? 40), UNKNOWN_USER];
  const times = askedTimes(random, eventTimes, options.times ?? 100);
  const now = Date.now() * 1000;
  let answers = 0;
  for (const { view, spec } of views) {
    const rows = tables.get(spec.source.name)!;
    const dimension = spec.source.eventTime.kind === "committed";
    const asked = dimension ? [now] : times;
    const expected = asked.flatMap((t) =>
      users.map((user) => ({ user, t, values: expectedAnswers(spec, rows, user, t) })),
    );
    const compare = (
      path: string,
      answer: (row: number, feature: number) => Value,
      rowsAsked = expected,
    ): void => {
      rowsAsked.forEach(({ user, t, values }, row) => {
        spec.features.forEach((feature, f) => {
          answers++;
          const [wanted, given] = [
            textOf(values[f]!, feature.result),
            textOf(answer(row, f), feature.result),
          ];
          if (wanted !== given)
            found.push(
              `${path}, ${spec.name}.${feature.name} of ${user} ` +
                `at ${new Date(t / 1000).toISOString()} (${t}): ` +
                `the rows of PostgreSQL give ${wanted}, the answer is ${given}`,
            );
        });
      });
    };
    const online = await Promise.all(
      asked.map((t) =>
        store.getOnlineBatch({
          features: view,
          entities: users.map((user_id) => ({ user_id })),
          asOf: micros(t),
        }),
      ),
    );
    compare("online", (row, f) =>
      valueAt(online[Math.floor(row / users.length)]!.vectors[f]!, row % users.length),
    );
    compare("as corrected", await historicalAnswers(store, view, expected, "as-corrected"));
    // law 6: after the last commit, what is known is what stands
    const known = expected.filter(({ t }) => t >= now);
    if (known.length > 0)
      compare("as known", await historicalAnswers(store, view, known, "as-known"), known);
  }
  return { users: users.length, times: times.length, answers, differences: found };
}

async function historicalAnswers(
  store: Store,
  view: UntypedSelection,
  asked: readonly { readonly user: string; readonly t: number }[],
  knowledge: Knowledge,
): Promise<(row: number, feature: number) => Value> {
  const training = await store.getHistoricalFeatures({
    features: view,
    entities: asked.map(({ user, t }) => ({ user_id: user, event_timestamp: micros(t) })),
    knowledge,
  });
  const rows: Value[][] = [];
  // the columns of the entity rows come first: the key and the time
  for await (const batch of training.batches())
    for (let i = 0; i < batch.length; i++)
      rows.push(batch.vectors.slice(2).map((vector) => valueAt(vector, i)));
  return (row, feature) => rows[row]![feature]!;
}

/**
 * Picks times, half of them at edges of windows: at an event, a microsecond beside it, and where
 * the event leaves the window.
 */
function askedTimes(random: Random, events: readonly number[], count: number): readonly number[] {
  if (events.length === 0) throw new Error("no row has an event time");
  const [first, last] = [
    events.reduce((a, b) => Math.min(a, b)),
    events.reduce((a, b) => Math.max(a, b)),
  ];
  const times = new Set<number>();
  while (times.size < count) {
    const edge = random.pick(events) + random.pick([0, WEEK]) + random.pick([-1, 0, 1]);
    times.add(
      random.chance(0.7)
        ? edge
        : first + Math.floor(random.fraction() * (last + WEEK + DAY - first)),
    );
  }
  return [...times].sort((a, b) => a - b);
}
