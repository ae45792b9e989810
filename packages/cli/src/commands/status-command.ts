/** `tidemark status`: shows what each source has taken, and its errors. */
import type { SourceStatus } from "@tidemark/core";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark status [options]

Shows for each source what the online store and the history have taken, and how many
values could not be read.

`;

export const statusCommand: ReturnType<typeof configCommand> = configCommand({
  name: "status",
  help,
  exitCodes: {
    0: "every store answered",
    1: "failed, or a store did not answer",
    130: "interrupted",
  },
  options: {},
  interrupted: "nothing was changed",
  async run({ open, printResult }) {
    const { store } = await open();
    const sources = await store.status();
    printResult({ sources }, sources.flatMap(sourceLines));
    return sources.every(({ backpressure }) => backpressure.length === 0) ? 0 : 1;
  },
});

function sourceLines({
  source,
  resnapshotting,
  online,
  history,
  backpressure,
}: SourceStatus): string[] {
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
  return [
    `source ${source}${resnapshotting ? ": waits for the end of a new snapshot" : ""}`,
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
        ]),
    ...wrong.map(([what, count]) => `  ${count} ${what}`),
    ...backpressure.map(
      ({ store, error }) => `  ${store} did not answer: ${error?.message ?? "it takes too long"}`,
    ),
  ];
}
