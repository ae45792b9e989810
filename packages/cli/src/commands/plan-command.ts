/** `tidemark plan`: shows what an apply would change, and what the change costs. */
import { configCommand } from "./config-command.ts";
import { countText, planLines } from "./plan-text.ts";

const help = `Usage: tidemark plan [options]

Compares the definitions with the applied definitions, and changes nothing.
For each new or changed feature, the plan says whether it is served at once or needs a
backfill. A change is destructive if it takes answers away or changes their values.

  +                     new
  ~                     changed; becomes a new version
  -                     removed; the plan lists who uses it

`;

export const planCommand: ReturnType<typeof configCommand> = configCommand({
  name: "plan",
  help,
  exitCodes: { 0: "nothing changes", 1: "failed", 3: "there are changes", 130: "interrupted" },
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
