/** The lines that `tidemark plan` and `tidemark apply` print. */
import type { PlannedChange, RegistryPlan } from "@tidemark/core";

const ACTION_SIGNS = { added: "+", changed: "~", removed: "-" } as const;

export function planLines({ namespace, applied, changes, waiting }: RegistryPlan): string[] {
  const before =
    applied === null
      ? "nothing was applied yet"
      : `version ${applied.version}, applied by ${applied.by} at ${applied.at}`;
  return [
    `namespace "${namespace}": ${before}`,
    ...changes.flatMap(changeLines),
    ...waiting.map(
      ({ feature, serving }) => `! feature ${feature}: as it was, and ${servingText(serving)}`,
    ),
  ];
}

function changeLines(change: PlannedChange): string[] {
  const version = change.action === "changed" ? ` becomes version ${change.version}` : "";
  const serving = change.serving === null ? "" : `: ${servingText(change.serving)}`;
  return [
    `${ACTION_SIGNS[change.action]} ${change.kind} ${change.name}${version}${serving}`,
    ...change.details.map((detail) => `    ${detail}`),
    ...(change.usedBy.length === 0 ? [] : [`    used by ${change.usedBy.join(", ")}`]),
    ...(change.destructive === null ? [] : [`    destructive: ${change.destructive}`]),
  ];
}

function servingText({ kind, why }: NonNullable<PlannedChange["serving"]>): string {
  switch (kind) {
    case "now":
      return "served at once";
    case "backfill":
      return `needs a backfill: the online store lacks ${why!}`;
    case "empty":
      return "served at once: its source has no rows in the online store yet";
    case "rebuild":
      return `needs a new online store: ${why!}`;
    case "unknown":
      return "no online store is configured to ask";
  }
}

/** `2 added, 1 changed, 0 removed; 1 of them destructive`. */
export function countText(changes: readonly PlannedChange[]): string {
  const count = (action: PlannedChange["action"]): string =>
    `${changes.filter((change) => change.action === action).length} ${action}`;
  const destructive = changes.filter((change) => change.destructive !== null).length;
  return (
    `${count("added")}, ${count("changed")}, ` +
    `${count("removed")}${destructive === 0 ? "" : `; ${destructive} of them destructive`}`
  );
}
