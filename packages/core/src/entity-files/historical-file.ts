/** Computes a training set from a file of entity rows, for the command and the server. */
import type { Batch } from "../columns/batch.ts";
import { selectionFrom } from "../define/selection.ts";
import { isTidemarkError, TidemarkError } from "../errors.ts";
import type { BeforeHistory, Knowledge, TrainingSet } from "../request/request-types.ts";
import type { ColumnSpec, SelectedFeature } from "../specs.ts";
import type { Store } from "../store/store-types.ts";
import type { EntityFile } from "./entity-file-types.ts";

export interface HistoricalFileOptions {
  /** The file as messages name it. */
  readonly file: string;
  readonly entities: EntityFile;
  readonly features: readonly SelectedFeature[];
  readonly knowledge: Knowledge;
  readonly beforeHistory: BeforeHistory;
  /** Bytes. */
  readonly memoryLimit?: number | undefined;
  readonly workers?: number | undefined;
  readonly signal: AbortSignal;
  /** Writes the rows, such as into a Parquet file. It reads the batches once. */
  readonly write: (training: HistoricalRows) => Promise<void>;
  /** Called when rows were computed, with their number so far and all rows of the file. */
  readonly onRows: (rows: number, of: number | null) => void;
  readonly onWarning: (message: string) => void;
}

/** The rows of a training set, as a Parquet writer takes them. */
export interface HistoricalRows {
  readonly columns: readonly ColumnSpec[];
  readonly batches: AsyncIterable<Batch>;
}

export interface HistoricalFileResult {
  readonly rows: number;
  readonly features: readonly string[];
  readonly coverage: TrainingSet<unknown>["coverage"];
}

/** Warns of each column of the file that cannot ride along. */
export function warnOfUnsupportedColumns(
  file: string,
  { unsupportedColumns }: Pick<EntityFile, "unsupportedColumns">,
  onWarning: (message: string) => void,
): void {
  for (const { name, holds } of unsupportedColumns)
    onWarning(
      `${file}: column "${name}" is ${holds}, which Tidemark does not hold, and is left out; ` +
        "cast it to text to carry it",
    );
}

/** Computes the training set of the file and has it written. Errors of a row name the file. */
export async function historicalFeaturesOfFile(
  store: Pick<Store, "getHistoricalFeatures">,
  options: HistoricalFileOptions,
): Promise<HistoricalFileResult> {
  const { file, entities, features, knowledge, beforeHistory, signal, onWarning } = options;
  warnOfUnsupportedColumns(file, entities, onWarning);
  try {
    const training = await store.getHistoricalFeatures({
      features: selectionFrom(features),
      entities: entities as never,
      knowledge,
      beforeHistory,
      memoryLimit: options.memoryLimit,
      workers: options.workers,
      signal,
    });
    let rows = 0;
    const batches = async function* (): AsyncGenerator<Batch> {
      for await (const batch of training.batches()) {
        yield batch;
        rows += batch.length;
        options.onRows(rows, entities.rows);
      }
    };
    await options.write({ columns: training.columns, batches: batches() });
    signal.throwIfAborted();
    for (const name of entities.flooredColumns)
      onWarning(
        `${file}: column "${name}" has nanoseconds, and times are carried to the microsecond: ` +
          "the digits beyond are left out (law 10)",
      );
    return { rows, features: features.map(({ as }) => as), coverage: training.coverage };
  } catch (error) {
    // The training set's message names the row. Add the file.
    const ofEntityRow = isTidemarkError(error) && /^entity (?:rows?|columns)\b/.test(error.message);
    throw ofEntityRow
      ? new TidemarkError<string>(error.code, `${file}: ${error.message}`, { cause: error })
      : error;
  }
}
