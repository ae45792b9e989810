/**
 * The members of a request's body, each checked; what is wrong is `REQUEST_INVALID` and says which
 * member.
 */
import { TidemarkError, didYouMean } from "@tidemark/core";

export type Body = Readonly<Record<string, unknown>>;

/**
 * A member that is not known is a mistake, and may be the misspelt name of one that would have
 * changed the answer.
 */
export function bodyOf(given: unknown, members: readonly string[]): Body {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw invalid(`the body is ${kindOf(given)}; send an object with ${members.join(", ")}`);
  const superfluous = Object.keys(given).find((name) => !members.includes(name));
  if (superfluous !== undefined) {
    const near = didYouMean(superfluous, members);
    throw invalid(
      `the body has ${JSON.stringify(superfluous.slice(0, 100))}, which is not known ` +
        `here${near === "" ? `; it may have ${members.join(", ")}` : near}`,
    );
  }
  return given as Body;
}

export function rowsIn(body: Body, name: string, limit: number, code: string): readonly unknown[] {
  const given = body[name];
  if (given === undefined)
    throw invalid(`${name} is missing; give a list of objects, one for each row`);
  if (!Array.isArray(given))
    throw invalid(`${name} is ${kindOf(given)}; give a list of objects, one for each row`);
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
  throw invalid(`${name} is ${kindOf(given)}; give a string`);
}

/** A text or a list of texts; what they are is for messages, and too many have `code`. */
export function textsIn(
  body: Body,
  name: string,
  limit: number,
  what = "names",
  code = "TOO_MANY_FEATURES",
): readonly string[] {
  const given = body[name];
  if (given === undefined) throw invalid(`${name} is missing; give a list of ${what}`);
  const list: readonly unknown[] =
    typeof given === "string" ? [given] : Array.isArray(given) ? given : [];
  if (list.length === 0)
    throw invalid(
      `${name} is ${Array.isArray(given) ? "an empty list" : kindOf(given)}; give a list of ` +
        `${what}`,
    );
  if (list.length > limit)
    throw new TidemarkError(
      code,
      `${name} has ${list.length} ${what}, and a request may have ${limit}; split it`,
    );
  const wrong = list.findIndex((one) => typeof one !== "string");
  if (wrong !== -1)
    throw invalid(`${name}[${wrong}] is ${kindOf(list[wrong])}; give ${what} as strings`);
  return list as readonly string[];
}

export function flagIn(body: Body, name: string): boolean {
  const given = body[name];
  if (given === undefined || typeof given === "boolean") return given === true;
  throw invalid(`${name} is ${kindOf(given)}; give true or false`);
}

/** As `flagIn`, but left out stays left out. */
export function flagOrNothingIn(body: Body, name: string): boolean | undefined {
  return body[name] === undefined ? undefined : flagIn(body, name);
}

/** The first of `choices` where it is left out. */
export function choiceIn<C extends string>(
  body: Body,
  name: string,
  choices: readonly [C, ...C[]],
): C {
  const given = body[name];
  if (given === undefined) return choices[0];
  const found = choices.find((choice) => choice === given);
  if (found === undefined)
    throw invalid(
      `${name} is ` +
        `${typeof given === "string" ? JSON.stringify(given.slice(0, 100)) : kindOf(given)}; ` +
        `give ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`,
    );
  return found;
}

/** An ISO time with a zone; the store reads it. */
export function timeIn(body: Body, name: string): string | undefined {
  const given = body[name];
  if (given === undefined || typeof given === "string") return given;
  throw new TidemarkError(
    "TIME_INVALID",
    `${name} is ${kindOf(given)}; write it as "2026-01-31T09:30:00.125Z" or with an offset ` +
      "such as +01:00",
  );
}

export function invalid(message: string): TidemarkError {
  return new TidemarkError("REQUEST_INVALID", message);
}

function kindOf(given: unknown): string {
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
