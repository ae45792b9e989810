/** `tidemark stats`: shows the size and the age of what the stores hold. */
import { configCommand } from "./config-command.ts";
import { bytesText, timeText } from "../output/text.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";

const help = `Usage: tidemark stats [--table NAME] [options]

Shows the size of the stores without reading rows. For each table of the history: rows,
files, bytes, the version, the oldest and the newest row, and the last commit. For the
online store: cells, bytes, and the earliest time that it answers.

  --table NAME          only this table, such as transactions/changes; may be repeated
`;

export const statsCommand: ReturnType<typeof configCommand> = configCommand({
  name: "stats",
  help,
  exitCodes: { 0: "done", 1: "failed, or a store did not answer", 130: "interrupted" },
  options: { table: "texts" },
  interrupted: "nothing was changed",
  async run({ given, config, open, signal, printResult }) {
    const configured = await open(config.offline === undefined ? { online: true } : {});
    const { store, online } = configured;
    const offline = configured.offline === undefined ? null : maintainableStore(configured);
    const tables = [];
    for (const { name, holds, of, timeColumn } of offline === null
      ? []
      : await tablesToMaintain(configured, offline, given.texts("table"), signal)) {
      const found = (await offline!.describe(name, { timeColumn, signal }))!;
      const { version, rows, files, bytes, positions, committedAt, oldest, newest } = found;
      tables.push({
        table: name,
        holds,
        of,
        version,
        rows,
        files,
        bytes,
        changed: timeText(committedAt),
        oldest: timeText(oldest),
        newest: timeText(newest),
        positions,
      });
    }
    const size = (await online?.size?.()) ?? null;
    const sources = (await store.status()).map(
      ({ source, generation, resnapshotting, online: own, backpressure }) => ({
        source,
        generation,
        resnapshotting,
        horizon: own?.horizon ?? null,
        positions: own?.positions ?? [],
        backpressure,
      }),
    );
    const served =
      online === undefined
        ? null
        : { store: online.name, cells: size?.cells ?? null, bytes: size?.bytes ?? null, sources };
    const historyLines =
      offline === null
        ? []
        : [offline.name, ...(tables.length === 0 ? ["  no table yet"] : tables.map(tableLine))];
    const onlineLines =
      served === null
        ? []
        : [
            served.store + (size === null ? "" : `: ${size.cells} cells, ${bytesText(size.bytes)}`),
            ...sources.map(sourceLine),
          ];
    printResult(
      { history: offline === null ? null : { store: offline.name, tables }, online: served },
      [...historyLines, ...onlineLines],
    );
    return sources.some(({ backpressure }) => backpressure.length > 0) ? 1 : 0;
  },
});

interface TableStats {
  readonly table: string;
  readonly version: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly changed: string | null;
  readonly oldest: string | null;
  readonly newest: string | null;
}

function tableLine({
  table,
  version,
  rows,
  files,
  bytes,
  oldest,
  newest,
  changed,
}: TableStats): string {
  const written = changed === null ? "" : ` of ${changed}`;
  return (
    `  ${table}: ${rows} rows, ${files} files, ${bytesText(bytes)}, version ` +
    `${version}${written}${oldest === null ? "" : `; from ${oldest} to ${newest!}`}`
  );
}

interface SourceStats {
  readonly source: string;
  readonly resnapshotting: boolean;
  readonly horizon: string | null;
  readonly positions: readonly { readonly partition: string; readonly offset: number }[];
  readonly backpressure: readonly unknown[];
}

function sourceLine({
  source,
  horizon,
  positions,
  resnapshotting,
  backpressure,
}: SourceStats): string {
  const taken =
    positions.length === 0
      ? "nothing taken yet"
      : positions.map(({ partition, offset }) => `${partition} up to ${offset}`).join(", ");
  return [
    `  ${source}: ${taken}`,
    ...(horizon === null ? [] : [`answers from ${horizon} on`]),
    ...(resnapshotting ? ["waits for the end of a new snapshot"] : []),
    ...(backpressure.length === 0 ? [] : ["did not answer"]),
  ].join("; ");
}
