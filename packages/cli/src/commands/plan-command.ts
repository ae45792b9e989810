/** `tidemark plan`: shows what an apply would change, and what the change costs. */
import { configCommand } from "./config-command.ts";
import { incompleteIn, incompleteText } from "../input/required-metadata.ts";
import { countText, planLines } from "./plan-text.ts";

const help = `Usage: tidemark plan [options]

Compares the definitions with the applied definitions, and changes nothing.
For each new or changed feature, the plan says whether it is served at once or needs a
backfill, and the code with which it is refused until then. For each source whose
versions are rewritten or that needs a backfill, the plan estimates changes, time and
bytes. It also lists materialized days of another definition, and the sources of which
the online store keeps every row. A change is destructive if it takes answers away or
changes their values.

  +                     new
  ~                     changed; becomes a new version
  >                     renamed; the former name is answered too
  -                     removed; the plan lists who uses it

`;

export const planCommand: ReturnType<typeof configCommand> = configCommand({
  name: "plan",
  help,
  exitCodes: {
    0: "nothing changes",
    1: "failed",
    3: "there are changes, or required metadata is missing",
    130: "interrupted",
  },
  options: {},
  interrupted: "nothing was changed",
  async run({ open, config, printResult, signal }) {
    const incomplete = incompleteIn(config);
    const { store } = await open({ offline: true, onDefinitionMismatch: "ignore" });
    const plan = await store.plan({ signal });
    const { changes, runtime, reusedVersions, metadata } = plan;
    const destructive = changes.some((change) => change.destructive !== null);
    printResult({ ...plan, destructive, incomplete }, [
      ...planLines(plan),
      ...incomplete.map((one) => `! ${incompleteText(one)}, and the configuration requires it`),
      incomplete.length > 0 && reusedVersions.length === 0
        ? "tidemark apply refuses these definitions until they have the required metadata"
        : reusedVersions.length > 0
          ? `${countText(changes)}: tidemark apply refuses the code of a transform`
          : changes.length > 0
            ? `${countText(changes)}: tidemark apply does it`
            : metadata.length > 0
              ? "no answer changes: tidemark apply stores the metadata"
              : runtime.length > 0
                ? "the definitions are those applied: tidemark apply goes over to this Node's data"
                : plan.work.some(({ rewrite }) => rewrite !== null)
                  ? "nothing changes: tidemark apply rewrites the versions"
                  : plan.work.length > 0
                    ? "nothing changes: tidemark backfill fills what is missing"
                    : "nothing changes",
    ]);
    const found = [changes, runtime, reusedVersions, metadata, incomplete];
    return found.every(({ length }) => length === 0) ? 0 : 3;
  },
});
