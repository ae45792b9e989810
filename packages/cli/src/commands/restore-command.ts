/** `tidemark restore`: checks a backup, and puts it back. */
import { restoreBackup, type RestoreResult } from "@tidemark/core";
import { makeAdapters } from "../config/open-configured.ts";
import { configCommand } from "./config-command.ts";

const help = `Usage: tidemark restore DIR [--check] [--replace] [--replace-history] [options]

Checks a backup, and puts it back: the online store, the tables that the backup holds
and the history lacks, and the registry if there is none. Tables that the history has
stay, because they are further than the backup. Stop the runs and servers of the online
store first. Then tidemark run goes on from there; requests answer NOT_READY until it
has caught up.

  --check               only check: checksums, positions, pinned versions, definitions
  --replace             replace an online store that is there
  --replace-history     replace the tables of the history by the older copies of the
                        backup, for a history that is damaged
`;

export const restoreCommand: ReturnType<typeof configCommand> = configCommand({
  name: "restore",
  help,
  exitCodes: {
    0: "done; with --check: the backup is whole and fits",
    1: "failed",
    130: "interrupted; run it again",
  },
  argument: "dir",
  options: { check: "flag", replace: "flag", "replace-history": "flag" },
  audited: true,
  interrupted: "parts may be restored; run it again",
  async run({ given, config, progress, signal, printResult, audit, seconds }) {
    const from = given.text("dir")!;
    const check = given.has("check");
    audit({ from, check });
    const { online, offline } = await makeAdapters(config, signal);
    try {
      const result = await restoreBackup({
        from,
        definitions: config.definitions,
        namespace: config.namespace,
        online,
        offline,
        check,
        replaceOnline: given.has("replace"),
        replaceHistory: given.has("replace-history"),
        signal,
        onProgress({ what, bytes, total }) {
          progress.update(`${what}: ${bytes} of ${total}, ${seconds()}`);
        },
      });
      audit({ id: result.backup.id });
      printResult({ ...result, check }, resultLines(result, check, seconds()));
      return 0;
    } finally {
      await Promise.allSettled([online?.close(), offline?.close()]);
    }
  },
});

function resultLines(
  { backup, online, restored, kept, registry, refused, changedSources }: RestoreResult,
  check: boolean,
  seconds: string,
): readonly string[] {
  const [is, are] = check
    ? ["would be put back", "would be put back"]
    : ["is put back", "are put back"];
  return [
    `backup ${backup.id} of ${backup.begun} by ${backup.by}: whole, ${backup.files.length} files`,
    ...(online ? [`online store: ${is}`] : []),
    ...(refused === null ? [] : [`a restore is refused now: ${refused.code}: ${refused.message}`]),
    ...(restored.length === 0 ? [] : [`${restored.join(", ")}: ${are}`]),
    ...(kept.length === 0 ? [] : [`${kept.join(", ")}: in the history, left as it is`]),
    ...(registry ? [`registry: ${is}`] : []),
    ...changedSources.map(
      (source) => `source ${source}: has another definition now; tidemark plan says what it needs`,
    ),
    check
      ? `checked in ${seconds}; nothing was written`
      : `done in ${seconds}; tidemark run goes on`,
  ];
}
