/** Plans what Spark reads and computes for each view of a selection. */
import { TidemarkError } from "@tidemark/core";
import type {
  ColumnSpec,
  OfflineStore,
  SelectedBaseFeature,
  SelectedFeature,
  SourceSpec,
} from "@tidemark/core/spi";
import {
  dimensionsOf,
  historyContext,
  historyState,
  inputOf,
  isDerived,
  lookupsOf,
  reachOfPlan,
  readingsOfInput,
  typeSpecOf,
  versionsLayoutOf,
  viewPlans,
} from "@tidemark/core/internal";
import { ROWS_PER_RUN } from "../kernel-engine.ts";
import { jobJson, kernelDimension, rowColumns, type KernelJob } from "../kernel-job.ts";
import { answerTypes } from "../wire/answers.ts";
import type { SparkTable, SparkView } from "./spark-job.ts";

/** The name of the column that has a key of the entity rows. */
export const labelColumn = (key: string): string => `_key_${key}`;

/**
 * Plans the views of a selection over the newest versions of the history.
 *
 * @throws ENGINE_CANNOT when a feature is derived.
 * @throws HISTORY_BEHIND when a table has no versions that these definitions can read.
 */
export async function planViews(
  offline: OfflineStore,
  selection: readonly SelectedFeature[],
  { rowsPerRun = ROWS_PER_RUN, signal }: PlanOptions,
): Promise<readonly SparkView[]> {
  const derived = selection.find(isDerived);
  if (derived !== undefined)
    throw new TidemarkError(
      "ENGINE_CANNOT",
      `feature "${derived.as}" is computed from other features, which Spark does not do: name ` +
        "the features that it reads in its place, or leave out --engine",
    );
  const base = selection as readonly SelectedBaseFeature[];
  const pinned = new Map<string, SparkTable>();
  const tableOf = async (source: SourceSpec): Promise<SparkTable> => {
    const found = pinned.get(source.name) ?? (await pinnedTable(offline, source, signal));
    pinned.set(source.name, found);
    return found;
  };
  const views: SparkView[] = [];
  for (const { view, plan, indexes } of viewPlans(base)) {
    const parts: SparkView["parts"][number][] = [];
    for (const { view: reading, scan } of readingsOfInput(view, inputOf(plan.input.input))) {
      const { source } = reading;
      const named = namesInTable(offline, source);
      parts.push({
        ...(await tableOf(source)),
        keys: reading.keyColumns.map(named),
        time: source.eventTime.kind === "column" ? named(source.eventTime.column) : null,
        columns: scan.columns.map(({ name }) => named(name)),
        specs: scan.columns.map(typeOnly),
      });
    }
    const sources = dimensionsOf(view, plan);
    const dimensions = lookupsOf(plan.input.input).map((node, d) =>
      kernelDimension(node, sources[d]!),
    );
    const kernel: KernelJob = {
      plan,
      keys: view.entity.keys.map((key) => ({ ...typeOnly(key), name: key.name, database: "" })),
      input: "rows",
      dimensions,
      rowsPerRun,
    };
    views.push({
      kernel: jobJson(kernel),
      keys: view.entity.keys.map((key) => ({ ...typeOnly(key), label: labelColumn(key.name) })),
      reach: Number.isFinite(reachOfPlan(plan)) ? reachOfPlan(plan) : null,
      parts,
      dimensions: await Promise.all(
        dimensions.map(async ({ columns }, d) => {
          const named = namesInTable(offline, sources[d]!);
          // the first two columns are known from and known to
          const stored = columns.slice(2);
          return {
            ...(await tableOf(sources[d]!)),
            columns: stored.map(({ name }) => named(name)),
            types: stored.map(({ type }) => type),
          };
        }),
      ),
      columns: rowColumns(kernel).map(({ type }) => type),
      types: answerTypes(plan).map(typeSpecOf),
      outputs: indexes.map((index, answer) => [base[index]!.as, answer]),
    });
  }
  return views;
}

interface PlanOptions {
  readonly rowsPerRun?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The type of a column without what describes it. */
function typeOnly({ type, nullable, precision, scale }: ColumnSpec): ColumnSpec {
  return {
    name: "",
    database: "",
    type,
    nullable,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}

/** Returns the function that names a column as the versions table does. */
function namesInTable(offline: OfflineStore, source: SourceSpec): (name: string) => string {
  const { declared } = historyContext(offline, source).tables;
  return (name) => declared[source.columns.findIndex((column) => column.name === name)]!.name;
}

async function pinnedTable(
  offline: OfflineStore,
  source: SourceSpec,
  signal: AbortSignal | undefined,
): Promise<SparkTable> {
  const context = historyContext(offline, source);
  const declared = source.columns.map(({ name }) => name);
  const state = await historyState(context, signal);
  if (state === null) return { table: null, version: 0, declared };
  const { name } = context.tables.versions;
  if (state.versions === null)
    throw new TidemarkError(
      "HISTORY_BEHIND",
      `${offline.name}: the table ${name} has no versions that these definitions can read, and ` +
        "Spark does not derive them from the change log: run tidemark optimize (store.compact)",
    );
  // the pinned version must have all of the history without corrections
  if ((versionsLayoutOf(state.versions)?.corrections.length ?? 0) > 0)
    throw new TidemarkError(
      "HISTORY_BEHIND",
      `${offline.name}: the table ${name} has corrections that are not merged, because a run ` +
        "compacted it just now: ask again, or stop the run for a moment",
      { retryable: true },
    );
  return { table: name, version: state.versions.version, declared };
}
