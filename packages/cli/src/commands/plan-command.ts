/** `tidemark plan`: what the definitions change in what was applied, and what it costs. */
import { configCommand } from "./config-command.ts";
import { countText, planLines } from "./plan-text.ts";

const help = `Usage: tidemark plan [options]

Compares the definitions with those that were applied last, and changes nothing.

  + is new, ~ has another meaning and becomes a new version, - goes away. Of each new or changed feature it says whether it is served at once or needs a backfill;
  of what goes away, who uses it; of what takes an answer away from somebody or changes what it means, that it is destructive.

Exit codes: 0 nothing changes · 1 something failed · 2 the command line is wrong · 3 there are changes · 130 interrupted
`;

export const planCommand: ReturnType<typeof configCommand> = configCommand({
  name: "plan",
  help,
  options: {},
  interrupted: "nothing was changed",
  async run({ open, printResult, signal }) {
    const { store } = await open({ offline: true, onDefinitionMismatch: "ignore" });
    const plan = await store.plan({ signal });
    const { changes } = plan;
    printResult({ ...plan, destructive: changes.some((change) => change.destructive !== null) }, [
      ...planLines(plan),
      changes.length === 0 ? "nothing changes" : `${countText(changes)}: tidemark apply does it`,
    ]);
    return changes.length === 0 ? 0 : 3;
  },
});
