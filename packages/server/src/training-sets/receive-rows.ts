/** Receives entity rows into a file. */
import { open } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { TidemarkError } from "@tidemark/core";
import { answerClientError, BODY_TIMED_OUT, slowBodies } from "../http/client-errors.ts";

/** The format of entity rows. */
export type RowsFormat = "parquet" | "jsonl";

/** What a body may be. */
export interface ReceiveOptions {
  /** The format that the header names. null: the content decides. */
  readonly format: RowsFormat | null;
  readonly maxBytes: number;
  /** The longest time in ms in which nothing arrives. */
  readonly idleTime: number;
  readonly signal: AbortSignal;
}

/** The types of each format. */
const FORMATS: Readonly<Record<string, RowsFormat | null>> = {
  "application/vnd.apache.parquet": "parquet",
  "application/x-parquet": "parquet",
  "application/parquet": "parquet",
  "application/x-ndjson": "jsonl",
  "application/ndjson": "jsonl",
  "application/jsonl": "jsonl",
  "application/x-jsonlines": "jsonl",
  // what curl and Python's clients send for any bytes
  "": null,
  "text/plain": null,
  "application/octet-stream": null,
  "application/x-www-form-urlencoded": null,
};
const SEND = "send Parquet (application/vnd.apache.parquet) or JSON lines (application/x-ndjson)";
const PARQUET_MAGIC = "PAR1";
const BRACE = "{".charCodeAt(0);

/**
 * Returns the format that the headers name. null: the content decides.
 *
 * @throws MEDIA_TYPE_UNKNOWN when they name another format, or an encoding.
 */
export function formatOf({ headers }: Pick<IncomingMessage, "headers">): RowsFormat | null {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity")
    throw unknownType(`is encoded (Content-Encoding: ${shown(encoding)})`);
  const type = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  if (!Object.hasOwn(FORMATS, type)) throw unknownType(`is marked as ${shown(type)}`);
  return FORMATS[type]!;
}

/**
 * Writes the body into the file, as it arrives, and returns its format.
 *
 * @throws BODY_TOO_LARGE when the body is larger than `maxBytes`.
 * @throws MEDIA_TYPE_UNKNOWN when the content is of no format, or of another than the header's.
 */
export async function receiveRows(
  body: IncomingMessage,
  path: string,
  { format, maxBytes, idleTime, signal }: ReceiveOptions,
): Promise<RowsFormat> {
  if (Number(body.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { socket } = body;
  slowBodies.add(socket);
  const idle = setTimeout(() => {
    slowBodies.delete(socket);
    answerClientError(BODY_TIMED_OUT, socket);
  }, idleTime);
  const file = await open(path, "wx", 0o600);
  try {
    let received = 0;
    let head = Buffer.alloc(0);
    // the stream stays open, so that a refused caller gets its answer
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      idle.refresh();
      received += chunk.length;
      if (received > maxBytes) throw tooLarge(maxBytes);
      if (head.length < HEAD_BYTES) {
        head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES)]);
        checkHead(head, format);
      }
      await file.writeFile(chunk);
    }
    return checkedFormat(head, format);
  } finally {
    clearTimeout(idle);
    slowBodies.delete(socket);
    await file.close();
  }
}

/** The bytes of a body that say its format: white space may come before a JSON object. */
const HEAD_BYTES = 64;

/** Refuses a body of another format before all of it has arrived. */
function checkHead(head: Buffer, format: RowsFormat | null): void {
  if (head.length >= HEAD_BYTES) checkedFormat(head, format);
}

function checkedFormat(head: Buffer, format: RowsFormat | null): RowsFormat {
  if (head.length === 0) throw new TidemarkError("ENTITIES_INVALID", `the body is empty; ${SEND}`);
  const found = foundFormat(head);
  if (found === null || (format !== null && format !== found))
    throw unknownType(`is not ${format === null ? "Parquet or JSON lines" : NAMES[format]}`);
  return found;
}

const NAMES: Readonly<Record<RowsFormat, string>> = { parquet: "Parquet", jsonl: "JSON lines" };

function foundFormat(head: Buffer): RowsFormat | null {
  if (head.subarray(0, 4).toString("latin1") === PARQUET_MAGIC) return "parquet";
  // a byte order mark of UTF-8 and white space may come first
  const start = head.subarray(0, 3).toString("hex") === "efbbbf" ? 3 : 0;
  const first = head.subarray(start).find((byte) => !WHITE_SPACE.has(byte));
  return first === undefined || first === BRACE ? "jsonl" : null;
}

const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

function tooLarge(maxBytes: number): TidemarkError {
  return new TidemarkError(
    "BODY_TOO_LARGE",
    `the body is larger than ${maxBytes} bytes; send fewer rows or columns, or raise ` +
      "limits.trainingSetBytes of the server",
  );
}

function unknownType(what: string): TidemarkError {
  return new TidemarkError("MEDIA_TYPE_UNKNOWN", `the body ${what}; ${SEND}`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
