/** Finds the columns of a file of JSON lines from all its values. */
import { TidemarkError } from "../errors.ts";
import { ExactNumber } from "./exact-json.ts";
import { jsonObject } from "./json-object.ts";
import { ENTITIES_CODES, fileLines } from "./text-file.ts";

export interface JsonColumn {
  readonly name: string;
  /**
   * The column type. json: values of several types, or numbers that no double holds; the text then
   * keeps every digit.
   */
  readonly type: "string" | "boolean" | "int64" | "float64" | "json";
}

/** The types that a column had so far. */
interface SeenTypes {
  text: boolean;
  boolean: boolean;
  /** Whole numbers. */
  whole: boolean;
  /** Whole numbers that a double may not hold. */
  large: boolean;
  /** Other numbers. */
  fraction: boolean;
  other: boolean;
}

export async function jsonlColumns(
  file: string,
  signal: AbortSignal,
): Promise<{ readonly columns: readonly JsonColumn[]; readonly rows: number }> {
  const columns = new Map<string, SeenTypes>();
  let rows = 0;
  for await (const lines of fileLines(file, ENTITIES_CODES, signal)) {
    for (const { text, line } of lines) {
      const row = jsonObject(text, `${file}:${line}`, ENTITIES_CODES);
      rows++;
      for (const name of Object.keys(row)) {
        let seen = columns.get(name);
        if (seen === undefined)
          columns.set(
            name,
            (seen = {
              text: false,
              boolean: false,
              whole: false,
              large: false,
              fraction: false,
              other: false,
            }),
          );
        noteType(row[name], seen);
      }
    }
  }
  if (rows === 0)
    throw new TidemarkError(
      "ENTITIES_INVALID",
      `${file}: there is no row, so its columns are unknown; write one JSON object per line`,
    );
  return {
    columns: [...columns].map(([name, seen]) => ({ name, type: columnTypeOf(seen) })),
    rows,
  };
}

function noteType(value: unknown, seen: SeenTypes): void {
  if (value === null) return;
  if (typeof value === "string") seen.text = true;
  else if (typeof value === "boolean") seen.boolean = true;
  else if (typeof value === "number") seen[Number.isInteger(value) ? "whole" : "fraction"] = true;
  else if (!(value instanceof ExactNumber)) seen.other = true;
  else if (!/^-?\d+$/.test(value.digits))
    seen[Number.isFinite(Number(value.digits)) ? "fraction" : "other"] = true;
  else {
    const whole = BigInt(value.digits);
    if (whole !== BigInt.asIntN(64, whole)) seen.other = true;
    seen.whole = true;
    if (!Number.isSafeInteger(Number(whole))) seen.large = true;
  }
}

function columnTypeOf({
  text,
  boolean,
  whole,
  large,
  fraction,
  other,
}: SeenTypes): JsonColumn["type"] {
  const typeCount = [text, boolean, whole || fraction].filter(Boolean).length;
  if (other || typeCount > 1 || (fraction && large)) return "json";
  return boolean ? "boolean" : fraction ? "float64" : whole ? "int64" : "string";
}
