/** Reads text files, plain or `.gz`, in pieces. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { type ErrorCode, TidemarkError } from "@tidemark/core";

/** Error codes for a file that is missing, and for invalid content. */
export interface FileCodes {
  readonly missing: ErrorCode;
  readonly invalid: ErrorCode;
}

export const LOAD_CODES: FileCodes = { missing: "LOAD_FILE_MISSING", invalid: "LOAD_ROW_INVALID" };
export const ENTITIES_CODES: FileCodes = {
  missing: "ENTITIES_NOT_FOUND",
  invalid: "ENTITIES_INVALID",
};

/**
 * Yields the bytes of the file, unpacked.
 * @throws codes.missing when the file does not exist or cannot be read.
 * @throws codes.invalid when a `.gz` file is damaged.
 */
export async function* fileBytes(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  await fileThere(file, codes);
  const bytes = createReadStream(file, {
    highWaterMark: 1 << 18,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    if (!file.toLowerCase().endsWith(".gz")) {
      yield* bytes as AsyncIterable<Buffer>;
      return;
    }
    const unpacked = createGunzip({ chunkSize: 1 << 18 });
    bytes.on("error", (error) => unpacked.destroy(error));
    yield* bytes.pipe(unpacked) as AsyncIterable<Buffer>;
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const unreadable = /^(Z_|ERR_STREAM|E[A-Z]+$)/.test(
      (error as NodeJS.ErrnoException).code ?? "",
    );
    throw unreadable
      ? new TidemarkError(
          codes.invalid,
          `${file}: it cannot be read: ${(error as Error).message}; check that the file is ` +
            "complete",
          { cause: error },
        )
      : error;
  } finally {
    bytes.destroy();
  }
}

export async function fileThere(file: string, codes: FileCodes): Promise<void> {
  const found = await stat(file).catch((cause: unknown) => {
    const absent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const why = absent
      ? "there is no such file; check its name, or run again when it has come"
      : `it cannot be read: ${(cause as Error).message}`;
    throw new TidemarkError(codes.missing, `${file}: ${why}`, { cause });
  });
  if (!found.isFile()) throw new TidemarkError(codes.missing, `${file}: this is no file; give one`);
}

/** Yields the text without its byte order mark. */
export async function* fileText(
  file: string,
  codes: FileCodes,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (bytes?: Buffer): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      throw new TidemarkError(codes.invalid, `${file}: this is not UTF-8; write it anew in UTF-8`, {
        cause,
      });
    }
  };
  for await (const bytes of fileBytes(file, codes, signal)) yield decoded(bytes);
  yield decoded();
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
  let rest = "";
  let line = 0;
  for await (const text of fileText(file, codes, signal)) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield parts
      .map((part) => ({ text: part, line: ++line }))
      .filter((one) => one.text.trim() !== "");
  }
  if (rest.trim() !== "") yield [{ text: rest, line: line + 1 }];
}
