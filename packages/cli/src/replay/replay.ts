/** Feeds recorded topics to new stores and answers requests from them. */
import {
  micros,
  openStore,
  TidemarkError,
  type Knowledge,
  type NotTaken,
  type RunResult,
  type Store,
} from "@tidemark/core";
import type { Batch } from "@tidemark/core/spi";
import { didYouMean, mismatchText } from "@tidemark/core/internal";
import { setImmediate } from "node:timers/promises";
import { answerLine, answerTexts } from "../output/answers.ts";
import { notTakenLines } from "../output/not-taken.ts";
import { answersFile } from "../output/answers-file.ts";
import { comparison, type Comparison } from "./answer-comparison.ts";
import { loadSelection, type LoadedSelection } from "../input/definitions-file.ts";
import { loadDebezium, loadDelta, loadSqlite } from "../modules/optional-packages.ts";
import { usage } from "../terminal/options.ts";
import { readRequests, type RequestLine } from "./requests.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";

/**
 * The paths to answer by. online: the online store. offline: the history. both: both paths,
 * compared.
 */
export type ReplayPath = "online" | "offline" | "both";

/** Settings of `replay`. */
export interface ReplayOptions {
  /** The file of the module of definitions. */
  readonly definitions: string;
  /** Recorded topics, `.jsonl` or `.jsonl.gz`, in the order of their offsets. */
  readonly topics: readonly string[];
  /** The name of a feature service or a feature view. */
  readonly service: string;
  readonly requests: string;
  readonly path: ReplayPath;
  /**
   * Whether training data is as corrected or as known (law 6). "as-known" needs `path: "offline"`.
   */
  readonly knowledge: Knowledge;
  readonly out: string;
  /**
   * The unit of numbers in timestamp columns, if messages have no schema: `"schema.table.column"` →
   * unit. Default: µs.
   */
  readonly timeUnits?: TimeUnits | undefined;
  /** The table of a topic, by the topic's name or by a pattern between slashes. */
  readonly tables?: Readonly<Record<string, string>> | undefined;
  /** The earlier name of a server whose topic prefix is new, by the new name. */
  readonly servers?: Readonly<Record<string, string>> | undefined;
  /** The connector's `unavailable.value.placeholder`. */
  readonly toastMarker?: string | undefined;
  /** The share of a source's first rows that may be unusable, or "ignore". */
  readonly mismatch?: number | "ignore" | undefined;
  /** A new directory that keeps the stores. */
  readonly keep?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    | ((progress: {
        readonly step: "replay" | "answers";
        readonly done: number;
        readonly total: number | null;
      }) => void)
    | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** The counts and the comparison of a replay. */
export interface ReplayResult {
  readonly changes: number;
  /** All messages of the recordings. */
  readonly messages: number;
  /** What was not taken of them. */
  readonly notTaken: readonly NotTaken[];
  readonly requests: number;
  /** null if only one path answered. */
  readonly comparison: Comparison | null;
}

/** The unit of numeric times, by column. */
export type TimeUnits = Readonly<Record<string, "ns" | "us" | "ms" | "s" | "days">>;

/** The number of requests between two checks of the signal and two reports. */
const REQUESTS_PER_CHECK = 64;

/**
 * Feeds recorded topics to new stores and answers requests from them. Writes the answers to `out`
 * unless the paths differ. Checks the files before anything is replayed.
 *
 * @example
 * const { comparison } = await replay({
 *   definitions: "features.ts",
 *   topics: ["transactions.jsonl"],
 *   service: "fraud_v1",
 *   requests: "requests.jsonl",
 *   path: "both",
 *   knowledge: "as-corrected",
 *   out: "answers.jsonl",
 * });
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  if (options.knowledge === "as-known" && options.path !== "offline") {
    throw usage(
      `--knowledge as-known reads the history, and --path ${options.path} reads the online ` +
        "store, which holds only current rows: leave --path out, or give --path offline",
    );
  }
  const loaded = await loadSelection(options.definitions, options.service);
  refuseUnknownColumns(Object.keys(options.timeUnits ?? {}), loaded);
  refuseUnknownTables(options.tables ?? {}, loaded);
  const requests = await readRequests(options.requests, loaded.keys);
  const out = await answersFile(options.out);
  try {
    const workspace = await createWorkspace(options.keep);
    try {
      const run = await feedStores(loaded, workspace, options);
      const compared = await answerRequests(loaded, requests, workspace, out, options);
      if (compared?.first == null) await out.finish();
      return { ...run, requests: requests.length, comparison: compared };
    } finally {
      await workspace.remove();
    }
  } finally {
    await out.abandon();
  }
}

/** Opens the stores that the path needs. They keep all rows, so every time is answered (law 1). */
async function openStores(
  { selection, name }: LoadedSelection,
  workspace: Workspace,
  { path, onWarning }: ReplayOptions,
): Promise<Store> {
  const sqlite = path === "offline" ? undefined : await loadSqlite("tidemark replay");
  const delta = path === "online" ? null : await loadDelta("tidemark replay");
  return openStore({
    definitions: { [name]: selection },
    online: sqlite && {
      store: sqlite.sqliteOnlineStore(workspace.online, { synchronous: "normal", mmapBytes: 0 }),
      retention: "forever",
      logRetention: "forever",
    },
    offline: delta?.deltaOfflineStore(delta.localObjects(workspace.lake)),
    onOverflow: callOnce(() =>
      onWarning?.(
        "a sum left the range of its type and stands at that type's largest value (law 3)",
      ),
    ),
  });
}

async function feedStores(
  loaded: LoadedSelection,
  workspace: Workspace,
  options: ReplayOptions,
): Promise<RunResult> {
  const { signal, onProgress, onWarning } = options;
  const { recordedTopic } = await loadDebezium("tidemark replay");
  const topics = recordedTopic(options.topics, {
    times: options.timeUnits,
    tables: options.tables,
    servers: options.servers,
    toastMarker: options.toastMarker,
    onWarning: ({ message }) => onWarning?.(message),
  });
  const store = await openStores(loaded, workspace, options);
  try {
    const run = await store.run(topics, {
      signal,
      mismatch: options.mismatch,
      onNotTaken: () => undefined,
      onMismatch: (mismatch) => onWarning?.(mismatchText(mismatch)),
      onProgress: (progress) =>
        onProgress?.({ step: "replay", done: progress.changes, total: progress.total }),
    });
    if (run.changes === 0) {
      const tables = loaded.sources.map(({ table }) => table).join(", ");
      onWarning?.(
        `no message is of a table that "${loaded.name}" reads (${tables}); ` +
          "--table TOPIC=SCHEMA.TABLE says which table a topic holds",
      );
    }
    for (const line of notTakenLines(run.notTaken)) onWarning?.(line);
    const sources = options.path === "offline" ? [] : await store.readiness();
    for (const { source, reason, message } of sources)
      if (reason === "NOT_READY")
        throw new TidemarkError(reason, `source "${source}" is not ready: ${message ?? ""}`);
    for (const { source, online } of await store.status()) {
      const count = online?.quarantinedRows ?? 0;
      if (count === 0) continue;
      const rows =
        count === 1 ? "1 row cannot be read and is" : `${count} rows cannot be read and are`;
      const told = run.notTaken.some((one) => one.source === source && one.kind !== "invalid");
      const [first] = told ? [] : await store.quarantine(source);
      const example =
        first === undefined
          ? ""
          : `; the first is of ${first.topic}, partition ${first.partition}, offset ` +
            `${first.offset} (${first.reason})`;
      onWarning?.(`source "${source}": ${rows} in no window (law 9)${example}`);
    }
    return run;
  } finally {
    await store.close();
  }
}

/** Answers the requests from stores that were closed and opened again. */
async function answerRequests(
  loaded: LoadedSelection,
  requests: readonly RequestLine[],
  workspace: Workspace,
  out: { write(line: string): Promise<void> },
  options: ReplayOptions,
): Promise<Comparison | null> {
  const { path, signal, onProgress } = options;
  const compared = path === "both" ? comparison(loaded.features) : null;
  const store = await openStores(loaded, workspace, options);
  try {
    const online = path === "offline" ? null : onlineAnswers(store, loaded, requests, signal);
    const offline = path === "online" ? null : offlineAnswers(store, loaded, requests, options);
    for (const [i, { line }] of requests.entries()) {
      const served = online === null ? null : ((await online.next()).value as string[]);
      const known = offline === null ? null : ((await offline.next()).value as string[]);
      if (compared !== null) compared.add(line, served!, known!);
      await out.write(answerLine(loaded.features, (served ?? known)!));
      if (i % REQUESTS_PER_CHECK !== 0) continue;
      await setImmediate(undefined, { signal });
      onProgress?.({ step: "answers", done: i + 1, total: requests.length });
    }
    return compared;
  } finally {
    await store.close();
  }
}

/** Yields the online answers. Consecutive requests of the same time are answered together. */
async function* onlineAnswers(
  store: Store,
  { selection }: LoadedSelection,
  requests: readonly RequestLine[],
  signal: AbortSignal | undefined,
): AsyncGenerator<string[]> {
  for (let start = 0, end = 0; start < requests.length; start = end) {
    const { time } = requests[start]!;
    while (end < requests.length && requests[end]!.time === time) end++;
    const batch = await store.getOnlineBatch({
      features: selection,
      entities: requests.slice(start, end).map(({ keys }) => keys),
      asOf: micros(time),
      signal,
    });
    for (let i = 0; i < batch.length; i++) yield answerTexts(batch, i);
  }
}

async function* offlineAnswers(
  store: Store,
  { selection, features }: LoadedSelection,
  requests: readonly RequestLine[],
  { knowledge, signal }: ReplayOptions,
): AsyncGenerator<string[]> {
  const entities = requests.map(({ keys, time }) => ({ ...keys, event_timestamp: micros(time) }));
  const training = await store.getHistoricalFeatures({
    features: selection,
    entities: entities as never,
    knowledge,
    // what the run did not take was told before
    beforeHistory: "empty",
    signal,
  });
  for await (const batch of training.batches() as AsyncIterable<Batch>) {
    for (let i = 0; i < batch.length; i++)
      yield answerTexts(batch, i, batch.columns.length - features.length);
  }
}

/**
 * Refuses a column that no source has. A misspelt column would leave its times wrong by a factor of
 * thousand.
 */
function refuseUnknownColumns(named: readonly string[], { name, sources }: LoadedSelection): void {
  const columns = sources.flatMap(({ table, columns }) =>
    columns
      .filter(({ type }) => type === "timestamp")
      .map(({ database }) => `${table}.${database}`),
  );
  const other = named.find((one) => !columns.includes(one));
  if (other !== undefined)
    throw usage(
      `--time-unit ${other}: "${name}" reads no such timestamp ` +
        `column${didYouMean(other, columns)} (there are ${columns.join(", ")})`,
    );
}

/** Refuses a table that no source has. The rows of its topic would be left out. */
function refuseUnknownTables(
  given: Readonly<Record<string, string>>,
  { name, sources }: LoadedSelection,
): void {
  const known = sources.map(({ table }) => table);
  for (const [topic, table] of Object.entries(given)) {
    if (known.includes(table)) continue;
    throw usage(
      `--table ${topic}=${table}: "${name}" reads no such table${didYouMean(table, known)} ` +
        `(there ${known.length === 1 ? "is" : "are"} ${known.join(", ")})`,
    );
  }
}

function callOnce(call: () => void): () => void {
  let called = false;
  return () => {
    if (called) return;
    called = true;
    call();
  };
}
