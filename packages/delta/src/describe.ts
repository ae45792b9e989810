/** Describes a table from its log. */
import type { TableDescription } from "@tidemark/core/spi";
import type { Lake } from "./lake.ts";
import { readEntry } from "./log/log.ts";
import { positionsOf } from "./log/txns.ts";
import { openFile } from "./scan.ts";

/** Settings of `describe`. */
export interface DescribeOptions {
  /** A column of times whose least and greatest value are described. */
  readonly timeColumn?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export async function describeTable(
  lake: Lake,
  table: string,
  { timeColumn, signal }: DescribeOptions,
): Promise<TableDescription | null> {
  const log = await lake.latest(table, signal);
  if (log === null) return null;
  log.checkReadable();
  // The log may move on while a footer is read. The values that the answer needs are taken now.
  const { version } = log;
  const files = [...log.files.values()];
  const positions = positionsOf(table, log.txns);
  let rows = 0;
  let bytes = 0;
  let oldest = Infinity;
  let newest = -Infinity;
  let rangesKnown = timeColumn !== undefined;
  for (const file of files) {
    rows += file.stats.rows ?? (await openFile(lake, table, file, signal)).rows;
    bytes += file.add.size;
    const range = timeColumn === undefined ? null : file.stats.range(timeColumn);
    if (range === null) rangesKnown = false;
    else if (range !== "none") {
      oldest = Math.min(oldest, range.min);
      newest = Math.max(newest, range.max);
    }
  }
  const info = (await readEntry(lake.objects, table, version, signal))?.find(
    (action) => action.commitInfo,
  )?.commitInfo;
  const known = rangesKnown && Number.isFinite(oldest);
  return {
    version,
    rows,
    files: files.length,
    bytes,
    positions,
    committedAt: typeof info?.timestamp === "number" ? info.timestamp * 1000 : null,
    oldest: known ? oldest : null,
    newest: known ? newest : null,
  };
}
