/** Requests: one JSON object per line, with the join keys and `event_timestamp`. */
import { readFile } from "node:fs/promises";
import { TidemarkError, fromUser, timeOf } from "@tidemark/core";
import type { ColumnSpec } from "@tidemark/core/spi";
import { ExactNumber, parseExact } from "./exact-json.ts";

export interface Request {
  /** Counted from 1. */
  readonly line: number;
  /** The join keys, as the store takes them. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** µs. */
  readonly time: number;
}

const TIME = "event_timestamp";

/**
 * Throws `REQUESTS_NOT_FOUND`, `REQUEST_LINE_INVALID`, `KEY_INVALID` and `TIME_INVALID`, with the
 * number of the line. Empty lines are passed over.
 */
export async function readRequests(file: string, keys: readonly ColumnSpec[]): Promise<Request[]> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const what =
      (cause as NodeJS.ErrnoException).code === "ENOENT"
        ? "there is no such file"
        : `it cannot be read: ${(cause as Error).message}`;
    throw new TidemarkError(
      "REQUESTS_NOT_FOUND",
      `${file}: ${what}; give a file with one JSON object per line`,
      { cause },
    );
  });
  const requests: Request[] = [];
  let line = 0;
  for (const one of text.split("\n")) {
    line++;
    const trimmed = line === 1 && one.startsWith("\uFEFF") ? one.slice(1) : one;
    if (trimmed.trim() !== "") requests.push(requestOf(trimmed, line, `${file}:${line}`, keys));
  }
  return requests;
}

function requestOf(
  text: string,
  line: number,
  place: string,
  keys: readonly ColumnSpec[],
): Request {
  const form =
    `{${keys.map((key) => `"${key.name}": …`).join(", ")}, "${TIME}": ` +
    `"2026-01-31T09:30:00.125Z"}`;
  let given: unknown;
  try {
    given = parseExact(text);
  } catch (cause) {
    throw new TidemarkError(
      "REQUEST_LINE_INVALID",
      `${place}: this is not JSON (${(cause as Error).message}); write ${form}`,
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
      `${place}: this is not a JSON object; write ${form}`,
    );
  const members = given as Readonly<Record<string, unknown>>;
  const names = keys.map((key) => key.name);
  for (const name of [...names, TIME]) {
    if (Object.hasOwn(members, name)) continue;
    throw new TidemarkError(
      name === TIME ? "TIME_INVALID" : "KEY_INVALID",
      `${place}: ${name === TIME ? name : `key ${name}`} is missing (the line has ` +
        `${Object.keys(members).join(", ") || "nothing"}); write ${form}`,
    );
  }
  const superfluous = Object.keys(members).find((name) => name !== TIME && !names.includes(name));
  if (superfluous !== undefined)
    throw new TidemarkError(
      "KEY_INVALID",
      `${place}: ${superfluous} is no key of what is asked; give only ${names.join(", ")} and ` +
        `${TIME}`,
    );
  return {
    line,
    keys: Object.fromEntries(
      keys.map((key) => [key.name, keyOf(members[key.name], key, `${place}: key ${key.name}`)]),
    ),
    time: timeOf(plain(members[TIME]), `${place}: ${TIME}`),
  };
}

/** The key in the form the store takes, checked against its column. */
function keyOf(given: unknown, column: ColumnSpec, who: string): unknown {
  const value = keyForm(given, column);
  fromUser(value, { ...column, nullable: false }, who, "KEY_INVALID");
  return value;
}

function keyForm(given: unknown, column: ColumnSpec): unknown {
  switch (column.type) {
    case "int64": {
      const whole =
        given instanceof ExactNumber
          ? given.whole()
          : typeof given === "string" && /^-?\d+$/.test(given)
            ? BigInt(given)
            : null;
      return whole ?? plain(given);
    }
    case "decimal":
      return given instanceof ExactNumber ? given.digits : given;
    case "bytes":
      return typeof given === "string" && isBase64(given)
        ? new Uint8Array(Buffer.from(given, "base64"))
        : plain(given);
    default:
      return plain(given);
  }
}

function plain(given: unknown): unknown {
  return given instanceof ExactNumber ? Number(given.digits) : given;
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
