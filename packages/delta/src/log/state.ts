/** Holds a table's state after the log entries up to one version. */
import { TidemarkError } from "@tidemark/core";
import type { Action, Add, MetaData, Protocol, Remove, Txn } from "./actions.ts";
import { FileDigest, saysFiles } from "./file-digest.ts";
import { decodePath } from "./partitions.ts";
import { parseSchema, type TableSchema } from "./schema.ts";
import { type FileStatistics, parseStats } from "./statistics.ts";

export interface TableFile {
  readonly add: Add;
  /** The path below the table. */
  readonly path: string;
  readonly stats: FileStatistics;
}

/**
 * The state of a table. Entries change it in place, because copying a table of many files at every
 * commit is slow.
 */
export class TableLog {
  readonly table: string;
  version = -1;
  protocol: Protocol | null = null;
  metaData: MetaData | null = null;
  /** The files by `add.path`, in the order of their commits. */
  readonly files: Map<string, TableFile> = new Map();
  readonly removed: Map<string, Remove> = new Map();
  readonly txns: Map<string, Txn> = new Map();
  /** The digest of the paths of `files`. */
  readonly digest: FileDigest = new FileDigest();
  /** True if `txns` differ from those of the log, because another tool restored the table. */
  isRestored = false;
  /** The `txn`s of the log that the restored version did not have. */
  readonly undoneTxns: Set<string> = new Set();
  #schema: TableSchema | null = null;

  constructor(table: string) {
    this.table = table;
  }

  get schema(): TableSchema {
    return (this.#schema ??= parseSchema(this.metaData!));
  }

  apply(version: number, actions: readonly Action[]): void {
    for (const { protocol, metaData, remove, txn } of actions) {
      if (protocol) this.protocol = protocol;
      if (metaData) {
        this.metaData = {
          ...metaData,
          partitionColumns: metaData.partitionColumns ?? [],
          configuration: metaData.configuration ?? {},
        };
        this.#schema = null;
      }
      if (txn) {
        if (txn.version < 0) this.txns.delete(txn.appId);
        else this.txns.set(txn.appId, txn);
      }
      if (remove) {
        if (this.files.delete(remove.path)) this.digest.toggle(remove.path);
        this.removed.set(remove.path, remove);
      }
    }
    // An entry may remove and add the same path with new statistics. Then the add wins.
    for (const { add } of actions) {
      if (!add) continue;
      this.removed.delete(add.path);
      if (!this.files.has(add.path)) this.digest.toggle(add.path);
      this.files.set(add.path, tableFileOf(this.table, add));
    }
    this.version = version;
    if (saysFiles(actions)) {
      this.isRestored = false;
      this.undoneTxns.clear();
    }
  }

  /** Takes the `txn`s of the version that the table was restored to. */
  takeBack(txns: ReadonlyMap<string, Txn>): void {
    for (const appId of this.txns.keys()) if (!txns.has(appId)) this.undoneTxns.add(appId);
    this.txns.clear();
    for (const [appId, txn] of txns) this.txns.set(appId, txn);
    this.isRestored = true;
  }

  /** @throws DELTA_UNSUPPORTED when reading would give wrong rows. */
  checkReadable(): void {
    const { minReaderVersion = 1, readerFeatures } = this.protocol ?? {};
    const unknown = (readerFeatures ?? []).filter((feature) => !READABLE_FEATURES.has(feature));
    const mapped = (this.metaData?.configuration["delta.columnMapping.mode"] ?? "none") !== "none";
    if (minReaderVersion > 3 || unknown.length > 0 || mapped) {
      throw new TidemarkError(
        "DELTA_UNSUPPORTED",
        `table "${this.table}" asks of its readers ` +
          `${mapped ? "column mapping" : unknown.join(", ") || `version ${minReaderVersion}`}, ` +
          "which Tidemark does not read; write it without, or copy it",
      );
    }
  }

  /** @throws DELTA_UNSUPPORTED when writing would break a feature that other writers rely on. */
  checkWritable(removes: boolean): void {
    this.checkReadable();
    const { minWriterVersion = 2, writerFeatures } = this.protocol ?? {};
    const invariant = this.schema.fields.find((field) => "delta.invariants" in field.metadata);
    const refuse = (what: string): TidemarkError =>
      new TidemarkError(
        "DELTA_UNSUPPORTED",
        `table "${this.table}" asks of its writers ${what}, which Tidemark does not do; ` +
          "write to a table of its own",
      );
    if (
      minWriterVersion > 2 &&
      (minWriterVersion !== 7 ||
        (writerFeatures ?? []).some((feature) => !WRITABLE_FEATURES.has(feature)))
    )
      throw refuse(writerFeatures?.join(", ") ?? `version ${minWriterVersion}`);
    if (invariant !== undefined) throw refuse(`an invariant of column "${invariant.name}"`);
    if (removes && this.metaData?.configuration["delta.appendOnly"] === "true")
      throw refuse("that they only append (delta.appendOnly)");
  }
}

const READABLE_FEATURES = new Set(["timestampNtz", "columnMapping", "vacuumProtocolCheck"]);
const WRITABLE_FEATURES = new Set([
  "appendOnly",
  "invariants",
  "timestampNtz",
  "columnMapping",
  "vacuumProtocolCheck",
]);

function tableFileOf(table: string, add: Add): TableFile {
  let stats: FileStatistics | null = null;
  return {
    add,
    path: decodePath(table, add.path),
    get stats() {
      return (stats ??= parseStats(add.stats));
    },
  };
}
