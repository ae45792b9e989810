/** `tidemark status`: shows what each source has taken, and its errors. */
import {
  isTidemarkError,
  type NotTaken,
  type SourceLag,
  type SourceReadiness,
  type SourceStatus,
} from "@tidemark/core";
import type { ChangeSource } from "@tidemark/core/spi";
import { notTakenLines } from "../output/not-taken.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark status [options]

Shows for each source whether its features are answered, how far the stores are behind
the log, and a backfill in progress. It also shows what the stores have taken, and what
they have not: counts, reasons, and the first example of each. The change sources of the
configuration are asked where their logs end. If none answers, the lag is the one that a
run measured last.

`;

export const statusCommand: ReturnType<typeof configCommand> = configCommand({
  name: "status",
  help,
  exitCodes: {
    0: "every feature is answered, every store answered, and the stores belong together",
    1: "failed, or a store did not answer, or two stores do not belong together",
    3: "a source is not ready, or features need a backfill",
    130: "interrupted",
  },
  options: {},
  interrupted: "nothing was changed",
  async run({ config, open, signal, progress, printResult }) {
    const { store, changes } = await open();
    const logs: ChangeSource[] = [];
    for (const name of Object.keys(config.changes ?? {}))
      try {
        logs.push(await changes(name, { until: "caught-up", signal }));
      } catch (error) {
        if (!isTidemarkError(error)) throw error;
        progress.warn(`the lag of ${name} is not known: ${error.message}`);
      }
    const sources = await store.status({ changes: logs, signal });
    const answered = sources.some(({ online }) => online !== null);
    const skipped = answered ? await store.skipped() : [];
    const readiness = answered ? await store.readiness() : [];
    const now = Date.now();
    printResult({ sources, readiness, skipped }, [
      ...sources.flatMap((one) =>
        sourceLines(
          one,
          readiness.find(({ source }) => source === one.source),
          skipped,
          now,
        ),
      ),
      ...(skipped.length === 0 ? [] : ["messages of no source"]),
      ...notTakenLines(skipped).map((line) => `  ${line}`),
    ]);
    if (sources.some(({ backpressure, problem }) => backpressure.length > 0 || problem !== null))
      return 1;
    return readiness.some(({ reason }) => reason !== null) ? 3 : 0;
  },
});

function sourceLines(
  status: SourceStatus,
  readiness: SourceReadiness | undefined,
  skipped: readonly NotTaken[],
  now: number,
): string[] {
  const { source, resnapshotting, problem, online, history, backpressure } = status;
  const at = (
    positions: readonly { readonly partition: string; readonly offset: number }[],
  ): string =>
    positions.length === 0
      ? "nothing taken yet"
      : positions.map(({ partition, offset }) => `${partition} up to ${offset}`).join(", ");
  const wrong =
    online === null
      ? []
      : (
          [
            ["rows quarantined", online.quarantinedRows],
            ["values unreadable", online.invalidValues],
            ["NaN or infinite", online.nonFiniteValues],
          ] as const
        ).filter(([, count]) => count > 0);
  // A message that a retry took is no longer missing.
  const waiting = (online?.notTaken ?? []).filter(
    ({ kind }) => kind !== "undecodable" || online!.undecodable > 0,
  );
  return [
    `source ${source}${resnapshotting ? ": waits for the end of a new snapshot" : ""}`,
    ...(problem === null ? [] : [`  ${problem.code}: ${problem.message}`]),
    ...(readiness === undefined ? [] : readinessLines(status, readiness)),
    ...noMessageLines(status, skipped),
    ...backfillLines(status),
    ...progressLines(status, now),
    ...(online === null
      ? []
      : [
          `  online   ${at(online.positions)}` +
            (online.horizon === null ? "" : `; answers from ${online.horizon} on`),
        ]),
    ...(history === null
      ? []
      : [
          `  history  ${at(history.positions)}; ${history.changes} changes, ` +
            `${history.versions} rows in versions`,
          ...behindLines(online?.positions ?? [], history.positions),
        ]),
    ...wrong.map(([what, count]) => `  ${count} ${what}`),
    ...(online?.violations ?? [])
      .filter(({ messages }) => messages > 0)
      .map(
        ({ expectation, onViolation, messages }) =>
          `  ${messages} messages violate ${expectation} (${onViolation})`,
      ),
    ...((online?.quarantinedRows ?? 0) === 0
      ? []
      : [`  tidemark quarantine ${source} lists the quarantined rows`]),
    ...((online?.takenLater ?? 0) === 0
      ? []
      : [`  taken later by tidemark retry: ${online!.takenLater} messages`]),
    ...mismatchLines(status),
    ...notTakenLines(waiting).map((line) => `  ${line}`),
    ...backpressure.map(
      ({ store, error }) => `  ${store} did not answer: ${error?.message ?? "it takes too long"}`,
    ),
  ];
}

/** Says that nothing came of a source, while messages of other tables belong to no source. */
function noMessageLines({ online, history }: SourceStatus, skipped: readonly NotTaken[]): string[] {
  const taken = [...(online?.positions ?? []), ...(history?.positions ?? [])];
  const isOther = skipped.some(({ reason }) => reason === "TABLE_NOT_DECLARED");
  if (online === null || taken.length > 0 || !isOther) return [];
  return [
    "  wrong definition? no message is of its table, and the messages below belong to no source",
  ];
}

/** The most features that a line names. */
const NAMED_FEATURES = 10;

/** Says whether the features of the source are answered, and why not. */
function readinessLines({ online }: SourceStatus, { reason, message }: SourceReadiness): string[] {
  if (reason === null)
    return [
      online?.isReady === true
        ? "  ready"
        : "  never level with its log, and no request is refused for it",
    ];
  const features = online?.needsBackfill ?? [];
  const more = features.length - NAMED_FEATURES;
  return [
    `  not ready, ${reason}: ${message ?? ""}`,
    ...(features.length === 0
      ? []
      : [
          `  refused until then: ${features.slice(0, NAMED_FEATURES).join(", ")}` +
            (more > 0 ? ` and ${more} more` : ""),
        ]),
  ];
}

/** Says how far a backfill in progress is, and whether somebody works on it. */
function backfillLines({ online }: SourceStatus): string[] {
  const backfill = online?.backfill;
  if (backfill == null) return [];
  const { reason, changes, of, waitingFor, since, workedAt, isWorking } = backfill;
  const rows =
    changes === null ? "" : `: ${changes}${of === null ? "" : ` of ${of}`} changes since ${since!}`;
  const worked = workedAt === null ? "" : ` since ${workedAt}`;
  return [
    `  backfill in progress${rows}` +
      (reason === null ? "" : `, because ${reason}`) +
      (waitingFor === null ? "" : "; it waits for the history, which is behind the online store"),
    isWorking
      ? `    somebody works on it, last at ${workedAt!}`
      : `    nobody works on it${worked}: tidemark backfill goes on with it`,
  ];
}

/** How long after the newest commit an event is pointed out, ms. */
const AHEAD = 3_600_000;

/** Says how far the source is: its lag, its newest event and its newest commit. */
function progressLines(
  { lag, lagUnknown, lastEvent, lastCommit }: SourceStatus,
  now: number,
): string[] {
  const ahead =
    lastEvent === null || lastCommit === null ? 0 : Date.parse(lastEvent) - Date.parse(lastCommit);
  const newest = [
    ...(lastEvent === null
      ? []
      : [`newest event ${lastEvent}${ahead > AHEAD ? " (after the newest commit)" : ""}`]),
    ...(lastCommit === null ? [] : [`newest commit ${lastCommit}`]),
  ].join(", ");
  return [
    ...(newest === "" ? [] : [`  ${newest}`]),
    ...(lagUnknown === null ? [] : [`  the lag is not known now: ${lagUnknown}`]),
    ...(lag === null ? [] : [`  ${lagText(lag, now)}`]),
  ];
}

/** How old a measure of the lag is said to be now, ms. */
const MEASURED_NOW = 5_000;

function lagText({ messages, seconds, at }: SourceLag, now: number): string {
  const age = now - Date.parse(at);
  const measured =
    age < MEASURED_NOW ? "" : `, as a run measured ${Math.round(age / 1000)} s ago, at ${at}`;
  if (messages === 0) return `level with the log${measured}`;
  return (
    `${messages} ${messages === 1 ? "message" : "messages"} behind the log` +
    (seconds === null ? "" : `; the newest commit taken was ${seconds} s old`) +
    measured
  );
}

/** Says what most rows lack, so that the definition is likely wrong. */
function mismatchLines({ mismatches }: Pick<SourceStatus, "mismatches">): string[] {
  return mismatches.map(
    ({ column, reason, rows, of, message }) =>
      `  wrong definition? ${rows} of ${of} rows` +
      `${column === null ? "" : `, column "${column}"`} (${reason}): ${message}`,
  );
}

/**
 * Says where the history is behind the online store. A run leaves them level, so the history was
 * restored since, or a run is at work.
 */
function behindLines(
  online: NonNullable<SourceStatus["online"]>["positions"],
  history: NonNullable<SourceStatus["history"]>["positions"],
): string[] {
  const taken = new Map(history.map(({ partition, offset }) => [partition, offset]));
  const behind = online.filter(({ partition, offset }) => (taken.get(partition) ?? -1) < offset);
  if (behind.length === 0) return [];
  return [
    `  the history is behind the online store in ${behind.length} ` +
      `${behind.length === 1 ? "partition" : "partitions"}: training sets lack those changes ` +
      "until a run takes them",
  ];
}
