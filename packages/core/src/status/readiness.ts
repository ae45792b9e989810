/** Says for each source whether requests for its features are answered, and why not. */
import { historyContext } from "../offline/history-context.ts";
import { hasOnlyOtherTables } from "../online/build-tables.ts";
import { isTidemarkError } from "../errors.ts";
import { layoutFor, readSourceState } from "../online/source-state.ts";
import { skippedNear } from "../online/skipped-messages.ts";
import { unreadableSource } from "../online/unreadable-source.ts";
import { tablesOf } from "../rows/source-tables.ts";
import { sourcesOfView } from "../plan/columns-read.ts";
import type { SourceSpec, ViewSpec } from "../specs.ts";
import type { OfflineStore, OnlineStore } from "../spi.ts";
import { featuresToBackfill } from "./backfill-status.ts";

/** Whether requests for the features of a source are answered. */
export interface SourceReadiness {
  readonly source: string;
  /** Whether the source was level once with its log or its history. A push source always is. */
  readonly isReady: boolean;
  /** The features that need a backfill, as `view.feature`. */
  readonly needsBackfill: readonly string[];
  /**
   * The code that a request gets: `NOT_READY`, `NEEDS_BACKFILL`, or the code of a store that does
   * not answer. null: every feature of the source is answered.
   */
  readonly reason: string | null;
  /** The reason in words, and the next step; null without a reason. */
  readonly message: string | null;
}

interface ReadinessOptions {
  readonly online: OnlineStore;
  readonly offline: OfflineStore | undefined;
  readonly namespace: string;
  readonly views: readonly ViewSpec[];
  readonly serveWhileFilling: boolean;
}

/** Reads the readiness of a source. A store that does not answer is a reason, and no error. */
export async function sourceReadiness(
  source: SourceSpec,
  options: ReadinessOptions,
): Promise<SourceReadiness> {
  const { online, namespace, views, serveWhileFilling } = options;
  const isRead = views.some((view) => sourcesOfView(view).some(({ name }) => name === source.name));
  try {
    const state = await readSourceState(online, namespace, layoutFor(source, views));
    const isReady =
      state.isReady &&
      (source.push !== true || state.version !== null || !(await hasHistory(source, options)));
    const needsBackfill = featuresToBackfill(state, source, views);
    const known = { source: source.name, isReady, needsBackfill };
    if (needsBackfill.length > 0) {
      const count = needsBackfill.length;
      return {
        ...known,
        reason: "NEEDS_BACKFILL",
        message:
          `${count} feature${count === 1 ? " needs" : "s need"} a backfill: ` +
          (await nextStep(source, options)),
      };
    }
    if (!isReady && !serveWhileFilling && isRead)
      return {
        ...known,
        reason: "NOT_READY",
        message: hasOnlyOtherTables(state)
          ? "its table is another one since the last run: run tidemark run"
          : ((await mistake(source, options)) ??
            `it was never level with its log or history: ${await nextStep(source, options)}`),
      };
    return { ...known, reason: null, message: null };
  } catch (error) {
    const code = isTidemarkError(error) ? error.code : "STORE_FAILED";
    return {
      source: source.name,
      isReady: false,
      needsBackfill: [],
      reason: code,
      message: `the online store does not answer (${code}): see the log of the process`,
    };
  }
}

/**
 * Whether rows of a push source may be in the history only. A history that does not answer may have
 * some.
 */
async function hasHistory(source: SourceSpec, { offline }: ReadinessOptions): Promise<boolean> {
  if (offline === undefined) return false;
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name).catch(() => "unavailable" as const);
  return log !== null;
}

/** Says which mistake keeps a source from being ready; null: none is known. */
async function mistake(
  source: SourceSpec,
  { online, namespace }: ReadinessOptions,
): Promise<string | null> {
  const unreadable = await unreadableSource(online, namespace, source.name);
  if (unreadable !== null)
    return (
      `none of its messages could be read (${unreadable.reason}): change what the first of them ` +
      "asks for, then run tidemark retry and tidemark run"
    );
  if ((await online.positions(source.name)).length > 0) return null;
  const near = await skippedNear(online, namespace, tablesOf(source));
  if (near === null) return null;
  return (
    `no message is of its table ${source.table}, and ${near.count} ` +
    `${near.count === 1 ? "message" : "messages"} of ${near.first.topic} ` +
    `${near.count === 1 ? "belongs" : "belong"} to no source: correct the table and run again, ` +
    "or take the table as empty with --mismatch ignore"
  );
}

/** A backfill helps where there is a history. */
async function nextStep(source: SourceSpec, { offline }: ReadinessOptions): Promise<string> {
  const run = "read its log from the beginning with tidemark run";
  if (offline === undefined) return run;
  const { tables } = historyContext(offline, source);
  const log = await offline.state(tables.changes.name).catch(() => "unavailable" as const);
  if (log === "unavailable") return "run tidemark backfill when the history answers again";
  return log === null ? `the history has nothing of it, so ${run}` : "run tidemark backfill";
}
