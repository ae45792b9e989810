/** Whether the definitions of this process are those that were applied. */
import type { RegistryPlan } from "../../api/types.ts";
import { Badge } from "../../parts/badge.tsx";

export function UnappliedChanges({ plan }: { readonly plan: RegistryPlan }): preact.JSX.Element {
  const { changes, applied } = plan;
  return (
    <>
      <p>
        {changes.length === 0 ? (
          <Badge tone="good">applied</Badge>
        ) : (
          <Badge tone="warn">{changes.length} not applied</Badge>
        )}{" "}
        {applied === null
          ? "Nothing was applied yet."
          : `Version ${applied.version}, applied by ${applied.by}.`}
      </p>
      <ul>
        {changes.slice(0, 5).map(({ kind, name, action }) => (
          <li key={kind + name}>
            {kind} {name}: {action}
          </li>
        ))}
      </ul>
    </>
  );
}
