/** Checks a training set: Trino computes a sample of it by SQL, and the bits are compared. */
import { selectedFeatures, TidemarkError, type Knowledge, type Store } from "@tidemark/core";
import {
  baseFeatures,
  isDerived,
  keysNeeded,
  reachOfPlan,
  selectionFrom,
  typeOf,
  viewPlans,
  type ViewPlan,
  type EntityRowsInput,
} from "@tidemark/core/internal";
import {
  formatTime,
  valueAt,
  type NeededColumn,
  type SelectedBaseFeature,
  type SourceSpec,
  type TypeSpec,
  type Value,
} from "@tidemark/core/spi";
import { queryTrino, type TrinoConnection } from "../client.ts";
import { historyTables } from "../history-tables.ts";
import { registeredTables, type CatalogSchema } from "../register.ts";
import {
  entityColumnsOf,
  sampleOf,
  sampleOfOwn,
  type OwnRows,
  type Sample,
  type SampledRow,
} from "./sample.ts";
import { NotInSql } from "./not-in-sql.ts";
import { bitsOf, quotedName } from "./sql-values.ts";
import { viewSqlOf, type Question, type ViewSql } from "./view-sql.ts";

/** Settings of `checkTrainingSet`. */
export interface CheckTrainingSetOptions extends CatalogSchema {
  /** The store whose training set is checked. It is compacted first. */
  readonly store: Pick<Store, "compact" | "getHistoricalFeatures">;
  /** A feature, a view, a service, or a list of them. */
  readonly features: unknown;
  /**
   * The entity rows, as `getHistoricalFeatures` takes them. Default: entities of the history, at
   * times where their own rows enter and leave windows.
   */
  readonly entities?: EntityRowsInput | undefined;
  /** Which changes count. Default: "as-corrected". */
  readonly knowledge?: Knowledge | undefined;
  /** So many of the entity rows are checked. Default: 1000. */
  readonly sample?: number | undefined;
  /** Chooses another sample. Default: 1. */
  readonly seed?: number | undefined;
  /** Called after each view with the number of values that were compared. */
  readonly onProgress?: ((compared: number) => void) | undefined;
}

/** The result of a check. */
export interface TrainingSetCheck {
  /** How many entity rows were checked, and of how many. */
  readonly rows: number;
  readonly of: number;
  /** How many values were compared. */
  readonly compared: number;
  /** The features that were compared, as `view.feature`. */
  readonly checked: readonly string[];
  /** The features that SQL does not compute, and why. */
  readonly notChecked: readonly NotChecked[];
  readonly differences: readonly CheckedDifference[];
}

/** A feature that was not checked. */
export interface NotChecked {
  readonly feature: string;
  readonly why: string;
}

/** A value of which Trino computed another one. */
export interface CheckedDifference {
  readonly feature: string;
  /** The number of the entity row, from 0. */
  readonly row: number;
  /** The entity keys by name, as JSON. */
  readonly keys: Readonly<Record<string, string>>;
  readonly eventTimestamp: string;
  /** The values as JSON. */
  readonly tidemark: string;
  readonly trino: string;
  /** The bits of both, if they are doubles: 16 hexadecimal digits. */
  readonly bits: { readonly tidemark: string; readonly trino: string } | null;
}

/** So often differing rows are asked again, since a write may have come between both reads. */
const ATTEMPTS = 3;

/**
 * Computes a sample of a training set by SQL in Trino, and compares every value with
 * `getHistoricalFeatures`, bit by bit. The history must be registered in Trino, as `registerTables`
 * does. Features that SQL does not compute are listed with the reason.
 *
 * @throws TRINO_TABLE_MISSING when a versions table is not registered in the schema.
 * @throws TRINO_QUERY_FAILED when Trino refuses a statement.
 * @throws OPTION_INVALID when `sample` is no whole number above 0.
 * @example
 * const entities = [{ user_id: "ana", event_timestamp: "2026-03-01T12:00:00Z" }];
 * const trino = { url: "http://127.0.0.1:8080", catalog: "lake", schema: "bank" };
 * const { differences } = await checkTrainingSet({ ...trino, store, features: weekly, entities });
 */
export async function checkTrainingSet(
  options: CheckTrainingSetOptions,
): Promise<TrainingSetCheck> {
  const { store, knowledge = "as-corrected", sample: size = 1000, seed = 1, signal } = options;
  if (!Number.isSafeInteger(size) || size < 1)
    throw new TidemarkError(
      "OPTION_INVALID",
      `checkTrainingSet: sample is ${size}; give a whole number above 0`,
    );
  await store.compact({ signal });
  const check = plannedCheck(options, knowledge, await sourcesWithoutHistory(options));
  await refuseMissingTables(options, check.views);
  const sample =
    options.entities === undefined
      ? await ownSample(options, check, { size, seed })
      : await sampleOf(options.entities, check.needed, { size, seed }, signal);

  let rows = sample.rows;
  let differences = await differencesIn(options, check, knowledge, rows);
  for (let attempt = 2; attempt <= ATTEMPTS && differences.length > 0; attempt++) {
    const places = new Set(differences.map(({ place }) => place));
    rows = rows.filter((_, place) => places.has(place));
    await store.compact({ signal });
    differences = await differencesIn(
      { ...options, onProgress: undefined },
      check,
      knowledge,
      rows,
    );
  }
  return {
    rows: sample.rows.length,
    of: sample.of,
    compared: check.checked.length * sample.rows.length,
    checked: check.checked.map(nameOf),
    notChecked: check.notChecked,
    differences: differences.map(({ difference }) => difference),
  };
}

/** What is checked, and how. */
interface PlannedCheck {
  /** The features that SQL computes, under names of our own. */
  readonly checked: readonly SelectedBaseFeature[];
  readonly notChecked: readonly NotChecked[];
  /** The keys of their entities. */
  readonly needed: readonly NeededColumn[];
  readonly views: readonly CheckedView[];
}

interface CheckedView {
  readonly plan: ViewPlan;
  readonly sql: ViewSql;
  /** For each key of the view's entity: its place among all keys. */
  readonly keys: readonly number[];
}

/** The names of the sources that have no tables yet. */
async function sourcesWithoutHistory({
  store,
  features,
  signal,
}: CheckTrainingSetOptions): Promise<ReadonlySet<string>> {
  const { coverage } = await store.getHistoricalFeatures({
    features: features as never,
    entities: [],
    beforeHistory: "empty",
    signal,
  });
  const known = Object.entries(coverage);
  return new Set(known.flatMap(([name, { knownSince }]) => (knownSince === null ? name : [])));
}

function plannedCheck(
  options: CheckTrainingSetOptions,
  knowledge: Knowledge,
  withoutHistory: ReadonlySet<string>,
): PlannedCheck {
  const tableNamed = (source: SourceSpec): string => {
    if (withoutHistory.has(source.name))
      throw new NotInSql(`source "${source.name}" has no history yet`);
    return tableOf(options, source);
  };
  const sqlOfView = (plan: ViewPlan): ViewSql =>
    viewSqlOf(plan, { knowledge, tableOf: tableNamed });
  const selection = selectedFeatures(options.features as never);
  const wanted = baseFeatures(selection);
  const reasons = new Array<string | null>(wanted.length).fill(null);
  for (const plan of viewPlans(wanted))
    for (const [column, why] of sqlOfView(plan).reasons.entries())
      reasons[plan.indexes[column]!] = why;
  // a key or another view may have the name of a feature
  const checked = wanted
    .filter((_, i) => reasons[i] === null)
    .map((one, i): SelectedBaseFeature => ({ ...one, as: `f${i}` }));
  const needed = keysNeeded(checked);
  return {
    checked,
    notChecked: [
      ...wanted.flatMap((one, i): NotChecked[] => {
        const why = reasons[i]!;
        return why === null ? [] : [{ feature: nameOf(one), why }];
      }),
      ...selection
        .filter(isDerived)
        .map((one): NotChecked => ({
          feature: nameOf(one),
          why: "it is a function of other features, which are checked in its place",
        })),
    ],
    needed,
    views: viewPlans(checked).map((plan) => ({
      plan,
      sql: sqlOfView(plan),
      keys: plan.view.entity.keys.map(({ name }) => needed.findIndex((key) => key.name === name)),
    })),
  };
}

/** Entity rows of the history's own entities. */
async function ownSample(
  connection: TrinoConnection,
  { views }: PlannedCheck,
  { size, seed }: { readonly size: number; readonly seed: number },
): Promise<Sample> {
  const own: OwnRows[] = [];
  for (const { plan, keys, sql } of views)
    own.push({
      rows: await sql.ownRows(size, seed, (text) => queryTrino(connection, text)),
      places: keys,
      reach: reachOfPlan(plan.plan),
    });
  return sampleOfOwn(own, { size, seed });
}

/** Computes the features of these rows on both sides, and returns what differs, row by row. */
async function differencesIn(
  options: CheckTrainingSetOptions,
  { checked, needed, views }: PlannedCheck,
  knowledge: Knowledge,
  rows: readonly SampledRow[],
): Promise<readonly PlacedDifference[]> {
  const { store, signal, onProgress } = options;
  if (checked.length === 0 || rows.length === 0) return [];
  const training = await store.getHistoricalFeatures({
    features: selectionFrom(checked),
    entities: entityColumnsOf(rows, needed) as never,
    knowledge,
    beforeHistory: "empty",
    signal,
  });
  const answers: Value[][] = checked.map(() => []);
  for await (const { length, vectors } of training.batches())
    for (let i = 0; i < length; i++)
      answers.forEach((values, f) => values.push(valueAt(vectors[needed.length + 1 + f]!, i)));
  const found: PlacedDifference[] = [];
  let compared = 0;
  for (const { plan, keys, sql } of views) {
    const questions = rows.map((row): Question => ({
      keys: keys.map((key) => row.keys[key]!),
      t: row.t,
    }));
    const computed = await sql.answer(questions, (text) => queryTrino(options, text));
    plan.indexes.forEach((index, column) => {
      rows.forEach((row, place) => {
        const [ours, theirs] = [answers[index]![place]!, computed[column]![place]!];
        if (isSame(ours, theirs)) return;
        found.push({ place, difference: differenceOf(checked[index]!, row, needed, ours, theirs) });
      });
      compared += rows.length;
    });
    onProgress?.(compared);
  }
  return found.sort((a, b) => a.place - b.place);
}

function differenceOf(
  one: SelectedBaseFeature,
  row: SampledRow,
  needed: readonly NeededColumn[],
  ours: Value,
  theirs: Value,
): CheckedDifference {
  const { result } = one.feature;
  const areDoubles =
    result.type === "float64" && typeof ours === "number" && typeof theirs === "number";
  return {
    feature: nameOf(one),
    row: row.row,
    keys: keyTexts(row, needed),
    eventTimestamp: formatTime(row.t),
    tidemark: jsonOf(ours, result),
    trino: jsonOf(theirs, result),
    bits: areDoubles ? { tidemark: hexBits(ours), trino: hexBits(theirs) } : null,
  };
}

/** A difference, and the place of its row among those that were asked. */
interface PlacedDifference {
  readonly place: number;
  readonly difference: CheckedDifference;
}

function nameOf({ view, feature }: { view: { name: string }; feature: { name: string } }): string {
  return `${view.name}.${feature.name}`;
}

function versionsTable(source: SourceSpec): string {
  return historyTables([source.name], "")[1]!.table;
}

function tableOf({ catalog, schema }: CatalogSchema, source: SourceSpec): string {
  return [catalog, schema, versionsTable(source)].map(quotedName).join(".");
}

/** Refuses a check whose tables Trino does not know. */
async function refuseMissingTables(
  options: CatalogSchema,
  views: readonly CheckedView[],
): Promise<void> {
  const known = new Set((await registeredTables(options)).map(({ table }) => table));
  const missing = new Map(
    views
      .flatMap(({ sql }) => sql.sources)
      .map((source) => [source.name, versionsTable(source)] as const)
      .filter(([, table]) => !known.has(table)),
  );
  if (missing.size === 0) return;
  throw new TidemarkError(
    "TRINO_TABLE_MISSING",
    `trino ${options.url}: ${options.catalog}.${options.schema} has no ` +
      `${[...missing.values()].join(", ")}; register the history with tidemark catalog register ` +
      `${[...missing.keys()].map((name) => `--source ${name}`).join(" ")} (registerTables)`,
  );
}

/** Whether two values have the same bits. */
function isSame(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (Array.isArray(a))
    return (
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((one: Value, i) => isSame(one, (b as readonly Value[])[i]!))
    );
  return Object.is(a, b);
}

/** The value as JSON, which keeps every digit. */
function jsonOf(value: Value, type: TypeSpec): string {
  return value === null ? "null" : typeOf(type).jsonText(type)(value as never);
}

function keyTexts({ keys }: SampledRow, needed: readonly NeededColumn[]): Record<string, string> {
  return Object.fromEntries(needed.map((key, i) => [key.name, jsonOf(keys[i]!, key)]));
}

function hexBits(value: number): string {
  return BigInt.asUintN(64, bitsOf(value)).toString(16).padStart(16, "0");
}
