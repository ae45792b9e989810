/** Names the tables of a history in a catalog, and their locations. */

export interface TableLocation {
  readonly table: string;
  /** The table's location as Trino reaches it, such as `s3://bucket/prefix/…`. */
  readonly location: string;
}

/**
 * Returns two tables per source, `<source>_changes` and `<source>_versions`, below the location of
 * the lake.
 *
 * @example
 * const tables = historyTables(["transactions"], "s3://bank/lake");
 */
export function historyTables(sources: readonly string[], location: string): TableLocation[] {
  return sources.flatMap((source) =>
    ["changes", "versions"].map((table) => ({
      table: `${source.toLowerCase().replace(/[^a-z0-9_]/g, "_")}_${table}`,
      location: [location.replace(/\/+$/, ""), source.replace(/[^A-Za-z0-9_.-]/g, "_"), table].join(
        "/",
      ),
    })),
  );
}
