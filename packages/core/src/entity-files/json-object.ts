/** Reads the object of a line of JSON. No message shows what the line holds. */
import { TidemarkError } from "../errors.ts";
import { ExactNumber, parseDigits } from "./exact-json.ts";
import type { FileCodes } from "./text-file.ts";

/**
 * Parses the object of a line. Numbers that a double may change become `ExactNumber`s.
 * @throws codes.invalid when the line is no JSON object, or has a member twice.
 */
export function jsonObject(
  text: string,
  place: string,
  { invalid }: Pick<FileCodes, "invalid">,
): Readonly<Record<string, unknown>> {
  let given: unknown;
  try {
    given = parseDigits(text);
  } catch (error) {
    const [, at] = /at position (\d+)/.exec((error as Error).message) ?? [];
    const where = at === undefined ? "" : ` at character ${Number(at) + 1}`;
    const next = /[:,[\s](?:-?Infinity|NaN)\b/.test(text)
      ? "JSON has no NaN and no Infinity: write null"
      : "write one object per line";
    throw new TidemarkError(invalid, `${place}: this is not JSON${where}; ${next}`);
  }
  if (
    typeof given !== "object" ||
    given === null ||
    Array.isArray(given) ||
    given instanceof ExactNumber
  )
    throw new TidemarkError(
      invalid,
      `${place}: this is not a JSON object; write {"column": value, …}`,
    );
  const twice = memberTwice(text, Object.keys(given).length);
  if (twice !== null)
    throw new TidemarkError(
      invalid,
      `${place}: the object has ${twice} twice; name its members differently`,
    );
  return given as Readonly<Record<string, unknown>>;
}

/** The name that a JSON object has twice, of which the parser keeps the last. */
function memberTwice(text: string, members: number): string | null {
  // Each name has a colon behind its quote. So as many matches as members are all of them.
  if ((text.match(/"\s*:/g)?.length ?? 0) === members) return null;
  const seen = new Set<string>();
  let depth = 0;
  for (const [token, name] of text.matchAll(
    /("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[{}[\]]/g,
  )) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (name !== undefined && depth === 1) {
      const plain = JSON.parse(name) as string;
      if (seen.has(plain)) return name;
      seen.add(plain);
    }
  }
  return null;
}
