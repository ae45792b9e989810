/**
 * The actions of Delta's log that Tidemark writes or reads. Unknown actions are skipped, as the
 * protocol asks.
 */

export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[] | null | undefined;
  readonly writerFeatures?: readonly string[] | null | undefined;
}

export interface MetaData {
  readonly id: string;
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly format: {
    readonly provider: string;
    readonly options: Readonly<Record<string, string>>;
  };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number | null | undefined;
}

export interface Add {
  /** The path relative to the table, URI-encoded. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  readonly stats?: string | null | undefined;
  readonly deletionVector?: unknown;
}

export interface Remove {
  readonly path: string;
  readonly deletionTimestamp?: number | null | undefined;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean | null | undefined;
  readonly partitionValues?: Readonly<Record<string, string | null>> | null | undefined;
  readonly size?: number | null | undefined;
}

export interface Txn {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number | null | undefined;
}

export interface CommitInfo {
  readonly timestamp: number;
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, string>>;
  readonly engineInfo: string;
  /**
   * Identifies the attempt that wrote this entry. After an ambiguous failure it tells whether the
   * entry is this writer's.
   */
  readonly "tidemark.commit"?: string | undefined;
  /**
   * The number of lines of the entry. An entry that was cut off between two lines is detected by
   * it.
   */
  readonly "tidemark.lines"?: number | undefined;
}

export interface Action {
  readonly commitInfo?: CommitInfo | undefined;
  readonly protocol?: Protocol | undefined;
  readonly metaData?: MetaData | undefined;
  readonly add?: Add | undefined;
  readonly remove?: Remove | undefined;
  readonly txn?: Txn | undefined;
}

/** Says what keeps a line of a log entry from being an action; null if nothing does. */
export function problemOf(line: unknown): string | null {
  if (!isObject(line)) return "is no object";
  for (const [name, texts, numbers] of NEEDED) {
    const action = line[name];
    if (action === undefined || action === null) continue;
    if (!isObject(action)) return `has a ${name} that is no object`;
    const text = texts.find((field) => typeof action[field] !== "string");
    const number = numbers.find((field) => !Number.isSafeInteger(action[field]));
    if (text !== undefined || number !== undefined)
      return `has a ${name} without ${text ?? number}`;
  }
  return null;
}

/** The fields that an action must have: texts and whole numbers. */
const NEEDED: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["commitInfo", [], []],
  ["protocol", [], []],
  ["metaData", ["schemaString"], []],
  ["add", ["path"], ["size"]],
  ["remove", ["path"], []],
  ["txn", ["appId"], ["version"]],
];

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
