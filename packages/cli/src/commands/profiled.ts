/** Finds what `tidemark profile` and `tidemark drift` name: a source, view, service or file. */
import { stat } from "node:fs/promises";
import type { ProfiledRows } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";
import { loadDelta } from "../modules/optional-packages.ts";
import { usage } from "../terminal/options.ts";

/** A source, a view, a service, or the rows of a file. */
export interface Profiled {
  readonly source?: string;
  readonly view?: string;
  readonly service?: string;
  readonly rows?: ProfiledRows;
}

/**
 * Finds what the name means: a source, or else a view, a service, a Parquet file or a folder of
 * them.
 *
 * @throws USAGE when it is none of them.
 */
export async function profiledNamed(
  name: string,
  definitions: {
    readonly sources: ReadonlyMap<string, unknown>;
    readonly views: ReadonlyMap<string, unknown>;
    readonly services: ReadonlyMap<string, unknown>;
  },
  signal: AbortSignal,
): Promise<Profiled> {
  if (definitions.sources.has(name)) return { source: name };
  if (definitions.views.has(name)) return { view: name };
  if (definitions.services.has(name)) return { service: name };
  const found = await stat(name).catch(() => null);
  if (found !== null) return { rows: await fileRows(name, signal) };
  const { sources, views, services } = definitions;
  const names = [sources, views, services].flatMap((specs) => [...specs.keys()]);
  throw usage(
    `"${name}" is no source, view, service or file${didYouMean(name, names)}; the ` +
      `definitions have ${names.join(", ")}`,
  );
}

/** The rows of a Parquet file. */
export async function fileRows(file: string, signal: AbortSignal): Promise<ProfiledRows> {
  const { readParquet } = await loadDelta(`the Parquet file ${file}`);
  const rows = await readParquet(file, { signal });
  return { name: file, columns: rows.columns, batches: (options) => rows.batches(options) };
}
