/** Cells that hold JSON: few, small, and read by people who look into a file. */
import { damaged } from "../columns/bytes.ts";

export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Throws `STATE_DAMAGED` where the bytes are no JSON. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw damaged("is no JSON");
  }
}
