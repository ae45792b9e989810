/** Writes versions as an older Tidemark wrote them: in buckets by primary key, without a layout. */
import type { HistoryContext } from "../../src/offline/history-context.ts";
import { bucketState } from "../../src/offline/uncompacted-log.ts";
import { definitionText } from "../../src/offline/versions-definition.ts";
import type { Batch, MetadataStep } from "../../src/spi.ts";

/** The versions of a history, in buckets by primary key. */
export interface OlderVersions {
  /** Appends them to the versions table of a history that has none. */
  writeTo(context: HistoryContext): Promise<void>;
}

/** Reads the versions of a history all of whose corrections are merged. */
export async function olderVersionsOf(
  { offline, source, tables, rows }: HistoryContext,
  buckets: number,
): Promise<OlderVersions> {
  const columns = tables.versions.columns.map(({ name }) => name);
  const byBucket: Batch[] = [];
  for await (const batch of offline.scan(tables.versions.name, { columns })) {
    const own = Int32Array.from({ length: batch.length }, (_, i) =>
      rows.bucketOf(rows.textOf(rows.keyAt(batch, i)), buckets),
    );
    const vectors = batch.vectors.with(columns.indexOf("_bucket"), {
      kind: "int32",
      values: own,
      valid: null,
    });
    byBucket.push({ ...batch, columns: tables.versions.columns, vectors });
  }
  const { reached, truncates } = bucketState(await offline.state(tables.versions.name), 0);
  const state = JSON.stringify({
    reached,
    truncates: truncates.map((one) => ({
      ...one,
      order: String(one.order),
      ...(one.end === undefined ? {} : { end: String(one.end) }),
    })),
  });
  const step = (key: string, next: string): MetadataStep => ({ key, expected: null, next });
  const metadata = [
    step("definition", definitionText(source)),
    step("buckets", String(buckets)),
    ...Array.from({ length: buckets }, (_, bucket) => step(`bucket/${bucket}`, state)),
  ];
  return {
    async writeTo(context) {
      await context.offline.append(context.tables.versions, byBucket, { positions: [], metadata });
    },
  };
}
