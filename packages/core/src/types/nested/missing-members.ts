/** Types of answers that hold structs of rows. */
import type { TypeSpec } from "../../specs.ts";

/**
 * Returns the type with every member of its structs nullable. A column that is not nullable can be
 * missing in a row (law 9), so a struct of its columns can lack a member.
 */
export function withMissingMembers<T extends TypeSpec>(spec: T): T {
  const { element, values, fields } = spec;
  return {
    ...spec,
    ...(element === undefined ? {} : { element: withMissingMembers(element) }),
    ...(values === undefined ? {} : { values: withMissingMembers(values) }),
    ...(fields === undefined
      ? {}
      : { fields: fields.map((field) => ({ ...withMissingMembers(field), nullable: true })) }),
  };
}
