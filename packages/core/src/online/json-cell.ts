/** Encodes cells that hold JSON. Such cells are few and small, and a person can read them. */
import { damaged } from "../bytes/bytes.ts";

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Decodes a cell.
 *
 * @throws STATE_DAMAGED when the bytes are not JSON.
 */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damaged("is no JSON");
  }
}
