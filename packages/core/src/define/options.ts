/** Checks at run time what TypeScript would have refused. */
import { TidemarkError } from "../errors.ts";
import { definitionOf, described } from "./definition.ts";

/**
 * Checks that an object of options has no other members than these.
 *
 * @throws DEFINITION_INVALID when it has another member, or is no plain object.
 */
export function checkOptions(
  who: string,
  options: unknown,
  allowed: readonly string[],
): Readonly<Record<string, unknown>> {
  const members = checkMembers(who, "the definition", options);
  for (const name of Object.keys(members)) {
    if (!allowed.includes(name))
      throw new TidemarkError(
        "DEFINITION_INVALID",
        `${who}: there is no option "${name}"; the options are ${allowed.join(", ")}`,
      );
  }
  return members;
}

/**
 * Checks that a value is a plain object, whose members the user names.
 *
 * @throws DEFINITION_INVALID when it is none.
 */
export function checkMembers(
  who: string,
  what: string,
  value: unknown,
): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    // `{ __proto__: … }` sets the prototype instead of making a member.
    if (
      typeof prototype === "object" &&
      prototype !== null &&
      !Array.isArray(value) &&
      !Object.hasOwn(prototype, "hasOwnProperty")
    ) {
      throw new TidemarkError(
        "NAME_INVALID",
        `${who}: ${what} must be a plain object, and no member of it can be called __proto__`,
      );
    }
    if (!Array.isArray(value) && definitionOf(value) === undefined)
      return value as Readonly<Record<string, unknown>>;
  }
  throw new TidemarkError(
    "DEFINITION_INVALID",
    `${who}: ${what} must be an object, got ${described(value)}`,
  );
}
