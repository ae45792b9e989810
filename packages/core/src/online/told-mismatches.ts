/**
 * Keeps the mismatches that runs told, in a cell of the namespace. A status then shows them also
 * where no row was taken, or where the stores keep no count of them.
 */
import { cellKeys } from "../columns/key-bytes.ts";
import { EVENT_TIME_AHEAD, type SourceMismatch } from "../ingest/source-fit.ts";
import { decodeJson, encodeJson } from "./json-cell.ts";
import type { SourceSpec } from "../specs.ts";
import type { CellWrite, OnlineStore } from "../spi.ts";
import { isRetryable } from "../errors.ts";
import type { RunSettings } from "../ingest/runner.ts";

/** A mismatch, with the definition that did not fit. */
interface ToldMismatch extends SourceMismatch {
  readonly declared: string;
}

/** The most mismatches that the cell keeps. The oldest are dropped first. */
const LIMIT = 200;
const ATTEMPTS = 20;

function mismatchesKey(namespace: string): Uint8Array {
  return cellKeys(namespace, "told-mismatches", [])([]);
}

/** The part of a definition that a mismatch is about. Another definition may fit. */
function declaredAs({ table, columns, primaryKey }: SourceSpec, column: string | null): string {
  const names = column === null ? primaryKey : column.split(", ");
  return JSON.stringify([table, columns.filter(({ name }) => names.includes(name))]);
}

/**
 * Runs, and keeps the mismatches that the run tells. They only inform, so a store that does not
 * answer ends no run.
 */
export async function keepMismatches<T>(
  store: OnlineStore,
  namespace: string,
  sources: readonly SourceSpec[],
  { onMismatch, ...settings }: RunSettings,
  run: (settings: RunSettings) => Promise<T>,
): Promise<T> {
  const kept: Promise<void>[] = [];
  const keep = async (mismatch: SourceMismatch): Promise<void> => {
    const source = sources.find(({ name }) => name === mismatch.source);
    if (source === undefined) return;
    await writeToldMismatch(store, namespace, source, mismatch).catch((error: unknown) => {
      if (!isRetryable(error)) throw error;
    });
  };
  try {
    return await run({
      ...settings,
      onMismatch(mismatch) {
        const writing = keep(mismatch);
        // the end of the run throws what failed
        writing.catch(() => undefined);
        kept.push(writing);
        onMismatch?.(mismatch);
      },
    });
  } finally {
    await Promise.all(kept);
  }
}

/** Adds a mismatch of a source. The newest of a column and reason is kept. */
async function writeToldMismatch(
  store: OnlineStore,
  namespace: string,
  source: SourceSpec,
  mismatch: SourceMismatch,
): Promise<void> {
  // Planned times are no mistake, so a status does not repeat them.
  if (mismatch.reason === EVENT_TIME_AHEAD) return;
  const told: ToldMismatch = { ...mismatch, declared: declaredAs(source, mismatch.column) };
  const isSame = (one: ToldMismatch): boolean =>
    one.source === told.source && one.column === told.column && one.reason === told.reason;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [cell = null] = await store.read([mismatchesKey(namespace)]);
    const before = cell === null ? [] : (decodeJson(cell.value) as readonly ToldMismatch[]);
    const all = [...before.filter((one) => !isSame(one)), told].slice(-LIMIT);
    const written = {
      key: mismatchesKey(namespace),
      value: encodeJson(all),
      expected: cell?.version ?? null,
      expires: null,
    };
    if ((await store.write({ source: "", cells: [written], positions: [] })) === "done") return;
  }
}

/**
 * The writes that remove the mismatches of a source, whose examples quote values of rows. Empty:
 * there are none.
 */
export async function withoutToldMismatches(
  store: OnlineStore,
  namespace: string,
  source: string,
): Promise<readonly CellWrite[]> {
  const [cell = null] = await store.read([mismatchesKey(namespace)]);
  if (cell === null) return [];
  const all = decodeJson(cell.value) as readonly ToldMismatch[];
  const others = all.filter((one) => one.source !== source);
  if (others.length === all.length) return [];
  const key = mismatchesKey(namespace);
  return [{ key, value: encodeJson(others), expected: cell.version, expires: null }];
}

/** Lists the mismatches that runs told of a source under its definition of now. */
export async function toldMismatches(
  store: OnlineStore,
  namespace: string,
  source: SourceSpec,
): Promise<readonly SourceMismatch[]> {
  const [cell = null] = await store.read([mismatchesKey(namespace)]);
  const all = cell === null ? [] : (decodeJson(cell.value) as readonly ToldMismatch[]);
  return all.filter(
    ({ source: name, column, declared }) =>
      name === source.name && declared === declaredAs(source, column),
  );
}
