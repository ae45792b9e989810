/** `tidemark stats`: shows the size and the age of what the stores hold. */
import { toJson, type EntityLogStorage, type TableStorage } from "@tidemark/core";
import { configCommand } from "./config-command.ts";
import { bytesText } from "../output/text.ts";
import { maintainableStore, tablesToMaintain } from "../maintenance/tables.ts";

const help = `Usage: tidemark stats [--table NAME] [options]

Shows the size of the stores without reading rows of the history. For each table of the
history: rows, files, bytes, the version, the oldest and the newest row, and the last
commit. For the online store: cells, bytes, the earliest time that it answers, and the
entities with their rows. At the end: what to do, if there is anything.

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
    const existing =
      offline === null
        ? []
        : await tablesToMaintain(configured, offline, given.texts("table"), signal);
    const measured = await store.storage({
      tables: existing.map(({ name }) => name),
      personal: "mask",
      signal,
    });
    const tables = measured.history?.tables ?? [];
    const { cells = null, bytes = null } = measured.online ?? {};
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
        : {
            store: online.name,
            cells,
            bytes,
            sources,
            entityLogs: measured.online?.entityLogs ?? [],
          };
    const historyLines =
      offline === null
        ? []
        : [offline.name, ...(tables.length === 0 ? ["  no table yet"] : tables.map(tableLine))];
    const onlineLines =
      served === null
        ? []
        : [
            served.store + (bytes === null ? "" : `: ${cells} cells, ${bytesText(bytes)}`),
            ...sources.map(sourceLine),
            ...served.entityLogs.map(entityLogLine),
          ];
    printResult(
      toJson({
        history: offline === null ? null : { store: offline.name, tables },
        online: served,
        advice: measured.advice,
      }) as Readonly<Record<string, unknown>>,
      [...historyLines, ...onlineLines, ...measured.advice],
    );
    return sources.some(({ backpressure }) => backpressure.length > 0) ? 1 : 0;
  },
});

function tableLine({
  table,
  version,
  rows,
  files,
  bytes,
  oldest,
  newest,
  changed,
}: TableStorage): string {
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

function entityLogLine(log: EntityLogStorage): string {
  const { source, keys, entities, rows, segments, isWhole, largest } = log;
  const most = largest[0] === undefined ? "" : `; the largest has ${largest[0].rows} rows`;
  return (
    `  ${source} by ${keys.join(", ")}: ${isWhole ? "" : "at least "}${entities} entities, ` +
    `${rows} rows, ${segments} segments${most}`
  );
}
