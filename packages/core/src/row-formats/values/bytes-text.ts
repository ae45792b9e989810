/** Bytes as text, in the encodings of the connector's `binary.handling.mode`. */
import type { ColumnSpec } from "../../specs.ts";
import { isBase64 } from "./decimal.ts";

type Encoding = NonNullable<ColumnSpec["encoding"]>;

const HEX = /^(?:[0-9a-f]{2})+$/i;
const ONE_CASE = /^(?:[0-9a-f]+|[0-9A-F]+)$/;
const BASE64URL = /^[A-Za-z0-9_-]*={0,2}$/;

/** Decodes the text; null: it is not of the encoding. */
export function bytesOfText(text: string, encoding: Encoding): Uint8Array | null {
  if (text === "") return new Uint8Array(0);
  switch (encoding) {
    case "hex":
      return HEX.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : null;
    case "base64":
      return isBase64(text) ? new Uint8Array(Buffer.from(text, "base64")) : null;
    case "base64url":
      return isBase64Url(text) ? new Uint8Array(Buffer.from(text, "base64url")) : null;
    case "digits":
      return null;
  }
}

/** Base64 with - and _. The padding may be left out, and a whole one ends at a multiple of 4. */
function isBase64Url(text: string): boolean {
  if (!BASE64URL.test(text)) return false;
  return text.endsWith("=") ? text.length % 4 === 0 : text.length % 4 !== 1;
}

/**
 * Says whether the text is hex as a program writes it: pairs of digits in one case. Some of them
 * are base64 too.
 */
export const mayBeHex = (text: string): boolean => HEX.test(text) && ONE_CASE.test(text);
