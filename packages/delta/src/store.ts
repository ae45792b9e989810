import { randomUUID } from "node:crypto";
import { TidemarkError, type Duration } from "@tidemark/core";
import type {
  Batch,
  OfflineStore,
  PartitionFilter,
  TableDescription,
  TableSpec,
  TableState,
} from "@tidemark/core/spi";
import { lakeBackups } from "./backups.ts";
import { type Commit, commitTo } from "./commit.ts";
import { removeFiles, writeRows } from "./data-files.ts";
import { describeTable, type DescribeOptions } from "./describe.ts";
import { type DeltaOptions, Lake } from "./lake.ts";
import type { Action, Add } from "./log/actions.ts";
import { readEntry } from "./log/log.ts";
import { checkPartitionFilter, matchesFilter } from "./log/partitions.ts";
import { metadataOf, positionsOf, stepsMatch, txnIds, txnsOf, type TxnSteps } from "./log/txns.ts";
import { checkColumnNames, fieldOf, evolvedFields, schemaString } from "./log/schema.ts";
import type { TableLog } from "./log/state.ts";
import type { ObjectStore } from "./objects.ts";
import { registryEntries } from "./registry-entries.ts";
import { optimizeTable, type OptimizeOptions, type OptimizeResult } from "./optimize.ts";
import { openFile, scanTable } from "./scan.ts";
import { filesToCommit, forgetStaged, lakeStaging } from "./staging.ts";
import { forgetReplacedIn, type ForgetOptions, type ForgetResult } from "./forget-replaced.ts";
import { replaceTableRows } from "./replace-rows.ts";
import { vacuumTable, type VacuumOptions, type VacuumResult } from "./vacuum.ts";

/** An offline store whose tables are in the Delta format. */
export interface DeltaOfflineStore extends OfflineStore {
  /**
   * Joins the small files of each partition. The rows and their order stay; appends and rewrites
   * may run meanwhile.
   *
   * @throws TABLE_MISSING when the table does not exist.
   */
  optimize(table: string, options?: OptimizeOptions): Promise<OptimizeResult>;
  /**
   * Removes files that no version within the retention needs, and the files of writers that died.
   *
   * @throws TABLE_MISSING when the table does not exist.
   */
  vacuum(table: string, options?: VacuumOptions): Promise<VacuumResult>;
  /**
   * Returns rows, files, bytes and times of a table from its log alone; null if the table does not
   * exist.
   */
  describe(table: string, options?: DescribeOptions): Promise<TableDescription | null>;
  /**
   * Removes the values of replaced rows from the statistics in the table's log; with `files` also
   * the files of older versions.
   *
   * @throws TABLE_MISSING when the table does not exist.
   */
  forgetReplaced(table: string, options: ForgetOptions): Promise<ForgetResult>;
  readonly retention: Duration;
}

/**
 * Keeps tables in Delta Lake's format: reader 1, writer 2, no column mapping. Spark, Trino, DuckDB,
 * Polars and delta-rs read the tables directly. Timestamps are int64 µs UTC. Several processes may
 * write one table: a commit creates one entry of its log, only if that entry does not exist. The
 * errors of `objects` are thrown unchanged.
 *
 * @throws DELTA_LOG_DAMAGED when an entry or checkpoint is damaged or missing.
 * @throws PARQUET_DAMAGED when a Parquet file cannot be read.
 * @throws DELTA_UNSUPPORTED when a table uses a feature of Delta that Tidemark does not support.
 * @example
 * const offline = deltaOfflineStore(localObjects("./lake"));
 */
export function deltaOfflineStore(
  objects: ObjectStore,
  options: DeltaOptions = {},
): DeltaOfflineStore {
  const lake = new Lake(objects, options);
  return {
    name: `delta offline store in ${objects.name}`,
    async state(table, { version, signal } = {}) {
      const log =
        version === undefined
          ? await lake.latest(table, signal)
          : await lake.at(table, version, signal);
      if (log === null) return null;
      log.checkReadable();
      const { columns, partitionBy } = log.schema;
      const state: Omit<TableState, "rows"> = {
        version: log.version,
        columns,
        partitionBy,
        positions: positionsOf(table, log.txns),
        metadata: metadataOf(table, log.txns),
      };
      // The log may move on while a footer is read. The values that the answer needs are taken now.
      const files = [...log.files.values()];
      let rows = 0;
      for (const file of files)
        rows += file.stats.rows ?? (await openFile(lake, table, file, signal)).rows;
      return { ...state, rows };
    },
    append: (table, rows, { positions, metadata = [], signal }) =>
      commitTo(
        lake,
        table.name,
        writeCommit(lake, table, rows, { positions, metadata }, null, signal),
        signal,
      ),
    async rewrite(table, rows, options) {
      const { replaced, expectedVersion, positions, metadata = [], staged, signal } = options;
      const replacement = { replaced, expectedVersion, staged };
      const steps = { positions, metadata };
      const commit = writeCommit(lake, table, rows, steps, replacement, signal);
      const done = await commitTo(lake, table.name, commit, signal);
      // Without these objects the files are the table's own. A failure leaves them to vacuum.
      if (done === "done" && staged !== undefined)
        await forgetStaged(lake, table.name, staged.rewrite).catch(() => undefined);
      return done;
    },
    scan: (table, scanOptions) => scanTable(lake, table, scanOptions),
    replaceRows: (table, replaceOptions) => replaceTableRows(lake, table, replaceOptions),
    forgetReplaced: (table, forgetOptions) => forgetReplacedIn(lake, table, forgetOptions),
    optimize: (table, optimizeOptions = {}) => optimizeTable(lake, table, optimizeOptions),
    vacuum: (table, vacuumOptions = {}) => vacuumTable(lake, table, vacuumOptions),
    registry: registryEntries(objects),
    describe: (table, describeOptions = {}) => describeTable(lake, table, describeOptions),
    retention: lake.retention,
    backups: lakeBackups(lake),
    staging: lakeStaging(lake),
    close: async () => undefined,
  };
}

/** Makes the commit of an append, or of a rewrite of the partitions in `replacement`. */
function writeCommit(
  lake: Lake,
  table: TableSpec,
  rows: readonly Batch[] | AsyncIterable<Batch>,
  steps: TxnSteps,
  replacement: {
    readonly replaced: PartitionFilter;
    readonly expectedVersion: number | null;
    readonly staged?: Parameters<typeof filesToCommit>[2] | undefined;
  } | null,
  signal: AbortSignal | undefined,
): Commit {
  let adds: readonly Add[] = [];
  let staged: readonly Add[] = [];
  const isWhole = replacement !== null && Object.keys(replacement.replaced).length === 0;
  let checked = replacement?.expectedVersion ?? -1;
  return {
    operation: "WRITE",
    parameters: {
      mode: replacement === null ? "Append" : "Overwrite",
      partitionBy: JSON.stringify(table.partitionBy),
    },
    async check(log) {
      if (replacement !== null)
        checkPartitionFilter(table.name, table.partitionBy, replacement.replaced);
      if (!stepsMatch(table.name, steps, log?.txns ?? new Map())) return "conflict";
      if (log === null) {
        checkNewTable(table);
        return replacement === null || replacement.expectedVersion === null ? "go" : "conflict";
      }
      checkKnownTable(log, table, { removes: replacement !== null, isWhole });
      if (replacement === null) return "go";
      // the expected version is ahead of the log: the table was made anew
      if (log.version < checked) return "conflict";
      for (const target = log.version; checked < target; checked++) {
        const actions = await readEntry(lake.objects, table.name, checked + 1, signal);
        if (actions === null || conflictsWith(actions, replacement.replaced, txnIds(steps)))
          return "conflict";
      }
      return "go";
    },
    prepare: async () => {
      if (replacement?.staged !== undefined)
        staged = await filesToCommit(lake, table.name, replacement.staged, signal);
      adds = await writeRows(lake, table, rows, signal);
    },
    actions(log) {
      const now = lake.clock();
      const actions: Action[] = [];
      if (log === null) actions.push(...createActions(table, now));
      else {
        const fields = isWhole
          ? table.columns.map(fieldOf)
          : evolvedFields(table.name, log.schema, table.columns);
        const schema = fields === null ? null : schemaString(fields);
        if (schema !== null && schema !== log.metaData!.schemaString)
          actions.push({ metaData: { ...log.metaData!, schemaString: schema } });
      }
      for (const txn of txnsOf(steps, log?.txns ?? new Map(), now)) actions.push({ txn });
      if (replacement !== null && log !== null) {
        for (const { add } of log.files.values()) {
          if (!matchesFilter(replacement.replaced, add.partitionValues)) continue;
          actions.push({
            remove: {
              path: add.path,
              deletionTimestamp: now,
              dataChange: true,
              extendedFileMetadata: true,
              partitionValues: add.partitionValues,
              size: add.size,
            },
          });
        }
      }
      for (const add of [...staged, ...adds]) actions.push({ add });
      return actions;
    },
    // staged files stay for the next attempt
    abandon: () => removeFiles(lake, table.name, adds),
  };
}

/**
 * True if an entry changed rows of those partitions, wrote one of those `txn`s, or restored the
 * table with its positions. Rearranged
 * files (`dataChange: false`) hold the same rows.
 */
function conflictsWith(
  actions: readonly Action[],
  replaced: PartitionFilter,
  ids: ReadonlySet<string>,
): boolean {
  return actions.some(
    ({ add, remove, txn, commitInfo }) =>
      commitInfo?.operation === "RESTORE" ||
      (add?.dataChange === true && matchesFilter(replaced, add.partitionValues)) ||
      (remove?.dataChange === true && matchesFilter(replaced, remove.partitionValues ?? {})) ||
      (txn !== undefined && ids.has(txn.appId)),
  );
}

function createActions(table: TableSpec, now: number): Action[] {
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: randomUUID(),
        format: { provider: "parquet", options: {} },
        schemaString: schemaString(table.columns.map(fieldOf)),
        partitionColumns: table.partitionBy,
        configuration: {},
        createdTime: now,
      },
    },
  ];
}

function checkNewTable(table: TableSpec): void {
  checkColumnNames(
    table.name,
    table.columns.map((column) => column.name),
    table.columns,
  );
  for (const name of table.partitionBy) {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column?.type !== "int32" && column?.type !== "string") {
      throw new TidemarkError(
        "PARTITION_CONFLICT",
        `table "${table.name}": ` +
          (column === undefined
            ? `there is no column "${name}" to part by; `
            : `column "${name}" is ${column.type}; `) +
          "part by an int32 or string column",
      );
    }
  }
}

function checkKnownTable(
  log: TableLog,
  table: TableSpec,
  { removes, isWhole }: { readonly removes: boolean; readonly isWhole: boolean },
): void {
  log.checkWritable(removes);
  const { partitionBy } = log.schema;
  if (
    partitionBy.length !== table.partitionBy.length ||
    partitionBy.some((name, i) => name !== table.partitionBy[i])
  ) {
    throw new TidemarkError(
      "PARTITION_CONFLICT",
      `table "${table.name}" is parted by [${partitionBy.join(", ")}] and not ` +
        `by [${table.partitionBy.join(", ")}]; use its own, or write another table`,
    );
  }
  if (!isWhole) evolvedFields(table.name, log.schema, table.columns);
}
