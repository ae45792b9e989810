/** `tidemark apply`: applies the definitions to the registry. */
import { dirname } from "node:path";
import { commitOf } from "../input/commit.ts";
import { refuseIncomplete } from "../input/required-metadata.ts";
import { configCommand } from "./config-command.ts";
import { countText, planLines } from "./plan-text.ts";
import { rewriteReporter, rewrittenText } from "../output/rewrite-progress.ts";

const help = `Usage: tidemark apply [--allow-destructive] [--by NAME] [--from TEXT] [options]

Applies the definitions: makes the changes that tidemark plan shows, all of them or
none. Of two applies at the same time, one succeeds and the other is refused. Then the
versions of rows in the history are rewritten where they lack something of the
definitions. A command that was stopped or killed meanwhile goes on from there when it
is run again. If nothing is left to do, nothing is written. No feature is computed. If a
feature needs a backfill, the last line is "next: tidemark backfill", and --json has it
as next.

  --allow-destructive   also take answers away from callers, or change their values
  --by NAME             the name that is stored with the applied definitions; default:
                        user@machine
  --from TEXT           where the definitions come from, as tidemark history shows it;
                        default: the commit of the configuration's git repository
`;

export const applyCommand: ReturnType<typeof configCommand> = configCommand({
  name: "apply",
  help,
  exitCodes: {
    0: "applied, or nothing to change",
    1: "refused, or failed; tidemark plan shows whether the definitions are applied",
    130: "interrupted",
  },
  options: { "allow-destructive": "flag", by: "text", from: "text" },
  audited: true,
  interrupted:
    "tidemark plan shows whether the definitions are applied; the command may be run again",
  async run({ given, config, open, progress, printResult, audit, signal, seconds }) {
    const from = given.text("from") ?? (await commitOf(dirname(config.path)));
    audit({ by: given.text("by"), from, allowDestructive: given.has("allow-destructive") });
    refuseIncomplete(config);
    const { store } = await open({ offline: true, onDefinitionMismatch: "ignore" });
    const result = await store.apply({
      allowDestructive: given.has("allow-destructive"),
      by: given.text("by"),
      from,
      signal,
      onProgress: rewriteReporter(progress, seconds),
    });
    const { changes, runtime, version, next, rewritten } = result;
    audit({
      version,
      changes: changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`),
    });
    printResult({ ...result }, [
      ...planLines(result),
      changes.length + runtime.length === 0
        ? "nothing to change"
        : `applied as version ${version}: ${countText(changes)}`,
      ...rewritten.map(rewrittenText),
      ...(next === null ? [] : [`next: ${next}`]),
    ]);
    return 0;
  },
});
