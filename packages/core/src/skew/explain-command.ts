/** The command that explains a value. */
import { roleOf } from "../define/roles.ts";
import { keysOf } from "../define/base-features.ts";
import type { SelectedFeature } from "../specs.ts";

/** Writes the command. `entity`: the logged keys, as texts. `asOf`: as an ISO string. */
export function explainCommand(
  selected: SelectedFeature,
  entity: Readonly<Record<string, string>>,
  asOf: string,
): string {
  const role = roleOf(selected) ?? {};
  const original = new Map(Object.entries(role).map(([name, inRole]) => [inRole, name]));
  const keys = keysOf(selected).map(
    ({ name }) => `--entity ${quoted(`${original.get(name) ?? name}=${entity[name] ?? ""}`)}`,
  );
  return [
    `tidemark explain ${selected.view.name}:${selected.feature.name}`,
    ...keys,
    `--as-of ${asOf}`,
  ].join(" ");
}

/** Quotes a text for a shell, if it needs to be. */
function quoted(text: string): string {
  return /^[\w=.:@/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
