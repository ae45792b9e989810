/** Says in messages the body in place of its file. */
import { isTidemarkError, TidemarkError } from "@tidemark/core";

/** What messages say in place of the path of the entity rows. */
export const BODY = "the body";

/**
 * Returns an error of the entity rows as an error of the request. Its message names the body in
 * place of the file. Errors of the store stay as they are.
 */
export function bodyError(error: unknown, path: string): unknown {
  if (!isTidemarkError(error) || !error.message.includes(path)) return error;
  const code =
    error.code.startsWith("PARQUET_") || OF_BODY.has(error.code) ? "ENTITIES_INVALID" : error.code;
  return new TidemarkError<string>(code, withoutPath(error.message, path), { cause: error });
}

/** The codes of a body that is no Parquet file, or one that cannot be carried. */
const OF_BODY: ReadonlySet<string> = new Set(["COLUMN_NAME", "ENTITIES_NOT_FOUND"]);

/** Replaces the path in a message. */
export function withoutPath(message: string, path: string): string {
  const [first, ...rest] = message.split(path);
  return first! + rest.map((text) => BODY + text.replace(/^:(\d+)/, ": line $1")).join("");
}
