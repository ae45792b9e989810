/** `tidemark apply`: applies the definitions to the registry. */
import { configCommand } from "./config-command.ts";
import { countText, planLines } from "./plan-text.ts";

const help = `Usage: tidemark apply [--allow-destructive] [--by NAME] [options]

Applies the definitions: makes the changes that tidemark plan shows, all of them or
none. Of two applies at the same time, one succeeds and the other is refused. If the
definitions are applied already, nothing is written. No feature is computed: tidemark
backfill fills the features that need a backfill.

  --allow-destructive   also take answers away from callers, or change their values
  --by NAME             the name that is stored with the applied definitions; default:
                        user@machine
`;

export const applyCommand: ReturnType<typeof configCommand> = configCommand({
  name: "apply",
  help,
  exitCodes: {
    0: "applied, or nothing to change",
    1: "refused, or failed; nothing was applied",
    130: "interrupted",
  },
  options: { "allow-destructive": "flag", by: "text" },
  interrupted:
    "tidemark plan shows whether the definitions are applied; the command may be run again",
  async run({ given, open, printResult, signal }) {
    const { store } = await open({ offline: true, onDefinitionMismatch: "ignore" });
    const result = await store.apply({
      allowDestructive: given.has("allow-destructive"),
      by: given.text("by"),
      signal,
    });
    const { changes, version } = result;
    printResult({ ...result }, [
      ...planLines(result),
      changes.length === 0
        ? "nothing to change"
        : `applied as version ${version}: ${countText(changes)}`,
    ]);
    return 0;
  },
});
