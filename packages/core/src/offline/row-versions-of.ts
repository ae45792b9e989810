/**
 * Reads every version of some rows, from the versions table and the log tail. Only the buckets of
 * these rows are read.
 */
import type { HistoryContext } from "./history-context.ts";
import { compareVersions, type RowVersion } from "../rows/row-versions.ts";
import { bucketsOf, readUncompacted } from "./uncompacted-log.ts";
import { mergeBucket } from "./merge-versions.ts";
import { storedVersions } from "./stored-versions.ts";
import type { HistoryState } from "./version-events.ts";

/** Yields row after row, with its versions oldest first. A row without versions is left out. */
export async function* rowVersionsOf(
  context: HistoryContext,
  state: HistoryState,
  wanted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly text: string; readonly versions: readonly RowVersion[] }> {
  const { offline, source, tables, rows } = context;
  const buckets = bucketsOf(context, state.versions);
  const uncompacted = await readUncompacted(offline, source, tables, rows, {
    ...state,
    buckets,
    signal,
  });
  const columns = tables.versions.columns.map((column) => column.name);
  const asked = new Set([...wanted].map((text) => rows.bucketOf(text, buckets)));
  for (const bucket of asked) {
    const found = new Map<string, RowVersion[]>();
    const add = (text: string, version: RowVersion): void => {
      const known = found.get(text);
      if (known === undefined) found.set(text, [version]);
      else known.push(version);
    };
    const merge = mergeBucket(
      context,
      bucket,
      uncompacted.rows[bucket]!,
      uncompacted.truncates[bucket]!,
      { ...state, signal },
    );
    if (state.versions !== null)
      for await (const batch of storedVersions(context, state.versions, {
        columns,
        olderBucket: bucket,
        signal,
      })) {
        const kept = merge.keep(batch);
        for (let i = 0; i < batch.length; i++) {
          if (kept[i] === 0) continue;
          const text = rows.textOf(rows.keyAt(batch, i));
          if (wanted.has(text)) add(text, rows.versionAt(batch, i));
        }
      }
    const { changed, added } = await merge.merged();
    for (const { key, version } of [...changed, ...added]) {
      const text = rows.textOf(key);
      if (wanted.has(text)) add(text, version);
    }
    for (const [text, versions] of found) yield { text, versions: versions.sort(compareVersions) };
  }
}
