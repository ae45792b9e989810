/** `tidemark retry`: takes messages that could not be read before. */
import { changeSourceName, checkSourceName, reportRun } from "./change-source.ts";
import { configCommand } from "./config-command.ts";
import { hasUndecodable, notTakenLines } from "../output/not-taken.ts";

const help = `Usage: tidemark retry [--changes NAME] [--source NAME] [--dry-run] [options]

Decodes the messages that could not be read once more, and writes their changes into the
stores. The history keeps the bytes of such messages. Correct the setting that the
message of tidemark status names, then run this command. It may be stopped, killed and
run again.

  --changes NAME        the change source of the configuration that decodes them;
                        may be left out if there is only one
  --source NAME         a source of the definitions; may be repeated; default: all
  --dry-run             say what could be taken, and write nothing
`;

export const retryCommand: ReturnType<typeof configCommand> = configCommand({
  name: "retry",
  help,
  exitCodes: {
    0: "every kept message was taken, or there was none",
    1: "failed; what was taken stays",
    3: "some messages still cannot be read; their bytes stay",
    130: "interrupted; what was taken stays",
  },
  options: { changes: "text", source: "texts", "dry-run": "flag" },
  audited: true,
  interrupted: "what was taken stays; run it again to go on",
  async run({ given, config, open, progress, signal, printResult, audit, seconds }) {
    const name = changeSourceName(given, config);
    audit({ changes: name, sources: given.texts("source"), dryRun: given.has("dry-run") });
    const { store, definitions, changes } = await open({ offline: true });
    const sources = given.has("source") ? given.texts("source") : undefined;
    for (const one of sources ?? [])
      checkSourceName(one, [...definitions.sources.keys()], config.file);
    const dryRun = given.has("dry-run");
    const { onProgress, onBackpressure } = reportRun(name, progress, seconds);
    const result = await store.retry(await changes(name, { until: "caught-up", signal }), {
      sources,
      dryRun,
      signal,
      onProgress,
      onBackpressure,
      onNotTaken: () => undefined,
    });
    const { messages, taken, notTaken } = result;
    audit({ messages, taken: dryRun ? 0 : taken });
    const missing = (await store.status())
      .filter(({ source }) => sources?.includes(source) ?? true)
      .flatMap(({ source, online }) => missingValues(source, online?.invalidValues ?? 0));
    printResult({ ...result, dryRun }, [
      messages === 0
        ? "no message waits: every message of the history could be read"
        : `${taken} of ${messages} kept messages ${dryRun ? "could be" : "were"} taken in ` +
          seconds(),
      ...notTakenLines(notTaken),
      ...missing,
    ]);
    return hasUndecodable(notTaken) ? 3 : 0;
  },
});

/** Says that a retry does not bring back the values of rows that were taken without them. */
function missingValues(source: string, count: number): string[] {
  if (count === 0) return [];
  return [
    `source "${source}": ${count === 1 ? "1 value" : `${count} values`} could not be read in ` +
      "rows that were taken, and a retry leaves those rows: after a correction of a setting or a " +
      `definition, run tidemark resnapshot ${source}, or read the log into new stores`,
  ];
}
