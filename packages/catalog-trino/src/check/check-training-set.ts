/** Checks a training set: Trino computes a sample of it by SQL, and the bits are compared. */
import { selectedFeatures, TidemarkError, type Store } from "@tidemark/core";
import {
  baseFeatures,
  isDerived,
  keysNeeded,
  reachOfPlan,
  selectionFrom,
  typeOf,
  viewPlans,
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
import { queryTrino } from "../client.ts";
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
import { bitsOf, quotedName } from "./sql-values.ts";
import { viewSqlOf, type Question, type RunSql, type ViewSql } from "./view-sql.ts";

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
  readonly knowledge?: "as-corrected" | "as-known" | undefined;
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
  const run = (sql: string): ReturnType<RunSql> => queryTrino(options, sql);
  const selection = selectedFeatures(options.features as never);
  const viewsOf = (
    features: readonly SelectedBaseFeature[],
  ): readonly Omit<CheckedView, "keys">[] =>
    viewPlans(features).map((plan) => ({
      plan,
      sql: viewSqlOf(plan, { knowledge, tableOf: (source) => tableOf(options, source) }),
    }));
  const wanted = baseFeatures(selection);
  const reasons = new Array<string | null>(wanted.length).fill(null);
  for (const { plan, sql } of viewsOf(wanted))
    plan.indexes.forEach((index, column) => {
      reasons[index] = sql.reasons[column]!;
    });
  // names of our own: a key or another view may have that of a feature
  const checked = wanted
    .filter((_, i) => reasons[i] === null)
    .map((one, i): SelectedBaseFeature => ({ ...one, as: `f${i}` }));
  const notChecked = [
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
  ];
  const needed = keysNeeded(checked);
  const views = viewsOf(checked).map((view): CheckedView => ({
    ...view,
    keys: view.plan.view.entity.keys.map(({ name }) =>
      needed.findIndex((key) => key.name === name),
    ),
  }));
  await store.compact({ signal });
  await refuseMissingTables(options, views);
  const sample =
    options.entities === undefined
      ? await ownSample()
      : await sampleOf(options.entities, needed, { size, seed }, signal);

  let rows = sample.rows;
  let differences: readonly PlacedDifference[] = [];
  for (let attempt = 1; attempt <= ATTEMPTS && rows.length > 0; attempt++) {
    differences = await compare(rows, attempt);
    const places = new Set(differences.map(({ place }) => place));
    rows = rows.filter((_, place) => places.has(place));
    if (attempt < ATTEMPTS && rows.length > 0) await store.compact({ signal });
  }
  return {
    rows: sample.rows.length,
    of: sample.of,
    compared: checked.length * sample.rows.length,
    checked: checked.map(nameOf),
    notChecked,
    differences: differences.map(({ difference }) => difference),
  };

  async function ownSample(): Promise<Sample> {
    const own: OwnRows[] = [];
    for (const { plan, keys, sql } of views) {
      const rows = await sql.ownRows(size, seed, run);
      own.push({ rows, places: keys, reach: reachOfPlan(plan.plan) });
    }
    return sampleOfOwn(own, { size, seed });
  }

  async function compare(
    asked: readonly SampledRow[],
    attempt: number,
  ): Promise<PlacedDifference[]> {
    if (checked.length === 0) return [];
    const training = await store.getHistoricalFeatures({
      features: selectionFrom(checked),
      entities: entityColumnsOf(asked, needed) as never,
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
      const questions = asked.map((row): Question => ({
        keys: keys.map((key) => row.keys[key]!),
        t: row.t,
      }));
      const computed = await sql.answer(questions, run);
      plan.indexes.forEach((index, column) => {
        const values = computed[column]!;
        if (values === null) return;
        const { feature } = checked[index]!;
        asked.forEach((row, place) => {
          const [ours, theirs] = [answers[index]![place]!, values[place]!];
          if (isSame(ours, theirs)) return;
          const isDouble = typeof ours === "number" && typeof theirs === "number";
          const difference: CheckedDifference = {
            feature: nameOf(checked[index]!),
            row: row.row,
            keys: keyTexts(row, needed),
            eventTimestamp: formatTime(row.t),
            tidemark: jsonOf(ours, feature.result),
            trino: jsonOf(theirs, feature.result),
            bits:
              isDouble && feature.result.type === "float64"
                ? { tidemark: hexBits(ours), trino: hexBits(theirs) }
                : null,
          };
          found.push({ place, difference });
        });
        compared += asked.length;
      });
      if (attempt === 1) options.onProgress?.(compared);
    }
    return found.sort((a, b) => a.place - b.place);
  }
}

/** A difference, and the place of its row among those that were asked. */
interface PlacedDifference {
  readonly place: number;
  readonly difference: CheckedDifference;
}

interface CheckedView {
  readonly plan: ReturnType<typeof viewPlans>[number];
  /** For each key of the view's entity: its place among all keys. */
  readonly keys: readonly number[];
  readonly sql: ViewSql;
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
