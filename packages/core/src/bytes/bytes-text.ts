/**
 * Bytes as text, in Node and in browsers. Node's Buffer is faster than the functions of browsers.
 */

/** The most arguments that one call of `String.fromCharCode` gets. */
const CHUNK = 8192;

export function toBase64(bytes: Uint8Array): string {
  if (typeof Buffer !== "undefined") return bufferOf(bytes).toString("base64");
  let characters = "";
  for (let from = 0; from < bytes.length; from += CHUNK)
    characters += String.fromCharCode(...bytes.subarray(from, from + CHUNK));
  return btoa(characters);
}

/**
 * Decodes base64 of the standard alphabet with padding; null if the text is anything else.
 *
 * @example
 * fromBase64("AQI="); // Uint8Array [1, 2]
 */
export function fromBase64(text: string): Uint8Array | null {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  if (typeof Buffer !== "undefined") return new Uint8Array(Buffer.from(text, "base64"));
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function toHex(bytes: Uint8Array): string {
  if (typeof Buffer !== "undefined") return bufferOf(bytes).toString("hex");
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same memory as a Buffer. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
