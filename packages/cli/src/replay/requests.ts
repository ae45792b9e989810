/** Reads requests: one JSON object per line, with the entity keys and `event_timestamp`. */
import { TidemarkError } from "@tidemark/core";
import type { ColumnSpec, ValueType } from "@tidemark/core/spi";
import {
  ExactNumber,
  fileLines,
  fromBase64,
  fromUser,
  parseExact,
  REQUESTS_CODES,
  timeOf,
} from "@tidemark/core/internal";

export interface RequestLine {
  /** The line of the request, counted from 1. */
  readonly line: number;
  /** The entity keys, in the form that the store takes. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** The time of the request, µs. */
  readonly time: number;
}

const TIME_MEMBER = "event_timestamp";

/**
 * Reads the requests. Errors name the line. Empty lines are skipped.
 * @throws REQUESTS_NOT_FOUND when the file does not exist.
 * @throws REQUEST_LINE_INVALID when a line is no JSON object or has other members.
 * @throws KEY_INVALID when a key is missing or has another type.
 * @throws TIME_INVALID when the time is missing or cannot be read.
 */
export async function readRequests(
  file: string,
  keys: readonly ColumnSpec[],
): Promise<RequestLine[]> {
  const requests: RequestLine[] = [];
  for await (const lines of fileLines(file, REQUESTS_CODES))
    for (const { text, line } of lines)
      requests.push(requestOf(text, line, `${file}:${line}`, keys));
  return requests;
}

function requestOf(
  text: string,
  line: number,
  location: string,
  keys: readonly ColumnSpec[],
): RequestLine {
  const form =
    `{${keys.map((key) => `"${key.name}": …`).join(", ")}, "${TIME_MEMBER}": ` +
    `"2026-01-31T09:30:00.125Z"}`;
  let given: unknown;
  try {
    given = parseExact(text);
  } catch (cause) {
    throw new TidemarkError(
      "REQUEST_LINE_INVALID",
      `${location}: this is not JSON (${(cause as Error).message}); write ${form}`,
      { cause },
    );
  }
  if (
    typeof given !== "object" ||
    given === null ||
    Array.isArray(given) ||
    given instanceof ExactNumber
  )
    throw new TidemarkError(
      "REQUEST_LINE_INVALID",
      `${location}: this is not a JSON object; write ${form}`,
    );
  const members = given as Readonly<Record<string, unknown>>;
  const names = keys.map((key) => key.name);
  for (const name of [...names, TIME_MEMBER]) {
    if (Object.hasOwn(members, name)) continue;
    throw new TidemarkError(
      name === TIME_MEMBER ? "TIME_INVALID" : "KEY_INVALID",
      `${location}: ${name === TIME_MEMBER ? name : `key ${name}`} is missing (the line has ` +
        `${Object.keys(members).join(", ") || "nothing"}); write ${form}`,
    );
  }
  const superfluous = Object.keys(members).find(
    (name) => name !== TIME_MEMBER && !names.includes(name),
  );
  if (superfluous !== undefined)
    throw new TidemarkError(
      "KEY_INVALID",
      `${location}: ${superfluous} is no key of what is asked; give only ${names.join(", ")} and ` +
        `${TIME_MEMBER}`,
    );
  return {
    line,
    keys: Object.fromEntries(
      keys.map((key) => [
        key.name,
        checkedKey(members[key.name], key, `${location}: key ${key.name}`),
      ]),
    ),
    time: timeOf(withoutExactNumbers(members[TIME_MEMBER]), `${location}: ${TIME_MEMBER}`),
  };
}

/** Checks a key against its column and returns it in the form that the store takes. */
function checkedKey(given: unknown, column: ColumnSpec, who: string): unknown {
  const value = keyForm(given, column);
  fromUser(value, { ...column, nullable: false }, who, "KEY_INVALID");
  return value;
}

function keyForm(given: unknown, { type }: ColumnSpec): unknown {
  return (keyForms[type] ?? withoutExactNumbers)(given);
}

const keyForms: Readonly<Partial<Record<ValueType, (given: unknown) => unknown>>> = {
  int64(given) {
    const whole =
      given instanceof ExactNumber
        ? given.whole()
        : typeof given === "string" && /^-?\d+$/.test(given)
          ? BigInt(given)
          : null;
    return whole ?? withoutExactNumbers(given);
  },
  decimal: (given) => (given instanceof ExactNumber ? given.digits : given),
  bytes: (given) =>
    (typeof given === "string" ? fromBase64(given) : null) ?? withoutExactNumbers(given),
};

function withoutExactNumbers(given: unknown): unknown {
  return given instanceof ExactNumber ? Number(given.digits) : given;
}
