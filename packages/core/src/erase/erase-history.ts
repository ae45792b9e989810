/**
 * Erases the rows of entities from the history of a source: from its change log, then from its
 * versions. Each table changes in one commit, or in a few where many rows are erased. A later call
 * does what is left.
 */
import { historyContext, type HistoryContext } from "../offline/history-context.ts";
import { selectRows, valueAt, type Batch } from "../columns/batch.ts";
import {
  changeLogEncoder,
  changesReader,
  READ_COLUMNS,
  readChangeLog,
} from "../offline/change-log.ts";
import { rewriteVersions } from "../offline/rewrite-versions.ts";
import { derivedUnder } from "../offline/versions-definition.ts";
import { fenceCompaction } from "../offline/versions-erasures.ts";
import { checkedChangeLog } from "../offline/history-tables.ts";
import { rowChangesOf } from "../rows/row-change.ts";
import { columnsDifference, rowsDifference } from "../rows/definition-differences.ts";
import type { SourceSpec, Value } from "../specs.ts";
import type { Change, UncommittedRows } from "../spi.ts";
import { eventLoopYielder } from "../yield-to-event-loop.ts";
import { planChanges, type ChangesPlan } from "./changes-plan.ts";
import {
  ATTEMPTS,
  contended,
  editedRows,
  rowsIn,
  type ErasedRows,
  type EraseHistoryOptions,
} from "./edit-rows.ts";
import type { Belonging } from "./entity-columns.ts";
import { eraseVersions } from "./erase-versions.ts";
import { placeOf } from "./shared-key-texts.ts";

/** Finds the rows of the entities under a definition of the source. */
type FindBelonging = (source: SourceSpec) => Belonging;

export async function eraseHistory(
  context: HistoryContext,
  belongingIn: FindBelonging,
  options: EraseHistoryOptions,
): Promise<readonly ErasedRows[]> {
  const { offline, tables, source } = context;
  const { signal } = options;
  const log = await offline.state(tables.changes.name, { signal });
  if (checkedChangeLog(offline.name, tables.changes.name, log) === null) return [];
  const belonging = belongingIn(source);
  const versions = await versionsContext(context, signal);
  // versions of another definition name other rows or columns, so they are derived anew
  const isOther =
    versions !== null &&
    (rowsDifference({ ...versions.source, eventTime: source.eventTime }, source) !== null ||
      columnsDifference(versions.source.columns, source, belonging.columns) !== null);
  const inLog = await rowsInLog(context, belonging, options);
  let wanted: ReadonlySet<string> = new Set([
    ...inLog.rows,
    ...(versions === null || isOther
      ? []
      : await rowsInVersions(versions, belongingIn(versions.source), options)),
  ]);
  if (wanted.size === 0 && !inLog.hasMessages && !isOther) return [];
  // a snapshot row may hold from before it was read, and the delete in its place does not
  const hasSince =
    versions?.source.eventTime.kind === "committed" && versions.source.eventTime.since !== null;
  let anew = isOther ? context : null;
  let changes: ErasedRows = { table: tables.changes.name, removed: 0, reduced: 0 };
  let derived: ErasedRows = { table: tables.versions.name, removed: 0, reduced: 0 };
  for (let attempt = 0; ;) {
    const plan = await planChanges(context, belonging, wanted, options);
    const erased = await eraseChanges(context, plan, options);
    if (erased === null) {
      if (++attempt === ATTEMPTS) throw contended(offline, tables.changes.name);
      continue;
    }
    changes = added(changes, erased);
    if (versions !== null && !isOther && plan.keys.size > 0) {
      const erase = (dryRun: boolean): Promise<ErasedRows> =>
        eraseVersions(versions, belongingIn(versions.source), plan, { ...options, dryRun });
      const counted = hasSince ? await erase(true) : null;
      const isAnew = counted !== null && counted.reduced > 0;
      if (isAnew) anew = versions;
      derived = added(derived, isAnew ? counted : await erase(options.dryRun));
    }
    wanted = plan.left;
    if (wanted.size === 0) break;
  }
  if (versions === null) return [changes];
  if (isOther && options.dryRun) return [changes];
  if (anew !== null && !options.dryRun) {
    await fenceCompaction(offline, tables, signal);
    const rows = (await offline.state(tables.versions.name, { signal }))?.rows ?? 0;
    await rewriteVersions(anew, { afterErasure: true, signal });
    if (isOther) derived = { ...derived, reduced: rows };
  }
  return [changes, derived];
}

function added(one: ErasedRows, more: ErasedRows): ErasedRows {
  return {
    table: one.table,
    removed: one.removed + more.removed,
    reduced: one.reduced + more.reduced,
  };
}

/**
 * Says whether a file of a change log that no version names holds images of the entities. A writer
 * that died left it.
 */
export function isErasedChange(
  source: SourceSpec,
  { belongs, isOwnKey, isInMessage, withoutErasedOldKey }: Belonging,
): UncommittedRows {
  const changesIn = changesReader(source);
  const rowChanges = rowChangesOf(source);
  return {
    columns: READ_COLUMNS,
    isErased(batch) {
      for (const change of changesIn(batch))
        if (
          isInMessage(change) ||
          withoutErasedOldKey(change) !== change ||
          rowChanges(change).some(
            ({ key, change: { values, loggedCommitTime: committed } }) =>
              isOwnKey(key, committed) || (values !== null && belongs(values, committed)),
          )
        )
          return true;
      return false;
    },
  };
}

/** The same of a versions table, under the definition of its versions. */
export async function isErasedVersion(
  context: HistoryContext,
  belongingIn: FindBelonging,
  signal: AbortSignal | undefined,
): Promise<UncommittedRows | null> {
  const versions = await versionsContext(context, signal);
  if (versions === null) return null;
  const { source, tables, rows } = versions;
  const { belongs, isOwnKey } = belongingIn(source);
  return {
    columns: tables.versions.columns.map(({ name }) => name),
    isErased: (batch) =>
      rowsIn(batch).some((i) => {
        const { values, committed } = rows.versionAt(batch, i);
        return (
          isOwnKey(rows.keyAt(batch, i), committed) ||
          (values !== null && belongs(values, committed))
        );
      }),
  };
}

/** The context of the definition that the versions were derived under; null: there are none. */
async function versionsContext(
  { offline, source, tables }: HistoryContext,
  signal: AbortSignal | undefined,
): Promise<HistoryContext | null> {
  const state = await offline.state(tables.versions.name, { signal });
  return state === null ? null : historyContext(offline, derivedUnder(source, state) ?? source);
}

interface RowsInLog {
  /** The keys of all rows that belonged to an erased entity at any time, as texts. */
  readonly rows: ReadonlySet<string>;
  /** Whether a message without a readable primary key holds an image of an erased entity. */
  readonly hasMessages: boolean;
}

async function rowsInLog(
  { offline, source, tables, rows }: HistoryContext,
  { belongs, isOwnKey, isInMessage, withoutErasedOldKey }: Belonging,
  { signal }: EraseHistoryOptions,
): Promise<RowsInLog> {
  const keys = new Set<string>();
  let hasMessages = false;
  const rowChanges = rowChangesOf(source);
  const yieldToEventLoop = eventLoopYielder();
  const log = (await offline.state(tables.changes.name, { signal }))!;
  let read = 0;
  for await (const change of readChangeLog(offline, tables, source, {
    version: log.version,
    signal,
  })) {
    if (++read % 500 === 0) await yieldToEventLoop();
    const isIn = isInMessage(change);
    const isInOldKey = withoutErasedOldKey(change) !== change;
    if (isIn && change.kind === "none") hasMessages = true;
    for (const { key, change: row } of rowChanges(change)) {
      const committed = row.loggedCommitTime;
      if (
        isIn ||
        isInOldKey ||
        isOwnKey(key, committed) ||
        (row.values !== null && belongs(row.values, committed))
      )
        keys.add(rows.textOf(key));
    }
  }
  return { rows: keys, hasMessages };
}

/** The keys of all rows with a version that belongs to an erased entity, as texts. */
async function rowsInVersions(
  { offline, tables, rows }: HistoryContext,
  { belongs, isOwnKey }: Belonging,
  { signal }: EraseHistoryOptions,
): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  const yieldToEventLoop = eventLoopYielder();
  const columns = tables.versions.columns.map(({ name }) => name);
  for await (const batch of offline.scan(tables.versions.name, { columns, signal })) {
    await yieldToEventLoop();
    for (let i = 0; i < batch.length; i++) {
      const key = rows.keyAt(batch, i);
      const { values, committed } = rows.versionAt(batch, i);
      if (isOwnKey(key, committed) || (values !== null && belongs(values, committed)))
        keys.add(rows.textOf(key));
    }
  }
  return keys;
}

/** The columns that say where and when a change came. They stay in an edited change. */
const ENVELOPE: ReadonlySet<string> = new Set([
  "_topic",
  "_partition",
  "_offset",
  "_timestamp",
  "_order",
  "_inherited_order",
  "_committed_after",
  "_committed",
  "_snapshot",
  "_transaction",
  "_generation",
]);

/** The result is null if another writer changed a file first. */
async function eraseChanges(
  { offline, source, tables }: HistoryContext,
  { edits }: Pick<ChangesPlan, "edits">,
  { dryRun, signal }: EraseHistoryOptions,
): Promise<ErasedRows | null> {
  const table = tables.changes.name;
  const all = [...edits.values()];
  const isGone = (edit: Change | null): boolean =>
    edit === null ||
    (edit.logged?.row === null && edit.logged.key === null && edit.logged.oldKey === null);
  const removed = all.filter(isGone).length;
  const result = { table, removed, reduced: all.length - removed };
  if (dryRun || all.length === 0) return result;
  const encode = changeLogEncoder(source);
  const editAt = (batch: Batch, i: number): Change | null | undefined => {
    const read = (name: string): Value =>
      valueAt(batch.vectors[batch.columns.findIndex((column) => column.name === name)]!, i);
    return edits.get(
      placeOf({
        topic: read("_topic") as string,
        partition: read("_partition") as number,
        offset: Number(read("_offset")),
        generation: (read("_generation") as number | null) ?? 0,
      }),
    );
  };
  const written = await offline.replaceRows(table, {
    columns: ["_topic", "_partition", "_offset", "_generation"],
    signal,
    isAffected: (batch) => rowsIn(batch).some((i) => editAt(batch, i) !== undefined),
    replace(batch) {
      const here = rowsIn(batch).map((i) => editAt(batch, i));
      if (!here.some((edit) => edit != null))
        return selectRows(
          batch,
          Uint8Array.from(here, (edit) => (edit === undefined ? 1 : 0)),
        );
      return editedRows(batch, here, (edit, stored) => {
        const encoded = encode([edit]);
        return batch.columns.map(({ name }, c) => {
          const at = encoded.columns.findIndex((column) => column.name === name);
          return ENVELOPE.has(name) || at < 0 ? stored[c]! : valueAt(encoded.vectors[at]!, 0);
        });
      });
    },
  });
  return written === "done" ? result : null;
}
