/** `tidemark stats`: how much there is, where, and how old. */
import { configCommand } from "./config-command.ts";
import { bytesText, timeText } from "../output/text.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";

const help = `Usage: tidemark stats [--table NAME] [options]

Says of each table of the history how many rows, files and bytes it has, at which version, from when to when its rows are and when it was written last; and of the
online store how many cells and bytes it has and from when on it answers. Reads no row.

  --table NAME   only this table, such as transactions/changes; again for each further one

Exit codes: 0 done · 1 something failed · 2 the command line is wrong · 130 interrupted
`;

export const statsCommand: ReturnType<typeof configCommand> = configCommand({
  name: "stats",
  help,
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
            `${served.store}${size === null ? "" : `: ${size.cells} cells, ${bytesText(size.bytes)}`}`,
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
  return (
    `  ${source}: ` +
    `${taken}${horizon === null ? "" : `; answers from ${horizon} on`}${resnapshotting ? "; being begun anew from a snapshot" : ""}${backpressure.length === 0 ? "" : "; could not be asked"}`
  );
}
