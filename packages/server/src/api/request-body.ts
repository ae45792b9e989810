/**
 * Reads and checks the members of a request's body. An error is `REQUEST_INVALID` and names the
 * member.
 */
import { type ErrorCode, TidemarkError } from "@tidemark/core";
import { didYouMean } from "@tidemark/core/internal";

export type Body = Readonly<Record<string, unknown>>;

/**
 * Checks the names of the members. An unknown member is an error, because it may be a misspelt name
 * that would change the answer.
 */
export function bodyOf(given: unknown, members: readonly string[]): Body {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw requestInvalid(
      `the body is ${jsonTypeOf(given)}; send an object with ${members.join(", ")}`,
    );
  const superfluous = Object.keys(given).find((name) => !members.includes(name));
  if (superfluous !== undefined) {
    const near = didYouMean(superfluous, members);
    throw requestInvalid(
      `the body has ${JSON.stringify(superfluous.slice(0, 100))}, ` +
        `which is not known here${near === "" ? `; it may have ${members.join(", ")}` : near}`,
    );
  }
  return given as Body;
}

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
      `${name} has ${given.length} rows, and a request may have ${limit}; split it`,
    );
  return given as readonly unknown[];
}

export function textIn(body: Body, name: string): string | undefined {
  const given = body[name];
  if (given === undefined || typeof given === "string") return given;
  throw requestInvalid(`${name} is ${jsonTypeOf(given)}; give a string`);
}

/**
 * Reads a text or a list of texts. `what` names them in messages; too many texts fail with `code`.
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
      `${name} has ${list.length} ${what}, and a request may have ${limit}; split it`,
    );
  const wrong = list.findIndex((one) => typeof one !== "string");
  if (wrong !== -1)
    throw requestInvalid(
      `${name}[${wrong}] is ${jsonTypeOf(list[wrong])}; give ${what} as strings`,
    );
  return list as readonly string[];
}

export function flagIn(body: Body, name: string): boolean {
  const given = body[name];
  if (given === undefined || typeof given === "boolean") return given === true;
  throw requestInvalid(`${name} is ${jsonTypeOf(given)}; give true or false`);
}

/** Reads a flag as `flagIn` does; undefined if the flag is left out. */
export function flagOrNothingIn(body: Body, name: string): boolean | undefined {
  return body[name] === undefined ? undefined : flagIn(body, name);
}

/** Reads one of `choices`. Default: the first. */
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
      `${name} ` +
        `is ${typeof given === "string" ? JSON.stringify(given.slice(0, 100)) : jsonTypeOf(given)}; ` +
        `give ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`,
    );
  return found;
}

/** Reads an ISO time with a zone as text, which the store parses. */
export function timeIn(body: Body, name: string): string | undefined {
  const given = body[name];
  if (given === undefined || typeof given === "string") return given;
  throw new TidemarkError(
    "TIME_INVALID",
    `${name} is ${jsonTypeOf(given)}; ` +
      `write it as "2026-01-31T09:30:00.125Z" or with an offset such as +01:00`,
  );
}

export function requestInvalid(message: string): TidemarkError {
  return new TidemarkError("REQUEST_INVALID", message);
}

function jsonTypeOf(given: unknown): string {
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
