/** What the tables of a history are called in a catalog, and where they lie. */

export interface TableLocation {
  readonly table: string;
  /** `s3://bucket/prefix/…`, as Trino reaches it. */
  readonly location: string;
}

/**
 * Two tables per source, `<source>_changes` and `<source>_versions`, below the location of the
 * lake.
 */
export function historyTables(sources: readonly string[], location: string): TableLocation[] {
  return sources.flatMap((source) =>
    ["changes", "versions"].map((table) => ({
      table: `${source.toLowerCase().replace(/[^a-z0-9_]/g, "_")}_${table}`,
      location: `${location.replace(/\/+$/, "")}/${source.replace(/[^A-Za-z0-9_.-]/g, "_")}/${table}`,
    })),
  );
}
