/**
 * Reads and checks the members of a request's body. Each error names the member, and its code is
 * `REQUEST_INVALID` unless the function states another.
 */
import { type ErrorCode, TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";

/** The members of a body. */
export type Body = Readonly<Record<string, unknown>>;

/**
 * Checks the names of the members. An unknown member is an error: a misspelt option would otherwise
 * be ignored.
 *
 * @throws REQUEST_INVALID when the body is no object, or has an unknown member.
 */
export function bodyOf(given: unknown, members: readonly string[], what = "the body"): Body {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw requestInvalid(
      `${what} is ${jsonTypeOf(given)}; send an object with ${members.join(", ")}`,
    );
  const superfluous = Object.keys(given).find((name) => !members.includes(name));
  if (superfluous !== undefined) {
    const near = didYouMean(superfluous, members);
    throw requestInvalid(
      `${what} has ${JSON.stringify(superfluous.slice(0, 100))}, ` +
        `which is not known here${near === "" ? `; it may have ${members.join(", ")}` : near}`,
    );
  }
  return given as Body;
}

/**
 * Reads a list of rows. More than `limit` rows fail with `code`.
 *
 * @throws REQUEST_INVALID when the member is missing or no list.
 */
export function rowsIn(
  body: Body,
  name: string,
  limit: number,
  code: ErrorCode,
): readonly unknown[] {
  const given = body[name];
  if (given === undefined)
    throw requestInvalid(`${name} is missing; give a list of objects, one for each row`);
  if (!Array.isArray(given))
    throw requestInvalid(
      `${name} is ${jsonTypeOf(given)}; give a list of objects, one for each row`,
    );
  if (given.length > limit)
    throw new TidemarkError(
      code,
      `${name} has ${given.length} rows, and a request may have ${limit}; ` +
        "send several requests",
    );
  return given as readonly unknown[];
}

/** Reads a text; undefined if the body does not have the member. */
export function textIn(body: Body, name: string): string | undefined {
  const given = body[name];
  if (given === undefined || typeof given === "string") return given;
  throw requestInvalid(`${name} is ${jsonTypeOf(given)}; give a string`);
}

/**
 * Reads a text or a list of texts. `what` names the texts in messages. More than `limit` texts fail
 * with `code`.
 *
 * @throws REQUEST_INVALID when the member is missing, empty or no list of texts.
 */
export function textsIn(
  body: Body,
  name: string,
  limit: number,
  what = "names",
  code: ErrorCode = "TOO_MANY_FEATURES",
): readonly string[] {
  const given = body[name];
  if (given === undefined) throw requestInvalid(`${name} is missing; give a list of ${what}`);
  const list: readonly unknown[] =
    typeof given === "string" ? [given] : Array.isArray(given) ? given : [];
  if (list.length === 0)
    throw requestInvalid(
      `${name} is ${Array.isArray(given) ? "an empty list" : jsonTypeOf(given)}; ` +
        `give a list of ${what}`,
    );
  if (list.length > limit)
    throw new TidemarkError(
      code,
      `${name} has ${list.length} ${what}, and a request may have ${limit}; ` +
        "send several requests",
    );
  const wrong = list.findIndex((one) => typeof one !== "string");
  if (wrong !== -1)
    throw requestInvalid(
      `${name}[${wrong}] is ${jsonTypeOf(list[wrong])}; give ${what} as strings`,
    );
  return list as readonly string[];
}

/** Reads a flag; false if the body does not have the member. */
export function flagIn(body: Body, name: string): boolean {
  const given = body[name];
  if (given === undefined || typeof given === "boolean") return given === true;
  throw requestInvalid(`${name} is ${jsonTypeOf(given)}; give true or false`);
}

/** Reads a flag; undefined if the body does not have the member. */
export function flagOrNothingIn(body: Body, name: string): boolean | undefined {
  return body[name] === undefined ? undefined : flagIn(body, name);
}

/** Reads one of `choices`; the first if the body does not have the member. */
export function choiceIn<C extends string>(
  body: Body,
  name: string,
  choices: readonly [C, ...C[]],
): C {
  const given = body[name];
  if (given === undefined) return choices[0];
  const found = choices.find((choice) => choice === given);
  if (found === undefined)
    throw requestInvalid(
      `${name} is ` +
        (typeof given === "string" ? JSON.stringify(given.slice(0, 100)) : jsonTypeOf(given)) +
        "; " +
        `give ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`,
    );
  return found;
}

/**
 * Reads a time as text. The store parses the time.
 *
 * @throws TIME_INVALID when the member is no text.
 */
export function timeIn(body: Body, name: string): string | undefined {
  const given = body[name];
  if (given === undefined || typeof given === "string") return given;
  throw new TidemarkError(
    "TIME_INVALID",
    `${name} is ${jsonTypeOf(given)}; ` +
      `write it as "2026-01-31T09:30:00.125Z" or with an offset such as +01:00`,
  );
}

/** Makes an error of code `REQUEST_INVALID`. */
export function requestInvalid(message: string): TidemarkError {
  return new TidemarkError("REQUEST_INVALID", message);
}

export function jsonTypeOf(given: unknown): string {
  if (given === null) return "null";
  if (given === undefined) return "missing";
  return Array.isArray(given)
    ? "a list"
    : typeof given === "object"
      ? "an object"
      : typeof given === "bigint"
        ? "a number"
        : `a ${typeof given}`;
}
