/** `tidemark apply`: the definitions become those that are applied. */
import { configCommand } from "./config-command.ts";
import { countText, planLines } from "./plan-text.ts";

const help = `Usage: tidemark apply [--allow-destructive] [options]

Makes the definitions those that are applied: what tidemark plan shows, in one step, which is done or not. Of two at the same time one is done, and the other is told.
Nothing to change writes nothing. Computed values are no part of it: what needs a backfill is filled by a backfill.

  --allow-destructive   also take answers away, or change what they mean
  --by NAME             who applies, for those who come after: user@machine, if it is left out

Exit codes: 0 applied, or nothing to change · 1 refused, or something failed, and nothing was applied · 2 the command line is wrong · 130 interrupted
`;

export const applyCommand: ReturnType<typeof configCommand> = configCommand({
  name: "apply",
  help,
  options: { "allow-destructive": "flag", by: "text" },
  interrupted: "tidemark plan says whether it was applied; it may be called again",
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
