/** Reads columns written as members of an object. Each column gets its member's name. */
import { TidemarkError } from "../errors.ts";
import type { ColumnSpec } from "../specs.ts";
import { definitionOfKind, described } from "./definition.ts";
import { checkColumnName } from "./names.ts";
import { checkMembers } from "./options.ts";

export function memberColumns(who: string, what: string, value: unknown): ColumnSpec[] {
  const specs: ColumnSpec[] = [];
  const names = new Map<string, string>();
  const databases = new Map<string, string>();
  for (const [name, member] of Object.entries(checkMembers(who, what, value))) {
    checkColumnName(who, name);
    const type = definitionOfKind(member, "column type");
    if (type === undefined)
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: ${what}.${name} must be a column type such as string() or int64("id"), ` +
          `got ${described(member)}`,
      );
    const spec: ColumnSpec = {
      ...type.spec,
      name,
      database: type.spec.database === "" ? name : type.spec.database,
    };
    // Readers of the tables (Trino, Spark) ignore the case of column names.
    const twin = names.get(name.toLowerCase());
    if (twin !== undefined)
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: ${what} "${twin}" and "${name}" differ only in case; rename one`,
      );
    const double = databases.get(spec.database);
    if (double !== undefined)
      throw new TidemarkError(
        "NAME_TAKEN",
        `${who}: "${double}" and "${name}" both read the database column "${spec.database}"; ` +
          "drop one",
      );
    names.set(name.toLowerCase(), name);
    databases.set(spec.database, name);
    specs.push(spec);
  }
  if (specs.length === 0)
    throw new TidemarkError("DEFINITION_INVALID", `${who}: ${what} is empty; list at least one`);
  return specs;
}
