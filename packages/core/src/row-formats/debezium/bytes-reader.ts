/**
 * Reads bytes from text. A schema of bytes, or the declared encoding, says how they are written.
 * Without both, a text that is hex and base64 at once is refused.
 */
import type { ReaderOptions, ValueReader } from "./value-reader.ts";
import { bytesOfText, mayBeHex } from "../values/bytes-text.ts";
import { Failure } from "../values/failure.ts";

const NOT_BYTES = new Failure("NOT_BYTES");

/** Makes the reader of a column of bytes. */
export function bytesReader({ column, field, warn }: ReaderOptions): ValueReader {
  // Kafka Connect's JSON writes bytes as base64. The other modes make the column a text.
  const connected = field?.type === "bytes";
  const { encoding } = column;
  if (connected && encoding !== undefined && encoding !== "base64")
    warn(
      "BYTES_ENCODING_CONTRADICTS",
      `column "${column.database}" is declared as ${encoding}, and its schema says bytes, which ` +
        "are base64; they are read as base64",
    );
  const declared = connected ? "base64" : encoding;
  const unclear = new Failure(
    "BYTES_ENCODING_UNCLEAR",
    "the text is hex, and may be base64 too; declare the encoding, as in " +
      `bytes("${column.database}", { encoding: "hex" }), or set the connector's ` +
      "binary.handling.mode=base64 and declare base64",
  );
  const other =
    declared === undefined ? NOT_BYTES : new Failure("NOT_BYTES", `the text is no ${declared}`);
  const urlSafe = new Failure(
    "NOT_BYTES",
    `the text is no base64, and looks like base64url; declare it: bytes("${column.database}", ` +
      '{ encoding: "base64url" })',
  );
  return (row, i) => {
    if (!row.isString(i)) return NOT_BYTES;
    const text = row.string(i);
    if (declared !== undefined) return bytesOfText(text, declared) ?? other;
    if (mayBeHex(text)) return unclear;
    const bytes = bytesOfText(text, "base64");
    if (bytes !== null) return bytes;
    return bytesOfText(text, "base64url") === null ? other : urlSafe;
  };
}
