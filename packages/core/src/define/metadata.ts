/** Reads the metadata that definitions take. */
import { TidemarkError } from "../errors.ts";
import { metadataKey, SENSITIVITIES, type Described, type Metadata } from "../metadata.ts";
import { described } from "./definition.ts";
import { checkMembers, checkOptions } from "./options.ts";

const TEXTS = ["description", "owner", "unit"] as const;
/** The names of metadata, which each definition takes beside its own options. */
const NAMES: readonly string[] = [...TEXTS, "tags", "sensitivity", "deprecated"];
const DEPRECATED: readonly string[] = ["replacedBy", "reason", "until"];

/** Checks the options of a definition, which may have metadata, as `checkOptions` does. */
export function checkDescribed(
  who: string,
  options: unknown,
  allowed: readonly string[],
): { readonly options: Readonly<Record<string, unknown>>; readonly metadata: Described } {
  const members = checkMembers(who, "the definition", options);
  const own = Object.fromEntries(Object.entries(members).filter(([name]) => !NAMES.includes(name)));
  return { options: checkOptions(who, own, allowed), metadata: describedBy(who, members) };
}

/**
 * Returns the metadata among these members, as a spec has it.
 *
 * @throws DEFINITION_INVALID when a member has another form.
 */
function describedBy(who: string, members: Readonly<Record<string, unknown>>): Described {
  const given = Object.fromEntries(
    NAMES.flatMap((name) => (members[name] === undefined ? [] : [[name, members[name]]])),
  );
  if (Object.keys(given).length === 0) return {};
  for (const name of TEXTS) checkText(`${who}: ${name}`, given[name]);
  const { tags, sensitivity, deprecated } = given;
  if (
    tags !== undefined &&
    !(Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && tag !== ""))
  )
    throw invalid(`${who}: tags must be a list of texts, got ${described(tags)}`);
  if (sensitivity !== undefined && !(SENSITIVITIES as readonly unknown[]).includes(sensitivity))
    throw invalid(
      `${who}: sensitivity must be one of ${SENSITIVITIES.join(", ")}, ` +
        `got ${described(sensitivity)}`,
    );
  if (deprecated !== undefined) {
    const parts = checkOptions(`${who}: deprecated`, deprecated, DEPRECATED);
    for (const [name, value] of Object.entries(parts))
      checkText(`${who}: deprecated.${name}`, value);
  }
  return { [metadataKey]: frozen(given) as Metadata };
}

/**
 * Reads the argument of `describe`.
 *
 * @throws DEFINITION_INVALID when it has another member, or one of another form.
 */
export function describedWith(who: string, metadata: unknown): Described {
  return describedBy(who, checkOptions(`${who}.describe()`, metadata, NAMES));
}

function checkText(what: string, value: unknown): void {
  if (value === undefined || (typeof value === "string" && value !== "")) return;
  throw invalid(`${what} must be a text, got ${described(value)}`);
}

function invalid(message: string): TidemarkError {
  return new TidemarkError("DEFINITION_INVALID", message);
}

/** A copy that nobody changes. */
function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  if (typeof value !== "object" || value === null) return value;
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, one]) => [name, frozen(one)])),
  );
}
