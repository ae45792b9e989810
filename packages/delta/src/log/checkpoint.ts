/**
 * Reads and writes checkpoints. A checkpoint is the whole state of a table in one Parquet file, so
 * readers need no older entries.
 */
import { parquetReadObjects, parquetSchema, type SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { TidemarkError } from "@tidemark/core";
import type { ObjectStore } from "../objects.ts";
import { decompressors, zstd } from "../parquet/codecs.ts";
import { readFooter } from "../parquet/footer.ts";
import { problemOf, type Action } from "./actions.ts";
import { pad } from "./names.ts";
import type { TableLog } from "./state.ts";

const text = (name: string): SchemaElement[] => [
  {
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    logical_type: { type: "STRING" },
    repetition_type: "OPTIONAL",
  },
];
const long = (name: string): SchemaElement[] => [
  { name, type: "INT64", repetition_type: "OPTIONAL" },
];
const int = (name: string): SchemaElement[] => [
  { name, type: "INT32", repetition_type: "OPTIONAL" },
];
const boolean = (name: string): SchemaElement[] => [
  { name, type: "BOOLEAN", repetition_type: "OPTIONAL" },
];
const group = (name: string, ...children: SchemaElement[][]): SchemaElement[] => [
  { name, num_children: children.length, repetition_type: "OPTIONAL" },
  ...children.flat(),
];
const map = (name: string): SchemaElement[] => [
  {
    name,
    num_children: 1,
    repetition_type: "OPTIONAL",
    converted_type: "MAP",
    logical_type: { type: "MAP" },
  },
  { name: "key_value", num_children: 2, repetition_type: "REPEATED" },
  { ...text("key")[0]!, repetition_type: "REQUIRED" },
  ...text("value"),
];
const list = (name: string): SchemaElement[] => [
  {
    name,
    num_children: 1,
    repetition_type: "OPTIONAL",
    converted_type: "LIST",
    logical_type: { type: "LIST" },
  },
  { name: "list", num_children: 1, repetition_type: "REPEATED" },
  ...text("element"),
];

const COLUMNS = {
  txn: group("txn", text("appId"), long("version"), long("lastUpdated")),
  add: group(
    "add",
    text("path"),
    map("partitionValues"),
    long("size"),
    long("modificationTime"),
    boolean("dataChange"),
    text("stats"),
    map("tags"),
  ),
  remove: group(
    "remove",
    text("path"),
    long("deletionTimestamp"),
    boolean("dataChange"),
    boolean("extendedFileMetadata"),
    map("partitionValues"),
    long("size"),
  ),
  metaData: group(
    "metaData",
    text("id"),
    text("name"),
    text("description"),
    group("format", text("provider"), map("options")),
    text("schemaString"),
    list("partitionColumns"),
    map("configuration"),
    long("createdTime"),
  ),
  protocol: group(
    "protocol",
    int("minReaderVersion"),
    int("minWriterVersion"),
    list("readerFeatures"),
    list("writerFeatures"),
  ),
};

export interface CheckpointFile {
  readonly version: number;
  readonly actions: number;
  readonly files: number;
  readonly bytes: Uint8Array;
}

/**
 * Makes a checkpoint synchronously, while the state cannot change. Removed files older than
 * `expired` (ms) are left out.
 */
export function checkpointOf(log: TableLog, expired: number): CheckpointFile {
  const rows: Record<string, unknown>[] = [
    { protocol: log.protocol },
    { metaData: { ...log.metaData, createdTime: toBigInt(log.metaData!.createdTime) } },
  ];
  for (const txn of log.txns.values())
    rows.push({
      txn: { ...txn, version: BigInt(txn.version), lastUpdated: toBigInt(txn.lastUpdated) },
    });
  for (const remove of log.removed.values()) {
    if ((remove.deletionTimestamp ?? 0) < expired) continue;
    rows.push({
      remove: {
        ...remove,
        deletionTimestamp: toBigInt(remove.deletionTimestamp),
        dataChange: false,
        size: toBigInt(remove.size),
      },
    });
  }
  for (const { add } of log.files.values())
    rows.push({
      add: {
        ...add,
        size: BigInt(add.size),
        modificationTime: BigInt(add.modificationTime),
        dataChange: false,
      },
    });
  const names = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
  const bytes = parquetWriteBuffer({
    schema: [
      { name: "schema", num_children: names.length },
      ...names.flatMap((name) => COLUMNS[name]),
    ],
    columnData: names.map((name) => ({ name, data: rows.map((row) => row[name] ?? null) })),
    codec: "ZSTD",
    compressors: { ZSTD: zstd },
    statistics: false,
    createdBy: "tidemark",
  });
  return {
    version: log.version,
    actions: rows.length,
    files: log.files.size,
    bytes: new Uint8Array(bytes),
  };
}

function toBigInt(value: number | null | undefined): bigint | null {
  return value === null || value === undefined ? null : BigInt(Math.trunc(value));
}

/**
 * Writes the checkpoint durably before `_last_checkpoint` names it. If the process dies between the
 * two, a listing still finds the checkpoint.
 */
export async function writeCheckpoint(
  objects: ObjectStore,
  table: string,
  checkpoint: CheckpointFile,
  failpoint: (name: string) => void | Promise<void>,
): Promise<void> {
  await failpoint("checkpoint");
  await objects.put(
    `${table}/_delta_log/${pad(checkpoint.version)}.checkpoint.parquet`,
    checkpoint.bytes,
  );
  await failpoint("checkpoint-written");
  const last = {
    version: checkpoint.version,
    size: checkpoint.actions,
    sizeInBytes: checkpoint.bytes.length,
    numOfAddFiles: checkpoint.files,
  };
  await objects.put(
    `${table}/_delta_log/_last_checkpoint`,
    new TextEncoder().encode(JSON.stringify(last)),
  );
}

/** @throws DELTA_LOG_DAMAGED when the checkpoint cannot be read. */
export async function readCheckpoint(
  objects: ObjectStore,
  key: string,
  signal: AbortSignal | undefined,
): Promise<readonly Action[]> {
  const bytes = await objects.read(key, undefined, { signal });
  try {
    if (bytes === null) throw new Error("it is gone");
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { metadata } = await readFooter({
      name: key,
      size: bytes.length,
      advice: "",
      read: async (from, to) => bytes.slice(from, to),
    });
    // Every row of a checkpoint has a path or a name of its own.
    if (metadata.num_rows > BigInt(bytes.length))
      throw new Error(`it claims ${metadata.num_rows} rows`);
    const columns = parquetSchema(metadata)
      .children.map((child) => child.element.name)
      .filter((name) => name in COLUMNS);
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      columns,
      compressors: decompressors,
    });
    return rows.map((row, i) => {
      const action = withoutBigInts(row) as Action;
      const wrong = problemOf(action);
      if (wrong !== null) throw new Error(`row ${i + 1} ${wrong}`);
      return action;
    });
  } catch (error) {
    throw new TidemarkError(
      "DELTA_LOG_DAMAGED",
      `${objects.name}: checkpoint "${key}" cannot be read (${(error as Error).message}); ` +
        "delete it if the log entries before it are still there, " +
        "else put it back from a copy of the lake",
      { cause: error },
    );
  }
}

/** Replaces bigints by numbers: sizes, times and offsets are safe integers. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withoutBigInts(member)]),
  );
}
