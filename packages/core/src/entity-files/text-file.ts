/** Reads text files in pieces: UTF-8 or UTF-16, plain or packed with gzip or zstd. */
import type { ErrorCode } from "../error-codes.ts";
import { TidemarkError } from "../errors.ts";
import { nodeFs } from "../node-modules.ts";
import { textFileBytes } from "../text-file-bytes.ts";

/** The longest line of an input file, so that a line without an end cannot take the memory. */
export const MAX_LINE_LENGTH: number = 128 * 2 ** 20;

/** Error codes for a file that is missing, and for invalid content. */
export interface FileCodes {
  readonly missing: ErrorCode;
  readonly invalid: ErrorCode;
}

export const LOAD_CODES: FileCodes = { missing: "LOAD_FILE_MISSING", invalid: "LOAD_ROW_INVALID" };
export const REQUESTS_CODES: FileCodes = {
  missing: "REQUESTS_NOT_FOUND",
  invalid: "REQUEST_LINE_INVALID",
};
export const ENTITIES_CODES: FileCodes = {
  missing: "ENTITIES_NOT_FOUND",
  invalid: "ENTITIES_INVALID",
};

/**
 * Yields the bytes of the file as UTF-8, unpacked.
 * @throws codes.missing when the file does not exist or cannot be read.
 * @throws codes.invalid when a packed file is damaged.
 */
async function* fileBytes(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  await fileThere(file, codes);
  try {
    yield* textFileBytes(file, signal);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new TidemarkError(
      codes.invalid,
      `${file}: it cannot be read: ${(error as Error).message}; check that the file is complete`,
      { cause: error },
    );
  }
}

export async function fileThere(file: string, codes: FileCodes): Promise<void> {
  const found = await nodeFs()
    .promises.stat(file)
    .catch((cause: unknown) => {
      const absent = (cause as NodeJS.ErrnoException).code === "ENOENT";
      const why = absent
        ? "there is no such file; check its name, or run again when it has come"
        : `it cannot be read: ${(cause as Error).message}`;
      throw new TidemarkError(codes.missing, `${file}: ${why}`, { cause });
    });
  if (!found.isFile()) throw new TidemarkError(codes.missing, `${file}: this is no file; give one`);
}

/**
 * Yields the text without its byte order mark.
 * @throws codes.invalid when the text is not UTF-8; the message names the line.
 */
export async function* fileText(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let read = 0;
  const decoded = async (bytes?: Buffer): Promise<string> => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      const line = await lineOfInvalidText(file, codes, read);
      throw new TidemarkError(
        codes.invalid,
        `${file}:${line}: this is not UTF-8; write the file anew in UTF-8, as iconv does`,
        { cause },
      );
    }
  };
  for await (const bytes of fileBytes(file, codes, signal)) {
    yield await decoded(bytes);
    read += bytes.length;
  }
  yield await decoded();
}

/** Reads the file again up to the piece that cannot be decoded. Only messages need this. */
async function lineOfInvalidText(file: string, codes: FileCodes, before: number): Promise<number> {
  const decoder = new TextDecoder("utf-8");
  let line = 1;
  let read = 0;
  for await (const bytes of fileBytes(file, codes)) {
    const text = decoder.decode(bytes, { stream: true });
    const invalid = read < before ? -1 : text.indexOf("\ufffd");
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      if (invalid >= 0 && at > invalid) return line;
      line++;
    }
    read += bytes.length;
    if (invalid >= 0) return line;
  }
  return line;
}

/** The error of a text with the character NUL, which no text file has. */
export function nulProblem(
  text: string,
  firstLine: number,
  file: string,
  codes: FileCodes,
): TidemarkError {
  const line = firstLine + text.slice(0, text.indexOf("\0")).split("\n").length - 1;
  return new TidemarkError(
    codes.invalid,
    `${file}:${line}: there is a character NUL; write the file in UTF-8 and without NUL ` +
      "(in UTF-16 it must begin with a byte order mark)",
  );
}

/**
 * Yields batches of some thousand lines with their numbers, counted from 1. Empty lines are
 * skipped.
 */
export async function* fileLines(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<readonly { readonly text: string; readonly line: number }[]> {
  let rest: string[] = [];
  let length = 0;
  let line = 0;
  for await (const text of fileText(file, codes, signal)) {
    if (text.includes("\0")) throw nulProblem(text, line + 1, file, codes);
    const parts = text.split("\n");
    const last = parts.pop()!;
    if (parts.length > 0) {
      parts[0] = [...rest, parts[0]].join("");
      rest = [];
      length = 0;
      yield parts
        .map((part) => ({ text: part, line: ++line }))
        .filter((one) => one.text.trim() !== "");
    }
    rest.push(last);
    length += last.length;
    if (length > MAX_LINE_LENGTH)
      throw new TidemarkError(
        codes.invalid,
        `${file}:${line + 1}: the line is longer than ${MAX_LINE_LENGTH / 2 ** 20} Mi ` +
          "characters; write one row per line",
      );
  }
  const end = rest.join("");
  if (end.trim() !== "") yield [{ text: end, line: line + 1 }];
}
