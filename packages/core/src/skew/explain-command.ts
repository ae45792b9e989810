/** The command that explains a value. */
import { nameOutOfRole, roleOf } from "../define/roles.ts";
import { neededColumns } from "../define/base-features.ts";
import type { SelectedFeature } from "../specs.ts";

/** Writes the command. `given`: the logged keys and request data, as texts. `asOf`: ISO. */
export function explainCommand(
  selected: SelectedFeature,
  given: Readonly<Record<string, string>>,
  asOf: string,
): string {
  const role = roleOf(selected);
  const keys = neededColumns(selected).map(
    ({ name }) => `--entity ${quoted(`${nameOutOfRole(name, role)}=${given[name] ?? ""}`)}`,
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
