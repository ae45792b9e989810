/** Opens the builds of a source for writing: the served build, and the one in progress. */
import { TidemarkError } from "../errors.ts";
import { buildWriter, type BuildWriter, type BuildWriterOptions } from "./build-writer.ts";
import { buildInProgressKey, readSourceBuilds, type SourceBuilds } from "./source-builds.ts";
import { decodeSourceState, emptySourceState, sourceStateKey } from "./source-state.ts";

export interface OpenBuilds {
  readonly builds: SourceBuilds;
  readonly served: BuildWriter;
  readonly inProgress: BuildWriter | null;
}

/** The number of readings until the builds and their states are of one moment. */
const ATTEMPTS = 100;

export async function openBuilds(options: BuildWriterOptions): Promise<OpenBuilds> {
  const { store, namespace, layout } = options;
  const { name } = layout.source;
  const stateKey = sourceStateKey(namespace, name);
  const inProgressKey = buildInProgressKey(namespace, name);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const builds = await readSourceBuilds(store, name);
    const keys = builds.inProgress === null ? [stateKey] : [stateKey, inProgressKey];
    const [cell, inProgressCell = null] = await store.read(keys);
    const served = cell == null ? emptySourceState(layout) : decodeSourceState(store, name, cell);
    const inProgress =
      inProgressCell === null ? null : decodeSourceState(store, name, inProgressCell);
    if (served.build !== builds.served || (inProgress?.build ?? null) !== builds.inProgress)
      continue;
    return {
      builds,
      served: buildWriter(served, stateKey, options),
      inProgress:
        inProgress === null
          ? null
          : buildWriter(inProgress, inProgressKey, { ...options, inProgress: true }),
    };
  }
  throw contended(store.name, name, ATTEMPTS);
}

/** The error of a writer that other writers were ahead of too often. */
export function contended(store: string, source: string, attempts: number): TidemarkError {
  return new TidemarkError(
    "ONLINE_STORE_CONTENDED",
    `${store}: ${attempts} attempts to write source "${source}" met other ` +
      "writers; run fewer runners over one store",
    { retryable: true },
  );
}
